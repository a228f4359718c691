//! Tests the store with real files. Each test has its own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod columns;
mod latencies;
mod migration;

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::time::Instant;

use super::*;
use crate::metrics::{DropReason, Part, Stats};
use crate::record::Outcome;

/// A folder that is deleted at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = format!(
            "detective-store-{}-{:x}",
            std::process::id(),
            fastrand::u64(..)
        );
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    fn file(&self) -> PathBuf {
        self.0.join("deep").join("detective.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn identity() -> Identity {
    Identity {
        service: "shop".to_owned(),
        version: "1.2.3".to_owned(),
        instance: "host:1".to_owned(),
    }
}

/// 2026-11-22T10:14:47.278201Z.
pub(crate) fn example_time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_342_487_278_201)
}

/// A row with a value in every column.
pub(crate) fn full_row() -> ApiMetric {
    ApiMetric {
        endpoint: "/users/{user_id}".to_owned(),
        method: "GET".to_owned(),
        path: Some("/users/1".to_owned()),
        status_code: Some(200),
        response_time: Duration::from_micros(1_500_250),
        time_to_head: Some(Duration::from_micros(250)),
        timestamp: example_time(),
        outcome: Outcome::Ok,
        error: Some("out of toys".to_owned()),
        handler: Some("shop::users::get_user".to_owned()),
        trace_id: Some(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        client_ip: Some("127.0.0.1".to_owned()),
        user_agent: Some("curl/8.5.0".to_owned()),
        consumer: Some("mobile".to_owned()),
        request_headers: vec![
            ("accept".to_owned(), "a/b".to_owned()),
            ("accept".to_owned(), "c/\"d\"".to_owned()),
        ],
        response_headers: vec![("x-cache".to_owned(), "hit".to_owned())],
        request_bytes: 7,
        response_bytes: 24,
    }
}

/// A row without any optional value.
fn bare_row() -> ApiMetric {
    ApiMetric {
        path: None,
        status_code: None,
        time_to_head: None,
        outcome: Outcome::ClientDisconnect,
        error: None,
        handler: None,
        trace_id: None,
        client_ip: None,
        user_agent: None,
        consumer: None,
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        ..full_row()
    }
}

fn outcomes() -> [Outcome; 7] {
    [
        Outcome::Ok,
        Outcome::ClientError,
        Outcome::ServerError,
        Outcome::Panic,
        Outcome::ClientDisconnect,
        Outcome::Timeout,
        Outcome::Shutdown,
    ]
}

async fn connection(folder: &Folder) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.file())
        .connect()
        .await
        .unwrap()
}

/// The single text that `sql` selects.
async fn text(folder: &Folder, sql: &'static str) -> String {
    sqlx::query(sql)
        .fetch_one(&mut connection(folder).await)
        .await
        .unwrap()
        .get(0)
}

async fn write(store: &mut Store, rows: Vec<ApiMetric>) -> u64 {
    let ids = store.writer.assign_ids(rows.len());
    store.writer.write(&ids, &rows, 0..ids.len()).await.unwrap()
}

#[tokio::test]
async fn every_column_can_be_selected() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    assert_eq!(write(&mut store, vec![full_row(), bare_row()]).await, 2);

    let rows = text(
        &folder,
        "SELECT json_group_array(json_array(endpoint, method, path, status_code, response_time, \
             time_to_head, timestamp, outcome, error, handler, trace_id, client_ip, user_agent, \
             consumer, json(request_headers), json(response_headers), request_bytes, \
             response_bytes, service, version, instance)) \
         FROM (SELECT * FROM api_metrics ORDER BY id)",
    )
    .await;
    let expected = concat!(
        r#"[["/users/{user_id}","GET","/users/1",200,1.50025,0.00025,"2026-11-22T10:14:47.278201Z","#,
        r#""ok","out of toys","shop::users::get_user","0af7651916cd43dd8448eb211c80319c","#,
        r#""127.0.0.1","curl/8.5.0","mobile",{"accept":"a/b, c/\"d\""},{"x-cache":"hit"},7,24,"#,
        r#""shop","1.2.3","host:1"],"#,
        r#"["/users/{user_id}","GET",null,null,1.50025,null,"2026-11-22T10:14:47.278201Z","#,
        r#""client_disconnect",null,null,null,null,null,null,{},{},7,24,"shop","1.2.3","host:1"]]"#,
    );
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn every_outcome_is_read_back_as_its_word() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let rows = outcomes().map(|outcome| ApiMetric {
        outcome,
        ..bare_row()
    });
    write(&mut store, rows.to_vec()).await;
    assert_eq!(
        text(
            &folder,
            "SELECT group_concat(outcome, ' ' ORDER BY id) FROM api_metrics"
        )
        .await,
        outcomes().map(Outcome::as_str).join(" ")
    );
}

