//! `init`: a commented `detective.toml` for this application, and its schema.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::report::{Format, Ink, Output};
use super::{IntoApp, Program};
use crate::attribute::callsite;
use crate::config::{Loader, SCHEMA_FILE, Service, reference_for, schema};
use crate::lifecycle::{Detective, parts};
use crate::survey::Templates;

pub(super) async fn run<A: IntoApp>(
    loader: &Loader,
    force: bool,
    format: Format,
    app: impl AsyncFnOnce(&Detective) -> A,
) -> Output {
    let path = loader.file_to_write();
    if path.exists() && !force {
        return Output::failed(format, &exists(&path));
    }
    // The current settings do not matter. They may be wrong, and the new file may be the repair.
    let loaded = match Loader::isolated("").load() {
        Ok(loaded) => loaded,
        Err(error) => return Output::failed(format, &error.to_string()),
    };
    let program = Program::start(loader, loaded, app).await;
    let app = program.and_then(|program| program.app);
    let (routes, missing) = match &app {
        Ok(app) => (Templates::of(app).listed().to_vec(), None),
        Err(reason) => (
            Vec::new(),
            Some(format!(
                "the routes are not listed, because the application could not be built: {reason}"
            )),
        ),
    };
    let schema_path = path.with_file_name(SCHEMA_FILE);
    let text = file_text(&routes);
    let written = write(&path, &text, force)
        // The schema is the same for every application of this version.
        .and_then(|()| write(&schema_path, &schema(), true));
    if let Err((path, error)) = written {
        let message = match error.kind() {
            io::ErrorKind::AlreadyExists => exists(&path),
            _ => format!("`{}` cannot be written: {error}", path.display()),
        };
        return Output::failed(format, &message);
    }
    let functions = callsite::all().len();
    match format {
        Format::Json => Output::json(
            missing.is_none(),
            &json!({
                "ok": missing.is_none(),
                "written": [path, schema_path],
                "functions": functions,
                "routes": routes.len(),
                "error": missing,
            }),
        ),
        Format::Text(style) => {
            let mut text = format!(
                "{} {} and {SCHEMA_FILE} beside it, with a commented rule for each of {functions} functions and {} routes\n",
                style.ink(Ink::Good, "written:"),
                path.display(),
                routes.len()
            );
            if let Some(missing) = &missing {
                text.push_str(&format!(
                    "{} {missing}\n",
                    style.ink(Ink::Warning, "warning:")
                ));
            }
            Output::new(missing.is_none(), text)
        }
    }
}

fn file_text(routes: &[String]) -> String {
    let mut service = Service::default();
    parts::identify(&mut service);
    let functions: Vec<(&str, String)> = callsite::all()
        .iter()
        .map(|callsite| {
            let site = callsite.site();
            (callsite.path(), format!("{}:{}", site.file, site.line))
        })
        .collect();
    let name = format!("{:?}", service.name);
    reference_for(&[("service.name", &name)], routes, &functions)
}

fn exists(path: &Path) -> String {
    format!(
        "`{}` already exists and was not changed; `detective init --force` replaces it",
        path.display()
    )
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), (PathBuf, io::Error)> {
    OpenOptions::new()
        .write(true)
        .create(force)
        .truncate(force)
        .create_new(!force)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| (path.to_owned(), error))
}
