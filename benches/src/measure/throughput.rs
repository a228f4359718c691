//! Requests a second over loopback, with the server on one core, and the most memory that the server had.
//!
//! A second is one of the server's processor time, over all its threads. While the client asks for more than one core
//! can answer, this is what passes on the clock too, save that other programs on the machine do not count. What is
//! still in the background when the client ends is waited for, and belongs to it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tokio::io::AsyncBufReadExt;
use tokio::net::TcpListener;

use super::dropped::Dropped;
use super::{CORE_OF_SERVER, cores_of_clients, get, median, nanos_of_threads, own_path};
use crate::app::{HEADERS, handled};
use crate::collector::Collector;
use crate::contestants::{Contestant, build};

const ROUNDS: usize = 5;
const SECONDS: u32 = 1;

/// What a server under load did.
#[derive(Debug, Clone)]
pub(crate) struct Throughput {
    /// Requests a second, with the bare application's as one.
    pub(crate) ratio: f64,
    /// Of the bare application.
    pub(crate) bare_per_second: f64,
    /// Megabytes.
    pub(crate) peak_memory: f64,
    /// What Detective counted as dropped; those that show no such count do not tell.
    pub(crate) dropped: Option<Dropped>,
    /// Requests that were answered.
    pub(crate) handled: u64,
    /// Spans that arrived of them; none without a collector.
    pub(crate) arrived: u64,
}

/// Lets the contestant take turns with the bare application.
pub(crate) fn measure(name: &str) -> Throughput {
    let (mut bare, mut contestant) = (Server::start("bare"), Server::start(name));
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
        handled: contestant.handled,
        arrived: contestant.arrived(),
    }
}

/// Serves the contestant until standard input is closed, and prints its port and that of its collector, or 0. For each
/// line of input it lets the background catch up, and prints how many requests were answered.
pub(crate) async fn serve(name: &str) {
    let contestant = build(name).await;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let port_of_collector = contestant.collector.as_ref().map_or(0, Collector::port);
    println!("{port} {port_of_collector}");
    let app = contestant
        .app
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, app) => served.expect("the listener lives"),
        () = settle_when_told(&contestant) => {}
    }
}

async fn settle_when_told(contestant: &Contestant) {
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = orders.next_line().await {
        contestant.settle().await;
        println!("{}", handled());
    }
}

struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: u16,
    /// 0 for none.
    port_of_collector: u16,
    handled: u64,
}

impl Server {
    fn start(name: &str) -> Self {
        let mut process = Command::new("taskset")
            .args(["-c", CORE_OF_SERVER])
            .arg(own_path())
            .args(["serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset is installed");
        let input = process.stdin.take().expect("it is piped");
        let output = process.stdout.take().expect("it is piped");
        let mut server = Self {
            process,
            input,
            output: BufReader::new(output),
            port: 0,
            port_of_collector: 0,
            handled: 0,
        };
        let line = server.line();
        let (port, port_of_collector) = line.split_once(' ').expect("it tells two ports");
        server.port = port.parse().expect("the port is a number");
        server.port_of_collector = port_of_collector.parse().expect("the port is a number");
        server
    }

    /// The next line that the server prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the server still runs");
        line.trim().to_owned()
    }

    /// Lets the background of the server catch up.
    fn settle(&mut self) {
        self.input
            .write_all(b"settle\n")
            .expect("the server still runs");
        self.handled = self.line().parse().expect("it tells how many it answered");
    }

    /// Lets the client ask for so many seconds, and answers with the requests a second.
    fn load(&mut self, seconds: u32) -> f64 {
        let mut wrk = Command::new("taskset");
        wrk.args(["-c", &cores_of_clients(), "wrk", "-t2", "-c32"]);
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
        self.settle();
        let elapsed = self.processor_seconds() - begin;
        let requests: Option<f64> = text.lines().find_map(|line| {
            let (requests, _) = line.trim().split_once(" requests in ")?;
            requests.parse().ok()
        });
        requests.unwrap_or_else(|| panic!("wrk tells its requests: {text}")) / elapsed
    }

    /// Time that the threads of the server have run.
    fn processor_seconds(&self) -> f64 {
        let nanos = nanos_of_threads(self.process.id()).map(|(_, nanos)| nanos);
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

    fn dropped(&self) -> Option<Dropped> {
        Dropped::read(&get(self.port, "/metrics"))
    }

    fn arrived(&self) -> u64 {
        match self.port_of_collector {
            0 => 0,
            port => Collector::counts_at(port).spans,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