#[tokio::test]
async fn a_batch_that_is_sent_twice_is_written_once() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    // Not a multiple of any chunk.
    let rows = vec![full_row(); 256 + 32 + 4 + 3];
    let ids = store.writer.assign_ids(rows.len());
    assert_eq!(
        store.writer.write(&ids, &rows, 0..ids.len()).await.unwrap(),
        295
    );
    assert_eq!(
        store.writer.write(&ids, &rows, 0..ids.len()).await.unwrap(),
        0
    );
    assert_eq!(
        text(&folder, "SELECT count(*) || '' FROM api_metrics").await,
        "295"
    );
}

#[tokio::test]
async fn a_second_start_finds_the_rows_and_the_dictionaries() {
    let folder = Folder::new();
    for instance in ["host:1", "host:2", "host:1"] {
        let identity = Identity {
            instance: instance.to_owned(),
            ..identity()
        };
        let mut store = Store::open(&folder.url(), identity).await.unwrap();
        write(&mut store, vec![full_row(), full_row()]).await;
        store.writer.close().await.unwrap();
    }
    let counts = text(
        &folder,
        "SELECT (SELECT count(DISTINCT id) FROM api_metrics) || ' ' \
             || (SELECT count(*) FROM kinds) || ' ' || (SELECT count(*) FROM user_agents) || ' ' || (SELECT count(*) FROM services)",
    )
    .await;
    assert_eq!(counts, "6 1 1 3");
}

#[tokio::test]
async fn programs_that_start_together_share_one_file() {
    let folder = Folder::new();
    let url = folder.url();
    let open = |_| {
        let url = url.clone();
        async move {
            // Their rows are kept apart although their names are equal.
            let mut store = Store::open(&url, identity()).await.unwrap();
            write(&mut store, vec![full_row(); 10]).await
        }
    };
    let written = futures_util::future::join_all((0..4).map(open)).await;
    assert_eq!(written, [10, 10, 10, 10]);
    assert_eq!(
        text(&folder, "SELECT count(*) || '' FROM api_metrics").await,
        "40"
    );
}

#[tokio::test]
async fn invented_user_agents_fill_the_dictionary_only_to_its_limit() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let rows = |range: std::ops::Range<u32>| {
        range
            .map(|number| ApiMetric {
                user_agent: Some(format!("bot/{number}")),
                ..bare_row()
            })
            .collect::<Vec<_>>()
    };
    write(&mut store, rows(0..5_000)).await;
    write(
        &mut store,
        vec![ApiMetric {
            user_agent: Some("x".repeat(20_000)),
            ..bare_row()
        }],
    )
    .await;
    let counts = text(
        &folder,
        "SELECT count(*) || ' ' || count(DISTINCT user_agent) || ' ' || max(length(user_agent)) \
             || ' ' || (SELECT count(*) FROM user_agents) FROM api_metrics",
    )
    .await;
    assert_eq!(counts, "5001 5001 8192 4096");
}

#[tokio::test]
async fn a_dictionary_that_other_programs_have_filled_gets_no_new_entries() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    text(
        &folder,
        "INSERT INTO user_agents VALUES (65535, 'the last one') RETURNING user_agent",
    )
    .await;
    for round in 0..2 {
        let rows = ["the last one", "one more", &format!("new in {round}")];
        let rows = rows.map(|agent| ApiMetric {
            user_agent: Some(agent.to_owned()),
            ..bare_row()
        });
        write(&mut store, rows.to_vec()).await;
    }
    let agents = text(
        &folder,
        "SELECT group_concat(user_agent, ', ') || ' ' || (SELECT count(*) FROM user_agents) \
         FROM (SELECT user_agent FROM api_metrics ORDER BY id)",
    )
    .await;
    assert_eq!(
        agents,
        "the last one, one more, new in 0, the last one, one more, new in 1 1"
    );
}

