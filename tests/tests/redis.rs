//! The store with a real Redis as its cache. An unreachable Redis costs no request.

use std::{
    ops::AddAssign,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use detective_tests::{Jaeger, Redis, RunningStore, Store, until};
use serde_json::json;
use tokio::task::JoinSet;

fn store(redis: &Redis) -> Store {
    Store::new()
        .env("DETECTIVE_JAEGER__PROTOCOL", "off")
        .env("DETECTIVE_CACHE__URL", redis.url())
}

/// The results of some load.
#[derive(Debug, Default)]
struct Load {
    answered: usize,
    failed: Vec<String>,
    slowest: Duration,
    /// How many took longer than one `cache.timeout`.
    slow: usize,
}

const CACHE_TIMEOUT: Duration = Duration::from_millis(250);

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed.extend(other.failed);
        self.slowest = self.slowest.max(other.slowest);
        self.slow += other.slow;
    }
}

/// Sixteen clients that request users until `done`. The cache knows some of the users.
async fn load(store: &Arc<RunningStore>, done: &Arc<AtomicBool>) -> Load {
    let mut clients = JoinSet::new();
    for client in 0..16 {
        let (store, done) = (Arc::clone(store), Arc::clone(done));
        clients.spawn(async move {
            let mut load = Load::default();
            let mut number = client * 7;
            while !done.load(Relaxed) {
                let began = Instant::now();
                number += 1;
                match store
                    .request("GET", &format!("/users/{}", number % 200))
                    .send()
                    .await
                {
                    Ok(answer) if answer.status() == 200 => load.answered += 1,
                    Ok(answer) => load.failed.push(answer.status().to_string()),
                    Err(error) => load.failed.push(error.to_string()),
                }
                load.slowest = load.slowest.max(began.elapsed());
                load.slow += usize::from(began.elapsed() > CACHE_TIMEOUT);
            }
            load
        });
    }
    let mut total = Load::default();
    while let Some(load) = clients.join_next().await {
        total += load.expect("a client does not panic");
    }
    total
}

/// Runs load, and `disturb` in the middle of it. Every request must be answered, and none late.
async fn check_load_during(store: &Arc<RunningStore>, disturb: impl AsyncFnOnce()) {
    let answered = async || store.metrics().await.sum("http_requests_total");
    let more = async |number: f64| {
        let enough = answered().await + number;
        until("more requests", async || {
            let now = answered().await;
            if now >= enough {
                Ok(())
            } else {
                Err(now.to_string())
            }
        })
        .await;
    };
    let done = Arc::new(AtomicBool::new(false));
    let running = tokio::spawn({
        let (store, done) = (Arc::clone(store), Arc::clone(&done));
        async move { load(&store, &done).await }
    });
    more(200.0).await;
    disturb().await;
    more(400.0).await;
    done.store(true, Relaxed);

    let load = running.await.expect("the load does not panic");
    assert!(load.failed.is_empty(), "{load:?}");
    // One `cache.timeout` for the first look-up, 25 milliseconds for the way to the table, and a busy machine.
    assert!(load.slowest < Duration::from_secs(2), "{load:?}");
    // Only the requests that were open at that moment, and occasional probes, may wait.
    assert!(load.slow * 4 < load.answered, "{load:?}");
    assert_eq!(answered().await, load.answered as f64);
}

async fn wait_for_state(store: &RunningStore, state: &str) {
    until(&format!("the cache to be {state}"), async || {
        let health = store.json("/analytics/health").await;
        if health["cache"]["state"] == state {
            Ok(())
        } else {
            Err(health.to_string())
        }
    })
    .await;
}

/// Requests new users until Redis stores one.
async fn wait_until_used(store: &RunningStore, redis: &Redis) {
    let mut number = 1000;
    until("Redis to be used again", async || {
        number += 1;
        assert_eq!(store.get(&format!("/users/{number}")).await.status(), 200);
        let key = format!("user:{number}");
        redis
            .get(&key)
            .await
            .map(drop)
            .ok_or_else(|| format!("there is no `{key}`"))
    })
    .await;
}

