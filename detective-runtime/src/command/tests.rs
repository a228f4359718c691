//! The commands, run as from a terminal: words in, text and exit code out.

use std::convert::Infallible;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::routing::get;
use serde_json::Value;

use super::report::{Output, Style};
use super::{crates, run};
use crate::attribute::callsite;
use crate::config::Loader;
use crate::lifecycle::Detective;

/// A folder of one test; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(toml: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("detective-command-{}-{number}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(folder.path()).unwrap();
        if !toml.is_empty() {
            std::fs::write(folder.file(), toml).unwrap();
        }
        folder
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self) -> PathBuf {
        self.0.join("detective.toml")
    }

    async fn run(&self, words: &str) -> Output {
        self.run_app(words, async |_: &Detective| app()).await
    }

    async fn run_app<A: super::IntoApp>(
        &self,
        words: &str,
        app: impl AsyncFnOnce(&Detective) -> A,
    ) -> Output {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let loader = Loader::with([], self.path()).profile("development");
        run(&loader, &words, Style::Plain, app).await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn app() -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route("/users/{user_id}", get(async || "user"))
        .route("/toys", get(async || "toys"))
}

#[track_caller]
fn check(output: &Output, code: u8, text: &str) {
    assert_eq!((output.code, output.text.as_str()), (code, text));
}

#[tokio::test]
async fn words_that_are_no_command() {
    let folder = Folder::new("");
    let case = async |words: &str, expected: &str| {
        let text = format!("error: {expected}\n  `detective --help` explains the commands\n");
        check(&folder.run(words).await, 2, &text);
    };
    case(
        "",
        "no command, expected one of check, config, init, doctor",
    )
    .await;
    case(
        "chekc",
        "unknown command `chekc`, did you mean `check`?\n  accepted: check, config, init, doctor",
    )
    .await;
    case(
        "check --jsno",
        "unknown flag `--jsno`, did you mean `--json`?\n  accepted: --json, --force, --help",
    )
    .await;
    case(
        "check doctor",
        "`check` and `doctor` are two commands, expected one",
    )
    .await;
    case("check --force", "`--force` is for `init` only").await;
    check(&folder.run("check --help").await, 0, super::arguments::HELP);
}

#[tokio::test]
async fn check_is_content_with_what_fits() {
    let folder = Folder::new("[routes.\"/users/*\"]\nsample = 0.1\n");
    let functions = callsite::all().len();
    let plural = if functions == 1 { "" } else { "s" };
    let expected = format!(
        "all is well: {}, profile development, {functions} investigated function{plural}, 3 routes\n",
        folder.file().display()
    );
    check(&folder.run("check").await, 0, &expected);
}

