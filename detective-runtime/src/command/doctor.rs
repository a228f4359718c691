//! `doctor`: tests everything that the settings name, and says how to fix what fails.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower_service::Service;

use super::check::Checked;
use super::report::{Format, Ink, Output, Style, count};
use super::{IntoApp, Program, crates, reach};
use crate::config::{Config, Http, Loader};
use crate::export::SpanKind;
use crate::lifecycle::{Detective, parts};
use crate::survey::{Templates, example_path};

/// What was found about one part.
#[derive(Debug)]
pub(super) struct Item {
    part: &'static str,
    state: State,
    text: String,
    advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Good,
    Bad,
    /// Turned off, or not to be seen from here.
    Off,
}

/// Longest wait for the application's answer to the probe.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of an answer that are waited for.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

impl Item {
    pub(super) fn new(part: &'static str, state: State, text: impl Into<String>) -> Self {
        Self {
            part,
            state,
            text: text.into(),
            advice: None,
        }
    }

    pub(super) fn advise(mut self, advice: &str) -> Self {
        self.advice = Some(advice.to_owned());
        self
    }
}

pub(super) async fn run<A: IntoApp>(
    loader: &Loader,
    format: Format,
    app: impl AsyncFnOnce(&Detective) -> A,
) -> Output {
    let mut loaded = match loader.load() {
        Ok(loaded) => loaded,
        Err(error) => return Output::failed(format, &error.to_string()),
    };
    parts::identify(&mut loaded.config.service);
    let program = Program::start(loader, loaded.clone(), app).await;
    let app = match &program {
        Ok(program) => program.app.as_ref().map_err(String::as_str),
        Err(reason) => Err(reason.as_str()),
    };
    let mut items = vec![settings(&Checked::new(&loaded, app))];
    let (store, cache, jaeger) = tokio::join!(
        reach::store(&loaded),
        reach::cache(&loaded.config),
        reach::jaeger(&loaded.config),
    );
    items.extend([store, cache, jaeger]);
    match (&program, app) {
        (Ok(program), Ok(app)) => items.extend(request(program, app, &loaded.config).await),
        (_, reason) => {
            let reason = reason.err().unwrap_or_default();
            let text = format!("the application could not be built: {reason}");
            items.push(Item::new("request", State::Bad, text));
        }
    }
    items.extend(duplicated_crates(loader));
    shown(&items, format)
}

fn settings(checked: &Checked) -> Item {
    match checked.findings.iter().filter(|it| !it.is_note()).count() {
        0 => Item::new("settings", State::Good, "they match the application"),
        1 => Item::new(
            "settings",
            State::Bad,
            "one setting does not do what it seems to do",
        )
        .advise("`detective check` shows it"),
        count => {
            let text = format!("{count} settings do not do what they seem to do");
            Item::new("settings", State::Bad, text).advise("`detective check` shows them")
        }
    }
}

fn duplicated_crates(loader: &Loader) -> Vec<Item> {
    const PART: &str = "crates";
    let Some(lock_file) = crates::lock_file(loader.directory()) else {
        let text = "not checked, because there is no Cargo.lock here or in a parent folder";
        return vec![Item::new(PART, State::Off, text)];
    };
    let duplicates = crates::duplicates(&lock_file);
    if duplicates.is_empty() {
        let text = "Cargo.lock has only one version of each crate that must not be there twice";
        return vec![Item::new(PART, State::Good, text)];
    }
    let found = duplicates.into_iter();
    found
        .map(|text| {
            Item::new(PART, State::Bad, text).advise(
                "`cargo tree -d` shows which crate needs which version; make them use one version",
            )
        })
        .collect()
}

/// Sends a request through the application, and looks at what it left.
async fn request(program: &Program, app: &Router, config: &Config) -> Vec<Item> {
    const PART: &str = "request";
    let path = probe_path(Templates::of(app).listed(), &config.http);
    let has_own_layer = program.detective.is_layered();
    let watched = if has_own_layer {
        app.clone()
    } else {
        app.clone().layer(program.detective.layer()).with_state(())
    };
    let (status, time) = match send(watched, &path).await {
        Ok(answer) => answer,
        Err(reason) => {
            let text = format!("GET {path} {reason}");
            let advice =
                "send this request with a client, and look into the log of the application";
            return vec![Item::new(PART, State::Bad, text).advise(advice)];
        }
    };
    let answered = format!(
        "GET {path} was answered {status} in {:.1} ms",
        time.as_secs_f64() * 1000.0
    );
    let rows = program.sinks.rows().await;
    let spans = program.sinks.spans().await;
    let is_recorded = !rows.is_empty() || spans.iter().any(|it| it.kind == SpanKind::Server);
    if !is_recorded {
        let advice = if has_own_layer {
            "add `detective.layer()` to the outermost router, or use `watch`"
        } else {
            "see `tracing.enabled`, `http.watch` and `http.exclude` in `detective config`"
        };
        let text = format!("{answered}, and nothing was recorded");
        return vec![Item::new(PART, State::Bad, text).advise(advice)];
    }
    let state = if status.is_server_error() {
        State::Bad
    } else {
        State::Good
    };
    let text = match spans.len() {
        0 => format!("{answered}; tracing is off"),
        number => {
            let tree = program.sinks.tree().await;
            format!(
                "{answered} and left {}:\n{}",
                count(number, "span"),
                tree.trim_end()
            )
        }
    };
    let mut request = Item::new(PART, state, text);
    if state == State::Bad {
        request = request.advise("the application itself failed; its log may say why");
    }
    let seen = rows.iter().find_map(|row| row.status_code);
    vec![request, layers(has_own_layer, seen, status)]
}

