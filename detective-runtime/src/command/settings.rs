//! `config`: the settings in force, and where each value comes from.

use std::fmt::Write;

use serde_json::{Value, json};

use super::report::{Format, Ink, Output, Style, place_to_json};
use crate::config::{InForce, Loaded, Loader, Place};
use crate::lifecycle::parts;

pub(super) fn run(loader: &Loader, format: Format) -> Output {
    let mut loaded = match loader.load() {
        Ok(loaded) => loaded,
        Err(error) => return Output::failed(format, &error.to_string()),
    };
    parts::identify(&mut loaded.config.service);
    let settings = loaded.in_force();
    match format {
        Format::Json => {
            let file = loaded.origin.file.as_ref();
            let settings: Vec<Value> = settings
                .iter()
                .map(|setting| {
                    json!({
                        "table": setting.table,
                        "key": setting.key,
                        "value": setting.value,
                        "place": place_to_json(&setting.place),
                    })
                })
                .collect();
            let value = json!({
                "profile": loaded.profile,
                "file": file.map(|file| file.display().to_string()),
                "settings": settings,
            });
            Output::json(true, &value)
        }
        Format::Text(style) => Output::fine(text(&loaded, &settings, style)),
    }
}

fn text(loaded: &Loaded, settings: &[InForce], style: Style) -> String {
    let mut text = String::new();
    let file = match &loaded.origin.file {
        Some(file) => file.display().to_string(),
        None => "none, the defaults are in force".to_owned(),
    };
    let _ = writeln!(text, "# profile: {}\n# file: {file}", loaded.profile);
    let mut table = "";
    for setting in settings {
        if setting.table != table {
            table = &setting.table;
            let heading = style.ink(Ink::Heading, &format!("[{table}]"));
            let _ = writeln!(text, "\n{heading}");
        }
        let line = match &setting.value {
            Some(value) => format!("{} = {value}", setting.key),
            None => format!("#{} is absent", setting.key),
        };
        // Beyond this width a column would drive the places off the screen.
        let line = format!("{line:<44}  # {}", setting.place);
        let ink = match setting.place {
            Place::Default => Ink::Faint,
            _ => Ink::Good,
        };
        let _ = writeln!(text, "{}", style.ink(ink, &line));
    }
    text
}
