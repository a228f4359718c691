#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::*;
use crate::client::testing::{shown, spans_of};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

fn user(id: u32) -> User {
    let name = format!("User {id}");
    User { id, name }
}

fn open(url: &str) -> (Cache, Arc<Stats>) {
    let stats = Arc::new(Stats::default());
    let config = config::Cache {
        url: url.into(),
        ..config::Cache::default()
    };
    let cache = Cache::new(&config, Arc::clone(&stats)).unwrap();
    (cache, stats)
}

#[tokio::test]
async fn values_come_back_until_they_are_removed_or_their_time_is_over() {
    let (cache, stats) = open("memory");
    cache.set("user:1", &user(1), MINUTE).await;
    cache
        .set("user:2", &user(2), Duration::from_millis(20))
        .await;
    assert_eq!(cache.get("user:1").await, Some(user(1)));
    cache.remove("user:1").await;
    assert_eq!(cache.get::<User>("user:1").await, None);
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert_eq!(cache.get::<User>("user:2").await, None);
    assert_eq!(stats.cache_hits.load(Relaxed), 1);
    assert_eq!(stats.cache_misses.load(Relaxed), 2);
}

#[tokio::test]
async fn a_time_of_zero_keeps_nothing_and_an_endless_one_overflows_nothing() {
    let (cache, _) = open("memory");
    cache.set("key", "old", MINUTE).await;
    cache.set("key", "new", Duration::ZERO).await;
    assert_eq!(cache.get::<String>("key").await, None);
    cache.set("key", "new", Duration::MAX).await;
    assert_eq!(cache.get::<String>("key").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_value_of_another_type_is_a_miss() {
    let (cache, _) = open("memory");
    cache.set("key", "text", MINUTE).await;
    assert_eq!(cache.get::<User>("key").await, None);
    let value = cache.get_or_compute("key", MINUTE, async || Ok::<_, ()>(user(1)));
    assert_eq!(value.await, Ok(user(1)));
    assert_eq!(cache.get("key").await, Some(user(1)));
}

#[tokio::test]
async fn memory_is_bounded() {
    let config = config::Cache {
        capacity: 10,
        ..config::Cache::default()
    };
    let cache = Cache::new(&config, Arc::default()).unwrap();
    for id in 0..1000 {
        cache.set(&format!("user:{id}"), &id, MINUTE).await;
    }
    if let Backend::Memory(memory) = &cache.0.backend {
        assert!(memory.settled_len().await <= 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_callers_one_computes() {
    let (cache, _) = open("memory");
    let computations = Arc::new(AtomicU32::new(0));
    let callers = (0..100).map(|_| {
        let (cache, computations) = (cache.clone(), Arc::clone(&computations));
        tokio::spawn(async move {
            let compute = async || {
                computations.fetch_add(1, SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok::<_, ()>(user(1))
            };
            cache.get_or_compute("user:1", MINUTE, compute).await
        })
    });
    for value in join_all(callers).await {
        assert_eq!(value.unwrap(), Ok(user(1)));
    }
    assert_eq!(computations.load(SeqCst), 1);
    assert_eq!(cache.0.computations.len(), 0);
}

#[tokio::test]
async fn an_error_is_given_to_its_caller_alone() {
    let (cache, _) = open("memory");
    let (first, second) = tokio::join!(
        cache.get_or_compute("user:1", MINUTE, async || {
            tokio::task::yield_now().await;
            Err::<User, _>("the database is away")
        }),
        cache.get_or_compute("user:1", MINUTE, async || Ok::<_, &str>(user(1))),
    );
    assert_eq!(first, Err("the database is away"));
    assert_eq!(second, Ok(user(1)));
    assert_eq!(cache.0.computations.len(), 0);
}

#[tokio::test]
async fn when_the_computing_caller_is_cancelled_the_next_one_takes_over() {
    let (cache, _) = open("memory");
    let stuck = tokio::spawn({
        let cache = cache.clone();
        async move {
            let forever = async || std::future::pending::<Result<User, ()>>().await;
            cache.get_or_compute("user:1", MINUTE, forever).await
        }
    });
    tokio::task::yield_now().await;
    let next = tokio::spawn({
        let cache = cache.clone();
        async move {
            let compute = async || Ok::<_, ()>(user(1));
            cache.get_or_compute("user:1", MINUTE, compute).await
        }
    });
    tokio::task::yield_now().await;
    stuck.abort();
    assert_eq!(next.await.unwrap(), Ok(user(1)));
    assert_eq!(cache.0.computations.len(), 0);
}

#[tokio::test]
async fn what_is_removed_while_it_is_computed_is_not_brought_back() {
    let (cache, _) = open("memory");
    let old = cache.get_or_compute("user:1", MINUTE, async || {
        cache.remove("user:1").await;
        let new = cache.get_or_compute("user:1", MINUTE, async || Ok::<_, ()>(user(2)));
        assert_eq!(new.await, Ok(user(2)));
        Ok::<_, ()>(user(1))
    });
    assert_eq!(old.await, Ok(user(1)));
    assert_eq!(cache.get("user:1").await, Some(user(2)));
    assert_eq!(cache.0.computations.len(), 0);
}

#[tokio::test]
async fn what_is_set_while_it_is_computed_is_not_overwritten() {
    let (cache, _) = open("memory");
    let old = cache.get_or_compute("user:1", MINUTE, async || {
        cache.set("user:1", &user(2), MINUTE).await;
        Ok::<_, ()>(user(1))
    });
    assert_eq!(old.await, Ok(user(1)));
    assert_eq!(cache.get("user:1").await, Some(user(2)));
    assert_eq!(cache.0.computations.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_removed_while_it_is_written_does_not_stay() {
    let (cache, _) = open("memory");
    let version = Arc::new(AtomicU32::new(0));
    for turn in 0..5_000 {
        let key = format!("user:{turn}");
        let reader = tokio::spawn({
            let (cache, version, key) = (cache.clone(), Arc::clone(&version), key.clone());
            async move {
                let compute = async || Ok::<_, ()>(version.load(SeqCst));
                cache.get_or_compute(&key, MINUTE, compute).await
            }
        });
        for _ in 0..turn % 64 {
            std::hint::spin_loop();
        }
        let newest = version.fetch_add(1, SeqCst) + 1;
        cache.remove(&key).await;
        reader.await.unwrap().unwrap();
        let kept = cache.get::<u32>(&key).await;
        assert!(kept.is_none_or(|kept| kept == newest), "turn {turn}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hit_takes_no_lock() {
    let (cache, stats) = open("memory");
    cache.set("user:1", &user(1), MINUTE).await;
    let _nobody_joins = cache.0.computations.lock_for_test();
    let hit = tokio::spawn({
        let cache = cache.clone();
        async move {
            let compute = async || Err::<User, _>("computed");
            cache.get_or_compute("user:1", MINUTE, compute).await
        }
    });
    let hit = tokio::time::timeout(Duration::from_secs(10), hit).await;
    assert_eq!(hit.expect("it waits").unwrap(), Ok(user(1)));
    assert_eq!(stats.cache_hits.load(Relaxed), 1);
}

#[tokio::test]
async fn a_value_that_is_not_json_still_reaches_its_caller() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Odd;
    impl Serialize for Odd {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("odd"))
        }
    }
    let (cache, stats) = open("memory");
    let value = cache.get_or_compute("odd", MINUTE, async || Ok::<_, ()>(Odd));
    assert_eq!(value.await, Ok(Odd));
    assert_eq!(stats.exchanges(Part::Cache), (0, 1));
}

#[test]
fn an_unusable_url_is_explained_without_its_password() {
    let check = |url: &str, expected: &[&str]| {
        let config = config::Cache {
            url: url.into(),
            ..config::Cache::default()
        };
        let message = Cache::new(&config, Arc::default()).unwrap_err().to_string();
        for part in expected {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
        assert!(!message.contains("secret"), "{message}");
    };
    check("memroy", &["`memroy`", "expected `memory` or `redis://"]);
    check("", &["``", "expected `memory`"]);
    check("http://localhost", &["`http://localhost`"]);
    check("redi://me:secret@host", &["`redi://***@host`"]);
    #[cfg(feature = "redis")]
    check("redis://me:secret@host:port", &["`redis://***@host:port`"]);
    #[cfg(feature = "redis")]
    check(
        "redis://me:secret@host/seven",
        &["`redis://***@host/seven`"],
    );
}

#[tokio::test]
async fn each_use_of_memory_is_a_span() {
    let spans = spans_of("", |handle| async move {
        let cache = handle.cache();
        cache.get::<User>("user:42").await;
        cache.set("user:42", &user(42), MINUTE).await;
        cache.get::<User>("user:42").await;
        cache.remove("user:42").await;
    });
    assert_eq!(
        shown(&spans.await),
        r#"cache get
  cache.key="user:?"
  cache.hit=false
cache set
  cache.key="user:?"
cache get
  cache.key="user:?"
  cache.hit=true
cache remove
  cache.key="user:?"
"#
    );
}
