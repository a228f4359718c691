//! The example store as a process.

use std::{
    env,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::OnceLock,
};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use crate::{
    Exposition, Folder, Process, Sqlite, free_port, process::accepts, until, wait::client,
};

/// How to start the example store: in a new folder, with only the settings given here.
#[derive(Debug)]
pub struct Store {
    command: Command,
    folder: Folder,
    port: u16,
}

/// The running store.
#[derive(Debug)]
pub struct RunningStore {
    process: Process,
    port: u16,
    client: Client,
}

impl Store {
    /// A store on a free port. Variables about Detective in the tests' environment are removed.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it builds the store and takes a port"
    )]
    pub fn new() -> Self {
        let mut command = Command::new(store_binary());
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let ours = ["DETECTIVE_", "OTEL_", "STORE_", "RUST_LOG"]
                .iter()
                .any(|prefix| text.starts_with(prefix));
            // A proxy would intercept the store's requests to itself.
            if ours || text.to_lowercase().ends_with("_proxy") {
                command.env_remove(name);
            }
        }
        let port = free_port();
        command.env("STORE_LISTEN", format!("127.0.0.1:{port}"));
        Self {
            command,
            folder: Folder::new("store"),
            port,
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Writes a `detective.toml` into its working directory.
    #[must_use]
    pub fn config(self, toml: &str) -> Self {
        self.folder.write("detective.toml", toml);
        self
    }

    /// Listens on all addresses of the machine instead of only loopback.
    #[must_use]
    pub fn on_all_addresses(mut self) -> Self {
        self.command
            .env("STORE_LISTEN", format!("0.0.0.0:{}", self.port));
        self
    }

    /// Starts it and waits until it accepts connections.
    ///
    /// # Panics
    ///
    /// When it ends instead, with its output.
    pub async fn start(self) -> RunningStore {
        let address = (Ipv4Addr::LOCALHOST, self.port).into();
        let mut process = Process::start(self.command, self.folder);
        process
            .wait_until_ready(async || accepts(address).await)
            .await;
        RunningStore {
            process,
            port: self.port,
            client: client(),
        }
    }

    /// Starts it and expects it to refuse. Returns its exit status and its standard error.
    ///
    /// # Panics
    ///
    /// When it has not ended in time.
    pub async fn start_and_fail(self) -> (ExitStatus, String) {
        let mut process = Process::start(self.command, self.folder);
        (process.wait().await, process.stderr())
    }
}

impl Store {
    /// Runs one of its commands, `detective <words>`. Returns the exit code and its standard
    /// output.
    ///
    /// # Panics
    ///
    /// When it has not ended in time.
    pub async fn detective(mut self, words: &str) -> (Option<i32>, String) {
        self.command.arg("detective").args(words.split_whitespace());
        let mut process = Process::start(self.command, self.folder);
        (process.wait().await.code(), process.stdout())
    }
}

impl RunningStore {
    /// The full URL of a path: `http://127.0.0.1:PORT/users/1` for `/users/1`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// `127.0.0.1:PORT`, the form of a Prometheus target.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The response to a GET, whatever its status.
    ///
    /// # Panics
    ///
    /// When there is no response.
    pub async fn get(&self, path: &str) -> Response {
        let answer = self.client.get(self.url(path)).send().await;
        answer.unwrap_or_else(|error| panic!("the store on GET {path}: {error:?}"))
    }

    /// The body of the response to a GET as text.
    ///
    /// # Panics
    ///
    /// When the status is not a success.
    pub async fn text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .unwrap_or_else(|error| panic!("the body of GET {path}: {error:?}"));
        assert!(status.is_success(), "GET {path} answers {status}: {text}");
        text
    }

    /// The body of the response to a GET as JSON.
    ///
    /// # Panics
    ///
    /// When the status is not a success, or the body is not JSON.
    pub async fn json(&self, path: &str) -> Value {
        let text = self.text(path).await;
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("GET {path}: {error} in `{text}`"))
    }

    /// A request to which headers can be added: `store.request("GET",
    /// "/users/1").header(..).send()`.
    ///
    /// # Panics
    ///
    /// When `method` is not a method.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes())
            .unwrap_or_else(|_| panic!("`{method}` is no method of HTTP"));
        self.client.request(method, self.url(path))
    }

    /// The current text of `/metrics`.
    ///
    /// # Panics
    ///
    /// When it is refused, or is not an exposition.
    pub async fn metrics(&self) -> Exposition {
        Exposition::parse(&self.text("/metrics").await)
    }

    /// Waits until exactly this many rows are written.
    ///
    /// # Panics
    ///
    /// When they are not in time.
    pub async fn wait_for_rows(&self, rows: u64) {
        until(&format!("{rows} rows"), async || {
            let health = self.json("/analytics/health").await;
            if health["rows_written"] == rows {
                Ok(())
            } else {
                Err(health.to_string())
            }
        })
        .await;
    }

    /// The process: its id, its output, signals.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// A file of its working directory, such as `data/detective.db`.
    #[must_use]
    pub fn file(&self, path: impl AsRef<Path>) -> PathBuf {
        self.process.folder().join(path)
    }

    /// One of its databases, for reading with `sqlite3`; `None` when that is not installed.
    #[must_use]
    pub fn sqlite(&self, path: impl AsRef<Path>) -> Option<Sqlite> {
        Sqlite::open(self.file(path))
    }

    /// Sends SIGTERM and waits until it has ended. Everything is flushed by then.
    ///
    /// # Panics
    ///
    /// When it has not ended in time.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.process.terminate().await
    }
}

/// The store's program. It is built if it is not up to date, with the profile and the target
/// directory of the tests.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn store_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(build)
}

fn build() -> PathBuf {
    let this = env::current_exe().expect("a test knows its own program");
    // A test is in `TARGET/PROFILE/deps`, a documentation test in a temporary folder.
    let target = this
        .ancestors()
        .find(|path| path.join("CACHEDIR.TAG").exists());

    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Builds with the whole workspace's features, which are those that the tests were built with,
    // so that nothing is compiled again.
    cargo.args([
        "build",
        "--workspace",
        "--bin",
        "store",
        "--message-format",
        "json-render-diagnostics",
    ]);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    if let Some(target) = target {
        cargo.arg("--target-dir").arg(target);
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // Without the variables that cargo sets for a test: build scripts that read them would run
    // again.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .output()
        .expect("cargo, which runs the tests, can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the store cannot be built:\n{errors}"
    );

    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|message| {
            message["reason"] == "compiler-artifact" && message["target"]["name"] == "store"
        })
        .and_then(|message| message["executable"].as_str().map(PathBuf::from));
    executable.expect("cargo names the program that it was asked to build")
}
