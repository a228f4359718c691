//! Requests a second over loopback, with the server on one core, and the most memory that the server had.
//!
//! A second is one of the server's processor time, over all its threads. While the client asks for more than one core
//! can answer, this is what passes on the clock too, save that other programs on the machine do not count.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use tokio::net::TcpListener;

use super::{median, own_path};
use crate::app::HEADERS;
use crate::contestants::build;

const ROUNDS: usize = 5;
const SECONDS: u32 = 1;
/// The server's core; the client has the others.
const SERVER_CORE: &str = "0";

/// What a server under load did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throughput {
    /// Requests a second, with the bare application's as one.
    pub(crate) ratio: f64,
    /// Of the bare application.
    pub(crate) bare_per_second: f64,
    /// Megabytes.
    pub(crate) peak_memory: f64,
    /// What Detective counted as dropped; those that show no such count do not tell.
    pub(crate) dropped: Option<u64>,
}

/// Lets the contestant take turns with the bare application.
pub(crate) fn measure(name: &str) -> Throughput {
    let (bare, contestant) = (Server::start("bare"), Server::start(name));
    bare.load(1);
    contestant.load(1);
    let mut ratios = Vec::new();
    let mut of_bare = Vec::new();
    for _ in 0..ROUNDS {
        let bare = bare.load(SECONDS);
        ratios.push(contestant.load(SECONDS) / bare);
        of_bare.push(bare);
    }
    Throughput {
        ratio: median(ratios),
        bare_per_second: median(of_bare),
        peak_memory: contestant.peak_memory(),
        dropped: contestant.dropped(),
    }
}

/// Serves the contestant until the process is ended, and prints the port.
pub(crate) async fn serve(name: &str) {
    let contestant = build(name).await;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    println!("{}", listener.local_addr().expect("it is bound").port());
    let app = contestant
        .app
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .await
        .expect("the listener lives");
}

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(name: &str) -> Self {
        let mut process = Command::new("taskset")
            .args(["-c", SERVER_CORE])
            .arg(own_path())
            .args(["serve", name])
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset is installed");
        let mut port = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut port)
            .expect("the server tells its port");
        Self {
            port: port.trim().parse().expect("the port is a number"),
            process,
        }
    }

    /// Lets the client ask for so many seconds, and answers with the requests a second.
    fn load(&self, seconds: u32) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut wrk = Command::new("taskset");
        wrk.args([
            "-c",
            &format!("1-{}", (cores - 1).max(1)),
            "wrk",
            "-t2",
            "-c32",
        ]);
        wrk.arg(format!("-d{seconds}s"));
        for (name, value) in HEADERS {
            wrk.args(["-H", &format!("{name}: {value}")]);
        }
        let begin = self.processor_seconds();
        let output = wrk
            .arg(format!("http://127.0.0.1:{}/toys/42", self.port))
            .output()
            .expect("wrk is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            !text.contains("Non-2xx") && !text.contains("Socket errors"),
            "{text}"
        );
        let elapsed = self.processor_seconds() - begin;
        let requests: Option<f64> = text.lines().find_map(|line| {
            let (requests, _) = line.trim().split_once(" requests in ")?;
            requests.parse().ok()
        });
        requests.unwrap_or_else(|| panic!("wrk tells its requests: {text}")) / elapsed
    }

    /// Time that the threads of the server have run.
    fn processor_seconds(&self) -> f64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id()))
            .expect("the server still runs");
        let nanos = threads.flatten().filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<f64>().ok()
        });
        nanos.sum::<f64>() / 1e9
    }

    fn peak_memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: Option<f64> =
            peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse().ok());
        kilobytes.unwrap_or_default() / 1024.0
    }

    fn dropped(&self) -> Option<u64> {
        let mut answer = String::new();
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.port)).expect("the server still runs");
        let request = "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
        stream
            .write_all(request.as_bytes())
            .expect("the server still runs");
        // An answer that breaks off has no such lines.
        let _broken = stream.read_to_string(&mut answer);
        let counts = answer
            .lines()
            .filter(|line| line.starts_with("detective_dropped_total"));
        answer.contains("detective_").then(|| {
            counts
                .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
                .sum()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