#[tokio::test]
async fn check_tells_what_does_not_fit() {
    let toml =
        "[capture]\nrequest_headers = [\"cookie\"]\n[routes.\"/user/{user_id}\"]\nsample = 0.1\n";
    let output = Folder::new(toml).run("check").await;
    let expected = "\
warning: detective.toml:2:1: `cookie` is never captured, because it is on the deny list
warning: detective.toml:3:9: [routes.\"/user/{user_id}\"] matches no route, did you mean `/users/{user_id}`?

2 warnings: ";
    assert_eq!(output.code, 1);
    assert_eq!(&output.text[..expected.len()], expected);

    let strict = format!("[service]\nstrict = true\n{toml}");
    let output = Folder::new(&strict).run("check").await;
    assert!(
        output.text.contains("\n\n1 error, 1 warning: "),
        "{}",
        output.text
    );
}

#[tokio::test]
async fn check_tells_mistakes_without_the_application() {
    let folder = Folder::new("[tracing]\nsampel = 1.0\n");
    let app = async |_: &Detective| -> Router { panic!("put together") };
    let expected = "\
error: detective.toml:2:1: unknown key `sampel` in [tracing], did you mean `sample`?
  accepted: enabled, sample, slow, trust_inbound, exception_events, max_spans, max_fields

1 error; the settings were not compared with the application
";
    check(&folder.run_app("check", app).await, 1, expected);
}

#[tokio::test]
async fn check_tells_that_the_application_is_missing() {
    let app = async |_: &Detective| Err::<Router, _>("no database");
    let output = Folder::new("").run_app("check", app).await;
    let expected = "error: commands(): the routes were not compared, because the application could \
                    not be built: no database\n\n1 error: no file, the defaults are in force";
    assert_eq!(output.code, 1);
    assert_eq!(&output.text[..expected.len()], expected);
}

#[tokio::test]
async fn check_speaks_json() {
    let output = Folder::new("[routes.\"/zzz\"]\nsample = 0.1\n")
        .run("check --json")
        .await;
    let json: Value = serde_json::from_str(&output.text).unwrap();
    assert_eq!(
        (output.code, &json["ok"], &json["routes"]),
        (1, &false.into(), &3.into())
    );
    let finding = &json["findings"][0];
    assert_eq!(finding["level"], "warning");
    assert_eq!(finding["message"], "[routes.\"/zzz\"] matches no route");
    assert_eq!(finding["place"]["line"], 1);
}

#[tokio::test]
async fn config_tells_values_and_places_and_no_secrets() {
    let toml = "\
[tracing]
sample = 0.5
[analytics]
token = \"t0p\"
[cache]
url = \"redis://:t0p@localhost\"
[jaeger]
headers = { authorization = \"t0p\" }
[routes.\"/toys\"]
slow = \"2s\"
";
    let folder = Folder::new(toml);
    let text = folder.run("config").await.text;
    for line in [
        "[tracing]",
        "sample = 0.5                                  # detective.toml:2:1",
        "slow = \"1s\"                                   # default",
        "url = \"redis://[hidden]\"                      # detective.toml:6:1",
        "url = \"sqlite://data/detective.db\"            # default",
        "token = [hidden]                              # detective.toml:4:1",
        "headers = { authorization = [hidden] }        # detective.toml:8:1",
        "#listen is absent                             # default",
        "[routes.\"/toys\"]",
        "slow = \"2s\"                                   # detective.toml:10:1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    let json = folder.run("config --json").await.text;
    assert!(!text.contains("t0p") && !json.contains("t0p"));
    let json: Value = serde_json::from_str(&json).unwrap();
    let settings = json["settings"].as_array().unwrap();
    let sample = settings.iter().find(|it| it["key"] == "sample").unwrap();
    assert_eq!(
        (&sample["value"], &sample["place"]["line"]),
        (&"0.5".into(), &2.into())
    );
}

#[tokio::test]
async fn init_writes_once() {
    let folder = Folder::new("");
    let output = folder.run("init").await;
    assert_eq!(output.code, 0, "{}", output.text);
    let written = std::fs::read_to_string(folder.file()).unwrap();
    for line in [
        "#:schema ./detective.schema.json",
        "#[routes.\"/users/{user_id}\"]",
        "#[routes.\"/toys\"]",
    ] {
        assert!(written.lines().any(|it| it == line), "{line}");
    }
    let schema = folder.path().join("detective.schema.json");
    assert_eq!(
        std::fs::read_to_string(schema).unwrap(),
        crate::config::schema()
    );
    assert_eq!(folder.run("check").await.code, 0);

    std::fs::write(folder.file(), "mine").unwrap();
    let expected = format!(
        "error: `{}` already exists and was not changed; `detective init --force` replaces it\n",
        folder.file().display()
    );
    check(&folder.run("init").await, 1, &expected);
    assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), "mine");
    assert_eq!(folder.run("init --force").await.code, 0);
    assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), written);
}

/// The lines of a doctor about one part, without the time that the request took.
async fn doctor<A: super::IntoApp>(
    toml: &str,
    part: &str,
    app: impl AsyncFnOnce(&Detective) -> A,
) -> (u8, String) {
    let folder = Folder::new(&format!("{toml}\n[store]\nurl = \"sqlite::memory:\"\n"));
    let output = folder.run_app("doctor", app).await;
    let mut lines = output
        .text
        .lines()
        .skip_while(|line| !line[3..].trim_start().starts_with(part));
    let first = lines.next().map(str::to_owned);
    let rest = lines
        .take_while(|line| line.starts_with(' '))
        .map(str::to_owned);
    let text = first.into_iter().chain(rest).collect::<Vec<_>>().join("\n");
    let text = match (text.find(" in "), text.find(" ms")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &text[..from], &text[to + 3..]),
        _ => text,
    };
    (output.code, text)
}

const OFF: &str = "[jaeger]\nprotocol = \"off\"\n";

#[tokio::test]
async fn doctor_finds_nothing() {
    let app = async |_: &Detective| app();
    let expected = "ok   request   GET /toys was answered 200 OK and left 1 span:\n                 \
                    GET /toys (server)";
    assert_eq!(doctor(OFF, "request", app).await, (0, expected.to_owned()));
}

