//! The collector that spans are sent to: a process of its own, so that what receiving costs is in nobody's figures.

mod protobuf;
mod server;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub(crate) use server::run;

use crate::measure::{cores_of_clients, get, own_path};

/// A running collector. It ends with this value, and with the process that has it.
#[derive(Debug)]
pub(crate) struct Collector {
    process: Child,
    port: u16,
}

/// What has arrived.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Requests that held spans.
    pub(crate) exports: u64,
    /// Their bodies, as they were received.
    pub(crate) bytes: u64,
    pub(crate) spans: u64,
}

impl Collector {
    /// Starts one on the cores that the server under load does not have.
    pub(crate) fn start() -> Self {
        let mut process = Command::new("taskset")
            .args(["-c", &cores_of_clients()])
            .arg(own_path())
            .arg("collector")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("taskset is installed");
        let mut port = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut port)
            .expect("the collector tells its port");
        Self {
            process,
            port: port.trim().parse().expect("the port is a number"),
        }
    }

    /// Asks the collector on this port what has arrived.
    pub(crate) fn counts_at(port: u16) -> Counts {
        let answer = get(port, "/counts");
        let numbers: Vec<u64> = answer
            .lines()
            .last()
            .unwrap_or_default()
            .split(' ')
            .filter_map(|number| number.parse().ok())
            .collect();
        let [exports, bytes, spans] = numbers[..] else {
            panic!("the collector answers with three numbers: {answer}");
        };
        Counts {
            exports,
            bytes,
            spans,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Self::counts_at(self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where exporters send to; each adds the path by itself.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            exports: self.exports - earlier.exports,
            bytes: self.bytes - earlier.bytes,
            spans: self.spans - earlier.spans,
        }
    }
}
