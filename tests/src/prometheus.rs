//! A real Prometheus server that scrapes one target.

use std::{collections::BTreeMap, process::Command};

use reqwest::Client;
use serde_json::Value;

use crate::{Folder, Process, binary, free_port, until, wait::client};

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    process: Process,
    url: String,
    client: Client,
}

/// A scraped target, as `/api/v1/targets` reports it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address that is scraped.
    pub url: String,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why the last scrape failed; empty if it succeeded.
    pub last_error: String,
}

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The labels, including the metric's name as `__name__`.
    pub labels: BTreeMap<String, String>,
    /// The value. A quantile of no values is NaN.
    pub value: f64,
}

impl Prometheus {
    /// Starts one that scrapes `http://TARGET/metrics` twice a second (`target` is `host:port`),
    /// with `token` as its bearer token. Returns `None` when it is not installed.
    pub async fn start(target: &str, token: Option<&str>) -> Option<Self> {
        let program = binary::require("prometheus")?;
        let folder = Folder::new("prometheus");
        let config = folder.write("prometheus.yml", &config(target, token));
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            // Off by default; Prometheus would then drop the exemplars that it scrapes.
            .arg("--enable-feature=exemplar-storage");
        let mut process = Process::start(command, folder);

        let (url, client) = (format!("http://{address}"), client());
        process
            .wait_until_ready(async || {
                let answer = client.get(format!("{url}/-/ready")).send().await;
                let status = answer.map_err(|error| error.to_string())?.status();
                if status.is_success() {
                    Ok(())
                } else {
                    Err(format!("it answers {status}"))
                }
            })
            .await;
        Some(Self {
            process,
            url,
            client,
        })
    }

    /// Its address: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process, to stop it and to read its output.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The target as Prometheus sees it now.
    pub async fn target(&self) -> Target {
        let data = self.get("/api/v1/targets", &[("state", "active")]).await;
        let target = &data["activeTargets"][0];
        let text = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
        Target {
            url: text("scrapeUrl"),
            health: text("health"),
            last_error: text("lastError"),
        }
    }

    /// Waits until a scrape of the target has succeeded.
    ///
    /// # Panics
    ///
    /// When none does in time, with the reason from Prometheus.
    pub async fn wait_until_up(&self) -> Target {
        until("the target to be up", async || {
            let target = self.target().await;
            if target.health == "up" {
                Ok(target)
            } else {
                Err(format!("{target:?}"))
            }
        })
        .await
    }

    /// The current result of a PromQL expression.
    ///
    /// # Panics
    ///
    /// When Prometheus refuses the expression, or the result is neither a vector nor a scalar.
    pub async fn query(&self, expression: &str) -> Vec<Sample> {
        let data = self.get("/api/v1/query", &[("query", expression)]).await;
        match data["resultType"].as_str() {
            Some("scalar") => vec![Sample {
                labels: BTreeMap::new(),
                value: number(&data["result"]),
            }],
            Some("vector") => data["result"]
                .as_array()
                .into_iter()
                .flatten()
                .map(Sample::parse)
                .collect(),
            _ => panic!("expected a vector or a scalar for `{expression}`, found {data}"),
        }
    }

    /// Waits until the result of `expression` is one number that fulfils `condition`.
    ///
    /// # Panics
    ///
    /// When it is not in time, with the last result.
    pub async fn wait_for(&self, expression: &str, condition: impl Fn(f64) -> bool) -> f64 {
        until(&format!("`{expression}`"), async || {
            match self.query(expression).await[..] {
                [Sample { value, .. }] if condition(value) => Ok(value),
                ref samples => Err(format!("{samples:?}")),
            }
        })
        .await
    }

    /// The trace ids of the exemplars of the series that a selector matches.
    ///
    /// # Panics
    ///
    /// When Prometheus refuses the selector.
    pub async fn exemplars(&self, selector: &str) -> Vec<String> {
        let range = [("query", selector), ("start", "0"), ("end", "4102444800")];
        let data = self.get("/api/v1/query_exemplars", &range).await;
        let series = data.as_array().into_iter().flatten();
        series
            .flat_map(|series| series["exemplars"].as_array().into_iter().flatten())
            .filter_map(|exemplar| exemplar["labels"]["trace_id"].as_str().map(str::to_owned))
            .collect()
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let answer = self
            .client
            .get(format!("{}{path}", self.url))
            .query(query)
            .send()
            .await;
        let answer: Value = answer
            .expect("Prometheus answers")
            .json()
            .await
            .expect("Prometheus answers with JSON");
        assert_eq!(
            answer["status"], "success",
            "Prometheus refuses {query:?}: {}",
            answer["error"]
        );
        answer["data"].clone()
    }
}

impl Sample {
    fn parse(json: &Value) -> Self {
        let labels = json["metric"].as_object().into_iter().flatten();
        Self {
            labels: labels
                .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            value: number(&json["value"]),
        }
    }
}

/// Prometheus writes a value as a pair of the time and the number as text, since JSON has no
/// infinity.
fn number(pair: &Value) -> f64 {
    let text = pair[1].as_str().unwrap_or_default();
    text.parse()
        .unwrap_or_else(|_| panic!("expected a number, found {pair}"))
}

fn config(target: &str, token: Option<&str>) -> String {
    let authorization = token
        .map(|token| format!("    authorization:\n      credentials: '{token}'\n"))
        .unwrap_or_default();
    format!(
        "\
global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
scrape_configs:
  - job_name: test
{authorization}    static_configs:
      - targets: ['{target}']
"
    )
}