#[tokio::test]
async fn a_store_can_live_in_memory() {
    let mut store = Store::open("sqlite::memory:", identity()).await.unwrap();
    assert_eq!(write(&mut store, vec![full_row()]).await, 1);
    let overview = store.reader.overview(&Filter::default()).await.unwrap();
    assert_eq!(overview.routes[0].summary.requests, 1);
    assert_eq!(overview.covered, Some((example_time(), example_time())));
}

async fn check_open_error(url: &str, expected: &[&str]) {
    let message = Store::open(url, identity()).await.unwrap_err().to_string();
    for part in expected {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

#[tokio::test]
async fn an_unusable_path_is_explained() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("file");
    std::fs::write(
        &file,
        "this is no database, and longer than a header of one would be ".repeat(9),
    )
    .unwrap();
    let file = file.display();

    check_open_error(
        &format!("sqlite://{file}/x.db"),
        &["file/x.db`", "cannot create its folder", "`store.url`"],
    )
    .await;
    check_open_error(&format!("sqlite://{file}"), &["/file`", "not a database"]).await;
    check_open_error(
        &format!("sqlite://{}", folder.0.display()),
        &["unable to open"],
    )
    .await;
    check_open_error(
        "postgres://me:secret@db/x",
        &["unknown scheme `postgres`", "sqlite://"],
    )
    .await;
    let message = Store::open("postgres://me:secret@db/x", identity())
        .await
        .unwrap_err();
    assert!(!message.to_string().contains("secret"));
}

/// A queue over a new file, and the sizes of the batches that it gave back.
async fn queue(
    folder: &Folder,
    capacity: usize,
) -> (
    WriteQueue<Vec<ApiMetric>>,
    Arc<Stats>,
    Arc<Mutex<Vec<usize>>>,
) {
    let store = Store::open(&folder.url(), identity()).await.unwrap();
    let stats = Arc::new(Stats::default());
    let recycled = Arc::new(Mutex::new(Vec::new()));
    let sizes = Arc::clone(&recycled);
    let recycle = move |batch: Vec<ApiMetric>| sizes.lock().unwrap().push(batch.len());
    (
        WriteQueue::start(store.writer, capacity, Arc::clone(&stats), recycle),
        stats,
        recycled,
    )
}

#[tokio::test]
async fn the_queue_writes_in_order_and_gives_batches_back() {
    let folder = Folder::new();
    let (queue, stats, recycled) = queue(&folder, 1_000).await;
    for size in [3, 0, 2, 70] {
        queue.push(vec![full_row(); size]);
    }
    assert_eq!(queue.depth(), 75);
    queue.flush().await;
    assert_eq!(queue.depth(), 0);
    assert_eq!(*recycled.lock().unwrap(), [3, 2, 70]);
    assert_eq!(stats.rows_written.load(Relaxed), 75);
    assert_eq!(stats.exchanges(Part::Store), (3, 0));
    queue.push(vec![full_row()]);
    queue
        .close(Instant::now() + Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(
        text(&folder, "SELECT count(*) || '' FROM api_metrics").await,
        "76"
    );
}

#[tokio::test]
async fn a_large_batch_is_written_in_parts() {
    let folder = Folder::new();
    let (queue, stats, recycled) = queue(&folder, 10_000).await;
    let rows = (0..5_000).map(|number| ApiMetric {
        path: Some(format!("/users/{number}")),
        ..full_row()
    });
    queue.push(rows.collect());
    queue.flush().await;
    assert_eq!(*recycled.lock().unwrap(), [5_000]);
    assert_eq!(stats.rows_written.load(Relaxed), 5_000);
    assert_eq!(stats.exchanges(Part::Store), (3, 0));
    let paths: Vec<String> = sqlx::query_scalar("SELECT path FROM api_metrics ORDER BY id")
        .fetch_all(&mut connection(&folder).await)
        .await
        .unwrap();
    assert!(
        paths
            .into_iter()
            .eq((0..5_000).map(|number| format!("/users/{number}")))
    );
}

#[tokio::test]
async fn rows_beyond_the_queues_bound_are_counted() {
    let folder = Folder::new();
    let (queue, stats, _) = queue(&folder, 10).await;
    queue.push(vec![full_row(); 8]);
    queue.push(vec![full_row(); 8]);
    queue.push(vec![full_row(); 8]);
    queue.flush().await;
    assert_eq!(stats.rows_written.load(Relaxed), 10);
    assert_eq!(stats.dropped_count(DropReason::RowQueueFull), 14);
}

#[tokio::test]
async fn the_queue_waits_for_a_locked_database() {
    let folder = Folder::new();
    let (queue, stats, _) = queue(&folder, 10).await;
    let mut other = connection(&folder).await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    queue.push(vec![full_row(); 5]);
    tokio::time::timeout(Duration::from_millis(2_300), queue.flush())
        .await
        .expect_err("nothing can be written while the database is locked");
    assert_eq!(stats.rows_written.load(Relaxed), 0);
    assert_eq!(stats.exchanges(Part::Store), (0, 1));
    lock.rollback().await.unwrap();
    queue.flush().await;
    assert_eq!(stats.rows_written.load(Relaxed), 5);
    assert_eq!(stats.exchanges(Part::Store), (1, 1));
}

#[tokio::test]
async fn rows_that_miss_the_deadline_are_counted() {
    let folder = Folder::new();
    let (queue, stats, _) = queue(&folder, 10).await;
    let mut other = connection(&folder).await;
    let _lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    queue.push(vec![full_row(); 5]);
    let error = queue
        .close(Instant::now() + Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("5 rows were not written"),
        "{error}"
    );
    assert_eq!(stats.dropped_count(DropReason::RowWriteFailed), 5);
}

#[tokio::test]
async fn refused_rows_do_not_prevent_the_others_from_being_written() {
    let folder = Folder::new();
    let (queue, stats, recycled) = queue(&folder, 10_000).await;
    let mut other = connection(&folder).await;
    sqlx::raw_sql(
        "CREATE TRIGGER picky BEFORE INSERT ON requests WHEN NEW.path ->> '$.path' = '/bad' \
         BEGIN SELECT RAISE(ABORT, 'a bad row'); END",
    )
    .execute(&mut other)
    .await
    .unwrap();
    let mut rows = vec![full_row(); 1_000];
    for bad in [0, 500, 999] {
        rows[bad].path = Some("/bad".to_owned());
    }
    queue.push(rows);
    queue.push(vec![full_row()]);
    queue.flush().await;
    assert_eq!(queue.depth(), 0);
    assert_eq!(*recycled.lock().unwrap(), [1_000, 1]);
    assert_eq!(stats.rows_written.load(Relaxed), 998);
    assert_eq!(stats.dropped_count(DropReason::RowWriteFailed), 3);
    assert_eq!(stats.exchanges(Part::Store).1, 3);
    let trouble = stats.trouble(Part::Store).last.unwrap().0;
    assert!(trouble.contains("a bad row"), "{trouble}");
    assert_eq!(
        text(&folder, "SELECT count(*) || '' FROM api_metrics").await,
        "998"
    );
}

#[tokio::test]
async fn rows_keep_the_ids_that_they_were_given() {
    let folder = Folder::new();
    let mut one = Store::open(&folder.url(), identity()).await.unwrap();
    let mut other = Store::open(&folder.url(), identity()).await.unwrap();
    // More than the ids of one millisecond, so that not all of them are consecutive.
    let rows = vec![full_row(); 3_000];
    let mut expected = Vec::new();
    for _ in 0..2 {
        let before = one.writer.assign_ids(rows.len());
        tokio::time::sleep(Duration::from_millis(10)).await;
        let after = other.writer.assign_ids(rows.len());
        // The higher ids are written first, as if one program were slower.
        for (store, ids) in [(&mut other, &after), (&mut one, &before)] {
            let written = store.writer.write(ids, &rows, 0..ids.len()).await;
            assert_eq!(written, Ok(3_000));
        }
        expected.extend(before);
        expected.extend(after);
    }
    expected.sort_unstable();
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM requests ORDER BY id")
        .fetch_all(&mut connection(&folder).await)
        .await
        .unwrap();
    assert!(ids == expected);
}

#[tokio::test]
async fn only_the_missing_rows_are_written() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let rows = vec![full_row(); 300];
    let ids = store.writer.assign_ids(rows.len());
    for (part, expected) in [(100..200, 100), (0..300, 200), (0..300, 0)] {
        let written = store.writer.write(&ids, &rows, part).await;
        assert_eq!(written, Ok(expected));
    }
    assert_eq!(
        text(&folder, "SELECT count(*) || '' FROM api_metrics").await,
        "300"
    );
    let overview = store.reader.overview(&Filter::default()).await.unwrap();
    assert_eq!(overview.routes[0].summary.requests, 300);
}

#[tokio::test]
async fn rows_whose_ids_are_taken_are_counted() {
    let folder = Folder::new();
    let (queue, stats, _) = queue(&folder, 10_000).await;
    queue.push(vec![full_row(); 1_000]);
    queue.flush().await;
    // Claims every id of the next minute that this writer could make.
    let mut other = connection(&folder).await;
    sqlx::raw_sql(
        "WITH RECURSIVE ids(id) AS (SELECT max(id) FROM requests UNION ALL \
             SELECT id + (1 << 22) FROM ids LIMIT 60000) \
         INSERT OR IGNORE INTO requests (id, service_id, keys, started_us, times, sizes) \
         SELECT (id >> 10) << 10, 1, 1 << 16, 0, 0, 0 FROM ids",
    )
    .execute(&mut other)
    .await
    .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    queue.push(vec![full_row()]);
    queue.flush().await;
    assert_eq!(stats.dropped_count(DropReason::RowWriteFailed), 1);
    assert!(
        stats
            .trouble(Part::Store)
            .last
            .unwrap()
            .0
            .contains("already taken")
    );
}

/// Rows per second of the writer alone, with all columns filled. Run by hand: `cargo test --release
/// -p detective-runtime --lib store_speed -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)] // It is run to print the figure.
async fn store_speed() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let mut batch: Vec<_> = (0..2_000)
        .map(|number| ApiMetric {
            endpoint: format!("/things/{{id}}/part{}", number % 20),
            path: Some(format!("/things/{number}/part{}", number % 20)),
            timestamp: example_time() + Duration::from_micros(number * 37),
            response_time: Duration::from_micros(fastrand::u64(100..200_000)),
            trace_id: Some(fastrand::u128(..)),
            user_agent: Some(format!(
                "Mozilla/5.0 (X11; Linux x86_64) number {}",
                number % 50
            )),
            error: None,
            ..full_row()
        })
        .collect();
    let total = 500_000;
    let start = std::time::Instant::now();
    for _ in 0..total / batch.len() {
        let ids = store.writer.assign_ids(batch.len());
        store
            .writer
            .write(&ids, &batch, 0..ids.len())
            .await
            .unwrap();
        for row in &mut batch {
            row.timestamp += Duration::from_millis(74);
        }
    }
    let elapsed = start.elapsed().as_secs_f64();
    store.writer.close().await.unwrap();
    let bytes = std::fs::metadata(folder.file()).unwrap().len();
    eprintln!(
        "{:.0} rows/s, {} bytes per row",
        total as f64 / elapsed,
        bytes / total as u64
    );
}

