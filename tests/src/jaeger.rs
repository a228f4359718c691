//! A real Jaeger v2 in one process, with traces in memory.

use std::{net::Ipv4Addr, process::Command};

use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::{Folder, Process, Trace, binary, free_port, process::accepts, until, wait::client};

/// A running Jaeger. It receives spans by OTLP over HTTP and gRPC and by UDP, and has a query API.
#[derive(Debug)]
pub struct Jaeger {
    process: Process,
    ports: Ports,
    client: Client,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    otlp_http: u16,
    otlp_grpc: u16,
    udp: u16,
    query: u16,
    query_grpc: u16,
    health: u16,
}

impl Jaeger {
    /// Starts one, or returns `None` when it is not installed.
    pub async fn start() -> Option<Self> {
        let program = binary::require("jaeger")?;
        let ports = Ports {
            otlp_http: free_port(),
            otlp_grpc: free_port(),
            udp: free_port(),
            query: free_port(),
            query_grpc: free_port(),
            health: free_port(),
        };
        let mut jaeger = Self::run(&program, ports);
        jaeger.wait_until_ready().await;
        Some(jaeger)
    }

    /// The endpoint for `jaeger.protocol = "otlp-http"`: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn otlp_http(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.otlp_http)
    }

    /// The endpoint for `jaeger.protocol = "otlp-grpc"`: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn otlp_grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.otlp_grpc)
    }

    /// The endpoint for `jaeger.protocol = "udp"`: `127.0.0.1:PORT`.
    #[must_use]
    pub fn udp(&self) -> String {
        format!("127.0.0.1:{}", self.ports.udp)
    }

    /// Its web page and query API: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn ui(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.query)
    }

    /// The process, to stop it and to read its output.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills it and starts it again on the same ports. Its traces are lost.
    pub async fn restart(&mut self) {
        self.process.kill();
        let program =
            binary::require("jaeger").expect("the program was there when it was started first");
        *self = Self::run(&program, self.ports);
        self.wait_until_ready().await;
    }

    /// The names of the services that it knows.
    pub async fn services(&self) -> Vec<String> {
        let (_, answer) = self.get("/api/services", &[]).await;
        let names = answer["data"].as_array().into_iter().flatten();
        names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    }

    /// The trace with this id as it is now.
    pub async fn trace(&self, id: &str) -> Option<Trace> {
        let (status, answer) = self.get(&format!("/api/traces/{id}"), &[]).await;
        (status == StatusCode::OK).then(|| Trace::parse(&answer["data"][0]))
    }

    /// The traces in which this service has a span, 1,500 at most.
    pub async fn traces(&self, service: &str) -> Vec<Trace> {
        let (_, answer) = self
            .get("/api/traces", &[("service", service), ("limit", "1500")])
            .await;
        answer["data"]
            .as_array()
            .into_iter()
            .flatten()
            .map(Trace::parse)
            .collect()
    }

    /// Waits until the trace with this id fulfils `condition`. Spans arrive in parts, so the
    /// condition should check for the last one.
    ///
    /// # Panics
    ///
    /// When it does not in time, with the last state of the trace.
    pub async fn wait_for_trace(&self, id: &str, condition: impl Fn(&Trace) -> bool) -> Trace {
        until(&format!("the trace {id}"), async || {
            match self.trace(id).await {
                Some(trace) if condition(&trace) => Ok(trace),
                Some(trace) => Err(format!("the trace is\n{trace}")),
                None => Err("there is no such trace".to_owned()),
            }
        })
        .await
    }

    /// Waits until a trace of this service fulfils `condition`, and returns that trace.
    ///
    /// # Panics
    ///
    /// When none does in time, with the last state of the traces.
    pub async fn wait_for(&self, service: &str, condition: impl Fn(&Trace) -> bool) -> Trace {
        until(&format!("a trace of `{service}`"), async || {
            let mut traces = self.traces(service).await;
            match traces.iter().position(&condition) {
                Some(index) => Ok(traces.swap_remove(index)),
                None => Err(format!(
                    "its {} traces are\n{}",
                    traces.len(),
                    outline(&traces)
                )),
            }
        })
        .await
    }

    fn run(program: &std::path::Path, ports: Ports) -> Self {
        let folder = Folder::new("jaeger");
        let config = folder.write("config.yaml", &config(ports));
        let mut command = Command::new(program);
        command.arg("--config").arg(config);
        Self {
            process: Process::start(command, folder),
            ports,
            client: client(),
        }
    }

    async fn wait_until_ready(&mut self) {
        let Ports {
            otlp_http,
            otlp_grpc,
            health,
            ..
        } = self.ports;
        let client = self.client.clone();
        self.process
            .wait_until_ready(async || {
                let status = client
                    .get(format!("http://127.0.0.1:{health}/status"))
                    .send()
                    .await;
                let status = status.map_err(|error| error.to_string())?.status();
                if !status.is_success() {
                    return Err(format!("its health check answers {status}"));
                }
                accepts((Ipv4Addr::LOCALHOST, otlp_http).into()).await?;
                accepts((Ipv4Addr::LOCALHOST, otlp_grpc).into()).await
            })
            .await;
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
        let answer = self
            .client
            .get(self.ui() + path)
            .query(query)
            .send()
            .await
            .expect("Jaeger answers");
        let status = answer.status();
        (
            status,
            answer.json().await.expect("Jaeger answers with JSON"),
        )
    }
}

/// The configuration of Jaeger v2, which is an OpenTelemetry collector. Its own telemetry is off,
/// since the default port may be taken.
fn config(ports: Ports) -> String {
    let Ports {
        otlp_http,
        otlp_grpc,
        udp,
        query,
        query_grpc,
        health,
    } = ports;
    format!(
        "\
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp, jaeger]
      exporters: [jaeger_storage_exporter]
  telemetry:
    metrics:
      level: none
extensions:
  healthcheckv2:
    use_v2: true
    http:
      endpoint: 127.0.0.1:{health}
  jaeger_storage:
    backends:
      memory:
        memory:
          max_traces: 100000
  jaeger_query:
    storage:
      traces: memory
    http:
      endpoint: 127.0.0.1:{query}
    grpc:
      endpoint: 127.0.0.1:{query_grpc}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{otlp_grpc}
      http:
        endpoint: 127.0.0.1:{otlp_http}
  jaeger:
    protocols:
      thrift_compact:
        endpoint: 127.0.0.1:{udp}
exporters:
  jaeger_storage_exporter:
    trace_storage: memory
"
    )
}

fn outline(traces: &[Trace]) -> String {
    traces
        .iter()
        .take(20)
        .map(|trace| format!("{}\n{trace}", trace.id))
        .collect()
}