#[tokio::test]
async fn a_user_is_kept_for_five_minutes_and_answered_from_there() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let store = store(&redis).start().await;
    let user = json!({"id": 1, "name": "User 1"});
    assert_eq!(store.json("/users/1").await, user);
    assert_eq!(
        redis.get("user:1").await.as_deref(),
        Some(r#"{"id":1,"name":"User 1"}"#)
    );
    let ttl = redis
        .ttl("user:1")
        .await
        .expect("the key has a time to live");
    assert!((270..=300).contains(&ttl), "{ttl}");

    redis
        .command::<()>(&["SET", "user:1", r#"{"id":1,"name":"Ada"}"#, "EX", "300"])
        .await;
    assert_eq!(
        store.json("/users/1").await,
        json!({"id": 1, "name": "Ada"})
    );
    assert_eq!(store.json("/orders/1").await["user"]["name"], "Ada");

    // A value that cannot be read counts as absent.
    redis
        .command::<()>(&["SET", "user:1", "{", "EX", "300"])
        .await;
    assert_eq!(store.json("/users/1").await, user);
    redis.command::<()>(&["DEL", "user:1"]).await;
    redis.command::<()>(&["LPUSH", "user:1", "a list"]).await;
    assert_eq!(store.json("/users/1").await, user);

    // Redis also has the responses of the analytics, under separate names.
    store.json("/analytics/metrics").await;
    let keys = redis.keys("detective:store:*:analytics:metrics:*").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert_eq!(
        store.json("/analytics/health").await["cache"]["state"],
        "ok"
    );
}

#[tokio::test]
async fn a_prefix_keeps_services_apart() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let store = store(&redis)
        .env("DETECTIVE_CACHE__PREFIX", "toys:")
        .start()
        .await;
    store.json("/users/1").await;
    assert_eq!(redis.keys("*").await, ["toys:user:1"]);
}

#[tokio::test]
async fn two_stores_with_one_redis_tell_of_their_own_rows() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let (one, other) = (store(&redis).start().await, store(&redis).start().await);
    one.json("/users/1").await;
    one.wait_for_rows(1).await;
    assert_eq!(one.json("/analytics/metrics").await[0]["total_requests"], 1);
    assert_eq!(other.json("/analytics/metrics").await, json!([]));
    // The application's own values are shared.
    redis
        .command::<()>(&["SET", "user:1", r#"{"id":1,"name":"Ada"}"#])
        .await;
    assert_eq!(other.json("/users/1").await["name"], "Ada");
}

#[tokio::test]
async fn each_command_is_a_span() {
    let (Some(redis), Some(jaeger)) = (Redis::start().await, Jaeger::start().await) else {
        return;
    };
    let store = Store::new()
        .env("DETECTIVE_JAEGER__ENDPOINT", jaeger.otlp_http())
        .env("DETECTIVE_JAEGER__FLUSH_INTERVAL", "50ms")
        .env("DETECTIVE_CACHE__URL", redis.url())
        .start()
        .await;
    store.get("/users/1").await;
    let trace = jaeger
        .wait_for("store", |trace| trace.spans.len() >= 8)
        .await;
    let expected = "\
GET /users/{user_id} (server of store)
  get_user (internal of store)
    external_service_call (internal of store)
      cache_check (internal of store)
        GET (client of store)
      database_query (internal of store)
        SELECT users (client of store)
        SET (client of store)
";
    assert_eq!(trace.to_string(), expected);
    let command = trace.span("SET");
    let tag = |key| command.tag(key).unwrap_or_default();
    assert_eq!(
        (tag("db.system.name"), tag("db.operation.name")),
        ("redis".to_owned(), "SET".to_owned())
    );
    assert_eq!(tag("db.query.text"), "SET user:? ? PX ?");
    assert_eq!(
        format!("redis://{}:{}", tag("server.address"), tag("server.port")),
        redis.url()
    );
}

#[tokio::test]
async fn a_redis_that_dies_under_load_costs_no_request() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let store = Arc::new(store(&redis).start().await);
    check_load_during(&store, async || redis.process().kill()).await;
    wait_for_state(&store, "failing").await;
    // The analytics do not depend on Redis either.
    assert_eq!(
        store.json("/analytics/metrics").await[0]["endpoint"],
        "/users/{user_id}"
    );

    redis.restart().await;
    wait_until_used(&store, &redis).await;
    wait_for_state(&store, "ok").await;
}

#[tokio::test]
async fn a_redis_that_hangs_under_load_costs_no_request() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let store = Arc::new(store(&redis).start().await);
    check_load_during(&store, async || redis.process().signal("STOP")).await;
    wait_for_state(&store, "failing").await;

    redis.process().signal("CONT");
    wait_until_used(&store, &redis).await;
    wait_for_state(&store, "ok").await;
}

#[tokio::test]
async fn a_redis_that_is_restarted_under_load_costs_no_request() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let store = Arc::new(store(&redis).start().await);
    check_load_during(&store, async || redis.restart().await).await;
    wait_until_used(&store, &redis).await;
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_is_used_when_it_comes() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    redis.process().kill();
    let store = store(&redis).start().await;
    assert_eq!(store.json("/orders/1").await["user"]["name"], "User 1");
    redis.restart().await;
    wait_until_used(&store, &redis).await;
}

#[tokio::test]
async fn a_password_that_redis_refuses_is_not_shown() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let url = redis.url().replace("redis://", "redis://clerk:s3cr3t@");
    let mut store = store(&redis)
        .env("DETECTIVE_CACHE__URL", url)
        .env("RUST_LOG", "debug")
        .start()
        .await;
    assert_eq!(store.get("/users/1").await.status(), 200);
    wait_for_state(&store, "failing").await;
    let shown = store.text("/analytics/health").await + &store.text("/metrics").await;
    store.terminate().await;
    let shown = shown + &store.process().stdout() + &store.process().stderr();
    assert!(shown.contains("redis at `127.0.0.1:"), "{shown}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
}