/// The time for `/analytics/metrics` and for one endpoint over a million rows. Run by hand: `cargo
/// test --release -p detective-runtime --lib query_speed -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)] // It is run to print the figure.
async fn query_speed() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    for batch in 0..500 {
        let rows: Vec<_> = (0..2_000)
            .map(|number| ApiMetric {
                endpoint: format!("/things/{{id}}/part{}", number % 100),
                timestamp: example_time() + Duration::from_millis(batch * 2_000 + number),
                response_time: Duration::from_micros(fastrand::u64(100..200_000)),
                ..full_row()
            })
            .collect();
        write(&mut store, rows).await;
    }
    let all = Filter::default();
    let one_percent = Filter {
        start: Some(example_time()),
        end: Some(example_time() + Duration::from_secs(10)),
        ..Filter::default()
    };
    let endpoint = Filter {
        endpoint: Some("/things/{id}/part7".to_owned()),
        ..Filter::default()
    };
    for (name, filter) in [
        ("all", all),
        ("one percent", one_percent),
        ("one endpoint", endpoint),
    ] {
        for _ in 0..3 {
            let start = std::time::Instant::now();
            let overview = store.reader.overview(&filter).await.unwrap();
            let overview_time = start.elapsed();
            let start = std::time::Instant::now();
            store.reader.endpoint(&filter).await.unwrap();
            eprintln!(
                "{name}: {} routes in {overview_time:?}, as one endpoint in {:?}",
                overview.routes.len(),
                start.elapsed()
            );
        }
    }
    if let Ok(copy) = std::env::var("QUERY_SPEED_COPY") {
        store.writer.close().await.unwrap();
        std::fs::copy(folder.file(), copy).unwrap();
    }
}