/// Whether the layer sits where it sees what clients see.
fn layers(has_own_layer: bool, seen: Option<u16>, status: StatusCode) -> Item {
    const PART: &str = "layers";
    if !has_own_layer {
        let text = "`serve` and `watch` put the layer outermost";
        return Item::new(PART, State::Good, text);
    }
    match seen {
        None => Item::new(
            PART,
            State::Off,
            "not checked, because the request left no row",
        ),
        Some(seen) if seen == status.as_u16() => Item::new(
            PART,
            State::Good,
            "the application's own layer sees the same status as the client",
        ),
        Some(seen) => {
            let text = format!("the client got {status}, but the layer saw {seen}");
            Item::new(PART, State::Bad, text).advise(
                "a layer outside of it changes the response: add `detective.layer()` after all others, or use `watch`",
            )
        }
    }
}

/// A path that can be asked for without knowing the application: of a route without parameters where
/// there is one, and not one of which nothing is recorded.
fn probe_path(templates: &[String], http: &Http) -> String {
    let is_ours = |it: &str| it == "/metrics" || it.starts_with("/analytics");
    let mut candidates: Vec<&String> = templates
        .iter()
        .filter(|it| !http.excludes(it) && !is_ours(it))
        .collect();
    candidates.sort_by_key(|template| (template.contains('{'), template.len()));
    let template = candidates.first().map_or("/", |it| it.as_str());
    example_path(template)
}

/// Sends a request as a client on this machine would. The error completes "GET /path".
async fn send(mut app: Router, path: &str) -> Result<(StatusCode, Duration), String> {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let request = Request::get(path)
        .header("host", "localhost")
        .header("user-agent", "detective-doctor")
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .map_err(|error| format!("is not a valid request: {error}"))?;
    // In a task of its own, so that a handler's panic ends there.
    let begin = Instant::now();
    let answer = tokio::spawn(async move {
        let answer = app
            .call(request)
            .await
            .unwrap_or_else(|never| match never {});
        let status = answer.status();
        // An endless answer is dropped, as by a client that has seen enough.
        let _too_long = axum::body::to_bytes(answer.into_body(), ANSWER_BYTES).await;
        status
    });
    let abort = answer.abort_handle();
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(Ok(status)) => Ok((status, begin.elapsed())),
        Ok(Err(_panicked)) => Err("panicked, and no layer caught it".to_owned()),
        Err(_elapsed) => {
            abort.abort();
            Err(format!(
                "did not answer within {} s",
                ANSWER_TIMEOUT.as_secs()
            ))
        }
    }
}

fn shown(items: &[Item], format: Format) -> Output {
    let is_fine = items.iter().all(|item| item.state != State::Bad);
    match format {
        Format::Text(style) => Output::new(is_fine, text(items, style)),
        Format::Json => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| {
                    json!({
                        "part": item.part,
                        "state": match item.state {
                            State::Good => "ok",
                            State::Bad => "bad",
                            State::Off => "off",
                        },
                        "text": item.text,
                        "advice": item.advice,
                    })
                })
                .collect();
            Output::json(is_fine, &json!({ "ok": is_fine, "parts": items }))
        }
    }
}

fn text(items: &[Item], style: Style) -> String {
    let mut text = String::new();
    for item in items {
        let (word, ink) = match item.state {
            State::Good => ("ok ", Ink::Good),
            State::Bad => ("bad", Ink::Error),
            State::Off => ("off", Ink::Faint),
        };
        let told = item.text.replace('\n', "\n                 ");
        let part = style.ink(Ink::Heading, &format!("{:<8}", item.part));
        let _ = writeln!(text, "{}  {part}  {told}", style.ink(ink, word));
        if let Some(advice) = &item.advice {
            let _ = writeln!(text, "               → {advice}");
        }
    }
    text
}
