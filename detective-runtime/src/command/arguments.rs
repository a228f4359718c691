//! The arguments after `detective`.

use crate::config::nearest;

pub(super) const HELP: &str = "\
Commands of Detective for this application and its detective.toml.

Usage: detective <command> [--json]      (with cargo: cargo run -- detective <command>)

  check            compares the settings with the functions and routes of this application
  config           prints every setting in force, and the place that decided it
  init [--force]   writes a commented detective.toml for this application, and its schema
  doctor           tests store, cache, Jaeger and one request, and says how to fix what fails

  --json           prints JSON
  --force          lets `init` replace existing files
  --help           prints this text

Exit code: 0 nothing is wrong, 1 something was found, 2 the command line is wrong.
Set DETECTIVE_PROFILE=production to check the settings of production.
";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) task: Task,
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Help,
    Check,
    Config,
    Init { force: bool },
    Doctor,
}

const COMMANDS: [&str; 4] = ["check", "config", "init", "doctor"];
const FLAGS: [&str; 3] = ["--json", "--force", "--help"];

/// Reads the words. The error is a message.
pub(super) fn read(words: &[String]) -> Result<Request, String> {
    let (mut command, mut json, mut force) = (None, false, false);
    for word in words {
        match word.as_str() {
            "--help" | "-h" | "help" => {
                return Ok(Request {
                    task: Task::Help,
                    json: false,
                });
            }
            "--json" => json = true,
            "--force" => force = true,
            flag if flag.starts_with('-') => return Err(unknown("flag", flag, &FLAGS)),
            name if !COMMANDS.contains(&name) => return Err(unknown("command", name, &COMMANDS)),
            name => match command.replace(name) {
                None => {}
                Some(first) => {
                    return Err(format!(
                        "`{first}` and `{name}` are two commands, expected one"
                    ));
                }
            },
        }
    }
    let task = match command {
        Some("check") => Task::Check,
        Some("config") => Task::Config,
        Some("init") => Task::Init { force },
        Some("doctor") => Task::Doctor,
        _ => {
            return Err(format!(
                "no command, expected one of {}",
                COMMANDS.join(", ")
            ));
        }
    };
    match task {
        Task::Init { .. } => {}
        _ if force => return Err("`--force` is for `init` only".to_owned()),
        _ => {}
    }
    Ok(Request { task, json })
}

fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let near = match nearest(word, known) {
        Some(near) => format!(", did you mean `{near}`?"),
        None => String::new(),
    };
    format!(
        "unknown {what} `{word}`{near}\n  accepted: {}",
        known.join(", ")
    )
}
