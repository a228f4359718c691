//! Tests with a real `redis-server`, which each test starts for itself.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cache::Cache;
use crate::client::testing::{shown, spans_of};
use crate::config;
use crate::metrics::{Part, Stats};

const MINUTE: Duration = Duration::from_secs(60);

/// `cache.timeout` in these tests: generous, since the machine may be busy.
const TIMEOUT: Duration = Duration::from_millis(500);

/// A server on its own port, killed when dropped.
struct Server {
    port: u16,
    process: Child,
}

impl Server {
    /// `None`, with a message, if there is no `redis-server`.
    async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        Self::start_on(port).await
    }

    async fn start_on(port: u16) -> Option<Self> {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir", "/tmp"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match process {
            Ok(process) => {
                let server = Self { port, process };
                server.until_ready().await;
                Some(server)
            }
            Err(error) => {
                let required = std::env::var("DETECTIVE_REQUIRE_SERVERS").is_ok_and(|it| it == "1");
                assert!(!required, "redis-server is required: {error}");
                {
                    eprintln!("skipped: redis-server is not installed");
                }
                None
            }
        }
    }

    async fn until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.ask(&["PING"]).await.as_deref() != Some("PONG") {
            assert!(Instant::now() < deadline, "redis-server did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The answer to one command on a separate connection, as text.
    async fn ask(&self, words: &[&str]) -> Option<String> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query_async(&mut connection).await.ok()
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    fn stop(mut self) -> u16 {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn open(port: u16) -> (Cache, Arc<Stats>) {
    let stats = Arc::new(Stats::default());
    let config = config::Cache {
        url: format!("redis://127.0.0.1:{port}").as_str().into(),
        prefix: "store:".to_owned(),
        timeout: TIMEOUT,
        ..config::Cache::default()
    };
    (Cache::new(&config, Arc::clone(&stats)).unwrap(), stats)
}

/// Uses the cache until it works again.
async fn until_it_works(cache: &Cache) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        cache.set("probe", &1, MINUTE).await;
        if cache.get::<u8>("probe").await.is_some() {
            return;
        }
        assert!(Instant::now() < deadline, "the cache did not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The time of a hundred look-ups, one after the other.
async fn hundred_misses(cache: &Cache) -> Duration {
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(cache.get::<u8>("probe").await, None);
    }
    start.elapsed()
}

#[tokio::test]
async fn a_value_is_plain_json_under_prefix_and_key_with_its_time_to_live() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (cache, stats) = open(server.port);
    let user = serde_json::json!({"id": 1, "name": "User 1"});
    cache.set("user:1", &user, Duration::from_secs(300)).await;
    let text = server.ask(&["GET", "store:user:1"]).await;
    assert_eq!(text.as_deref(), Some(r#"{"id":1,"name":"User 1"}"#));
    let ttl: u64 = server
        .ask(&["PTTL", "store:user:1"])
        .await
        .unwrap()
        .parse()
        .unwrap();
    assert!((280_000..=300_000).contains(&ttl), "{ttl}");
    assert_eq!(cache.get("user:1").await, Some(user));
    cache.remove("user:1").await;
    assert_eq!(
        server.ask(&["EXISTS", "store:user:1"]).await.as_deref(),
        Some("0")
    );
    assert_eq!(stats.exchanges(Part::Cache), (3, 0));
}

#[tokio::test]
async fn what_is_not_json_or_not_a_string_is_a_miss_and_is_overwritten() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (cache, stats) = open(server.port);
    server.ask(&["SET", "store:a", "{broken"]).await;
    server.ask(&["LPUSH", "store:b", "list"]).await;
    for key in ["a", "b"] {
        let value = cache.get_or_compute(key, MINUTE, async || Ok::<_, ()>(7));
        assert_eq!(value.await, Ok(7));
        assert_eq!(cache.get(key).await, Some(7));
    }
    // Redis answered the command for the list with an error, so Redis is still contacted.
    assert_eq!(stats.exchanges(Part::Cache), (5, 1));
}

#[tokio::test]
async fn the_cache_starts_without_redis_and_uses_it_later() {
    let Some(server) = Server::start().await else {
        return;
    };
    let port = server.stop();
    let (cache, stats) = open(port);
    // The first attempt is refused at once, and the others make no attempt.
    assert!(hundred_misses(&cache).await < TIMEOUT);
    assert!(stats.exchanges(Part::Cache).1 >= 1);
    let _server = Server::start_on(port).await.unwrap();
    until_it_works(&cache).await;
}

#[tokio::test]
async fn a_restart_between_two_calls_costs_no_miss() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (cache, stats) = open(server.port);
    cache.set("probe", &1, MINUTE).await;
    let server = Server::start_on(server.stop()).await.unwrap();
    server.ask(&["SET", "store:probe", "2"]).await;
    assert_eq!(cache.get::<u8>("probe").await, Some(2));
    assert_eq!(stats.exchanges(Part::Cache).1, 0);
}

#[tokio::test]
async fn a_redis_that_hangs_costs_one_timeout_and_is_used_again_later() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (cache, stats) = open(server.port);
    until_it_works(&cache).await;
    server.signal("-STOP");
    let first = Instant::now();
    assert_eq!(cache.get::<u8>("probe").await, None);
    let first = first.elapsed();
    assert!(first >= TIMEOUT && first < TIMEOUT * 3, "{first:?}");
    let rest = hundred_misses(&cache).await;
    assert!(rest < TIMEOUT, "{rest:?}");
    assert!(
        stats
            .trouble(Part::Cache)
            .last
            .unwrap()
            .0
            .contains("did not answer within")
    );
    server.signal("-CONT");
    until_it_works(&cache).await;
    assert!(stats.trouble(Part::Cache).recovered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_redis_under_load_fails_no_caller_and_delays_none_for_long() {
    let Some(server) = Server::start().await else {
        return;
    };
    let (cache, _) = open(server.port);
    until_it_works(&cache).await;
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let (start, mut longest) = (Instant::now(), Duration::ZERO);
                while start.elapsed() < Duration::from_millis(1500) {
                    let call = Instant::now();
                    let key = format!("user:{caller}");
                    let value = cache.get_or_compute(&key, MINUTE, async || Ok::<_, ()>(caller));
                    assert_eq!(value.await, Ok(caller));
                    longest = longest.max(call.elapsed());
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                longest
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let port = server.stop();
    for caller in callers {
        // A look-up and a write, each within its limit, on a machine that may be busy.
        let longest = caller.await.unwrap();
        assert!(longest < TIMEOUT * 3, "{longest:?}");
    }
    let _server = Server::start_on(port).await.unwrap();
    until_it_works(&cache).await;
}

#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
#[test]
fn tls_without_cryptography_is_told_at_start() {
    let config = config::Cache {
        url: "rediss://localhost".into(),
        ..config::Cache::default()
    };
    let error = Cache::new(&config, Arc::default()).unwrap_err().to_string();
    for part in ["`tls-ring`", "`tls-aws-lc-rs`", "install_default"] {
        assert!(error.contains(part), "{error}");
    }
}

#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
#[tokio::test]
async fn an_encrypted_connection_to_a_plain_server_fails_without_a_panic() {
    let Some(server) = Server::start().await else {
        return;
    };
    let stats = Arc::new(Stats::default());
    let config = config::Cache {
        url: format!("rediss://127.0.0.1:{}", server.port)
            .as_str()
            .into(),
        ..config::Cache::default()
    };
    let cache = Cache::new(&config, Arc::clone(&stats)).unwrap();
    assert_eq!(cache.get::<u8>("probe").await, None);
    assert_eq!(stats.exchanges(Part::Cache), (0, 1));
}

#[tokio::test]
async fn each_use_of_redis_is_a_client_span() {
    let Some(server) = Server::start().await else {
        return;
    };
    let port = server.port;
    let toml = format!("[cache]\nurl = \"redis://127.0.0.1:{port}/2\"\nprefix = \"store:\"");
    let spans = spans_of(&toml, |handle| async move {
        handle.cache().set("user:42", &42, MINUTE).await;
        handle.cache().get::<u8>("user:42").await;
    });
    assert_eq!(
        shown(&spans.await),
        format!(
            r#"SET
  db.system.name="redis"
  db.operation.name="SET"
  db.namespace="2"
  server.address="127.0.0.1"
  server.port={port}
  db.query.text="SET store:user:? ? PX ?"
GET
  db.system.name="redis"
  db.operation.name="GET"
  db.namespace="2"
  server.address="127.0.0.1"
  server.port={port}
  db.query.text="GET store:user:?"
  cache.hit=true
"#
        )
    );
}
