//! The commands that one line in `main` adds to any application: `check`, `config`, `init` and
//! `doctor`. They run inside the application, because only the application knows its functions and
//! routes.

mod arguments;
mod check;
mod crates;
mod doctor;
mod init;
mod reach;
mod report;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use axum::Router;

use crate::config::{Loaded, Loader};
use crate::error::StartError;
use crate::lifecycle::{Builder, Detective};
use crate::survey::Survey;
use crate::testing::{self, Sinks};

use self::arguments::{Request, Task};
use self::report::{Format, Output, Style};

/// The word that begins a command: `cargo run -- detective check`.
const WORD: &str = "detective";

/// What an application gives to [`Detective::commands`]: its router, or the reason why it has none.
pub trait IntoApp {
    /// The router.
    ///
    /// # Errors
    ///
    /// Why it could not be built, for the person at the terminal.
    fn into_app(self) -> Result<Router, String>;
}

impl IntoApp for Router {
    fn into_app(self) -> Result<Router, String> {
        Ok(self)
    }
}

impl<E: Display> IntoApp for Result<Router, E> {
    fn into_app(self) -> Result<Router, String> {
        self.map_err(|error| error.to_string())
    }
}

/// The application, built for a command. It records to memory and does not serve.
struct Program {
    detective: Detective,
    sinks: Sinks,
    app: Result<Router, String>,
}

impl Program {
    /// Builds the application with these settings.
    async fn start<A: IntoApp>(
        loader: &Loader,
        loaded: Loaded,
        app: impl AsyncFnOnce(&Detective) -> A,
    ) -> Result<Self, String> {
        let (detective, sinks) = start(loader, loaded)
            .await
            .map_err(|error| error.to_string())?;
        let app = app(&detective).await.into_app();
        Ok(Self {
            detective,
            sinks,
            app,
        })
    }
}

/// Starts with sinks in memory and without an admin server. It keeps every trace and row.
async fn start(loader: &Loader, mut loaded: Loaded) -> Result<(Detective, Sinks), StartError> {
    let survey = Survey::new(&loaded);
    loaded.config.admin.listen = None;
    loaded.config.store.enabled = true;
    // Every request then counts as slow, and slow traces are kept.
    loaded.config.tracing.slow = Duration::ZERO;
    testing::start_loaded(loader.clone(), loaded, survey).await
}

impl Detective {
    /// Adds the commands `detective check`, `config`, `init` and `doctor` to this application.
    ///
    /// If the first argument of the process is not `detective`, this does nothing. If it is, this calls
    /// `app` to build the application, with a Detective that records to memory and does not serve. Then
    /// it runs the command and **ends the process** with its exit code: 0 if nothing is wrong, 1 if
    /// something was found, 2 if the command line is wrong. Call it early in `main`, before anything
    /// that must be closed. `app` may also return a `Result`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use detective::Detective;
    ///
    /// fn app() -> Router {
    ///     Router::new().route("/", get(async || "hello"))
    /// }
    ///
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     Detective::commands(async |_| app()).await; // cargo run -- detective check
    ///     let detective = Detective::start().await?;
    ///     detective.serve("127.0.0.1:8000", app()).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn commands<A: IntoApp>(app: impl AsyncFnOnce(&Detective) -> A) {
        Self::builder().commands(app).await;
    }
}

impl Builder {
    /// Runs the command that the arguments of this process ask for, as
    /// [`Detective::commands`] does, with these settings.
    pub async fn commands<A: IntoApp>(&self, app: impl AsyncFnOnce(&Detective) -> A) {
        run_and_exit(&self.loader, app).await;
    }
}

/// Runs the command that the arguments of this process ask for, if they ask for one, and ends the
/// process with its exit code.
async fn run_and_exit<A: IntoApp>(loader: &Loader, app: impl AsyncFnOnce(&Detective) -> A) {
    let mut words = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    if words.next().as_deref() != Some(WORD) {
        return;
    }
    let words: Vec<String> = words.collect();
    let output = run(loader, &words, Style::of_process(), app).await;
    let written = match output.code {
        report::USAGE => io::stderr().write_all(output.text.as_bytes()),
        _ => io::stdout().write_all(output.text.as_bytes()),
    };
    // If the reader closed the pipe, it wants no more output.
    let _nobody_reads = written.and_then(|()| io::stdout().flush());
    std::process::exit(i32::from(output.code));
}

/// Runs the command that these words ask for.
async fn run<A: IntoApp>(
    loader: &Loader,
    words: &[String],
    style: Style,
    app: impl AsyncFnOnce(&Detective) -> A,
) -> Output {
    let request = match arguments::read(words) {
        Ok(request) => request,
        Err(message) => return Output::usage(&message),
    };
    let Request { task, json } = request;
    let format = if json {
        Format::Json
    } else {
        Format::Text(style)
    };
    match task {
        Task::Help => Output::fine(arguments::HELP.to_owned()),
        Task::Check => check::run(loader, format, app).await,
        Task::Config => settings::run(loader, format),
        Task::Init { force } => init::run(loader, force, format, app).await,
        Task::Doctor => doctor::run(loader, format, app).await,
    }
}

impl Style {
    /// Colours if a person sits at a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    fn of_process() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        if io::stdout().is_terminal() && !refused && !dumb {
            Self::Coloured
        } else {
            Self::Plain
        }
    }
}