#[tokio::test]
async fn doctor_tells_that_the_layer_sees_something_else() {
    let app = async |detective: &Detective| {
        let hidden = async |_: axum::response::Response| {
            (StatusCode::OK, "all is well, says the outer layer")
        };
        Router::new()
            .route("/", get(async || StatusCode::BAD_REQUEST))
            .layer(detective.layer())
            .layer(map_response(hidden))
    };
    let expected = "bad  layers    the client got 200 OK, but the layer saw 400\n               \
                    → a layer outside of it changes the response: add `detective.layer()` after all others, or use `watch`";
    assert_eq!(doctor(OFF, "layers", app).await, (1, expected.to_owned()));
}

#[tokio::test]
async fn doctor_survives_a_panic() {
    let app = async |_: &Detective| {
        Ok::<_, Infallible>(
            Router::new().route("/", get(async || -> &'static str { panic!("no") })),
        )
    };
    let expected = "bad  request   GET / panicked, and no layer caught it\n               \
                    → send this request with a client, and look into the log of the application";
    assert_eq!(doctor(OFF, "request", app).await, (1, expected.to_owned()));
}

#[cfg(feature = "otlp-http")]
#[tokio::test]
async fn doctor_does_not_wait_for_a_collector_that_asks_to_be_left_alone() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = collector.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = collector.accept().await.unwrap();
        let mut request = [0; 4096];
        assert_ne!(stream.read(&mut request).await.unwrap(), 0);
        let answer = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 3600\r\n\
                      content-length: 11\r\n\r\nmaintenance";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _read = stream.read(&mut request).await.unwrap();
    });
    let toml = format!("[jaeger]\nprotocol = \"otlp-http\"\nendpoint = \"http://{address}\"\n");
    let (code, text) = doctor(&toml, "jaeger", async |_: &Detective| app()).await;
    let expected = format!(
        "bad  jaeger    cannot send a span to `http://{address}/`: 503 Service Unavailable: maintenance"
    );
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with(&expected), "{text}");
}

#[cfg(feature = "jaeger-udp")]
#[tokio::test]
async fn doctor_tells_whether_an_agent_listens() {
    let agent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = agent.local_addr().unwrap();
    let toml = format!(
        "[jaeger]\nprotocol = \"udp\"\nendpoint = \"{address}\"\nui_url = \"http://jaeger:16686/\"\n"
    );
    let (code, text) = doctor(&toml, "jaeger", async |_: &Detective| app()).await;
    let expected = format!(
        "ok   jaeger    a span was sent to the agent at {address}; UDP has no response, so check \
         that it arrived: http://jaeger:16686/trace/"
    );
    assert_eq!((code, &text[..expected.len()]), (0, expected.as_str()));

    drop(agent);
    let expected = format!(
        "bad  jaeger    no agent listens at {address} (the datagram was refused)\n               \
         → start Jaeger, correct `jaeger.endpoint`, or set `jaeger.protocol` to \"off\"; until then \
         traces are dropped and counted"
    );
    let (code, text) = doctor(&toml, "jaeger", async |_: &Detective| app()).await;
    assert_eq!((code, text), (1, expected));
}

#[test]
fn crates_that_must_be_there_once() {
    let package = |name: &str, version: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
    };
    let fine = package("axum", "0.8.9")
        + &package("opentelemetry", "0.23.0")
        + &package("opentelemetry", "0.33.0")
        + &package("rand", "0.8.0")
        + &package("rand", "0.9.0");
    assert_eq!(crates::duplicates(&fine), [""; 0]);
    let broken = fine + &package("opentelemetry", "0.31.0") + &package("axum", "0.7.9");
    assert_eq!(
        crates::duplicates(&broken),
        [
            "axum 0.8.9, 0.7.9: the router of one is not the router of the other, and its routes \
             are not recorded",
            "opentelemetry 0.23.0, 0.33.0, 0.31.0: contexts and spans of one are unknown to the other",
        ]
    );
}

#[test]
fn colours_are_for_terminals() {
    use super::report::Ink;
    assert_eq!(Style::Plain.ink(Ink::Error, "error:"), "error:");
    assert_eq!(
        Style::Coloured.ink(Ink::Error, "error:"),
        "\u{1b}[1;31merror:\u{1b}[0m"
    );
}
