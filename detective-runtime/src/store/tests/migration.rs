//! Files of earlier versions.

use sqlx::migrate::Migrator;

use super::*;
use crate::store::sqlite::MIGRATIONS;

/// Rows of the first version in all their forms.
const FIRST_ROWS: &str = "\
    INSERT INTO endpoints VALUES (1, '/toys/{id}', 'GET'), (2, '/toys', 'POST'), (3, 'unmatched', '_OTHER'); \
    INSERT INTO handlers VALUES (4, 'shop::get_toy'); \
    INSERT INTO user_agents VALUES (9, 'curl/8.5.0'), (70000, 'one too many'); \
    INSERT INTO services (service, version, instance) VALUES ('shop', '1.2.3', 'host:1'); \
    INSERT INTO requests VALUES \
        (5, 1795342487278201, 1, 1, 4, 9, 200, 0, 1500250, 250, 7, 24, \
            x'f0f7651916cd43dd8448eb211c80319c', '/toys/1', '127.0.0.1', NULL, NULL, NULL, NULL, NULL), \
        (6, 1795342487278202, 1, 1, 4, NULL, 404, 1, 20, 20, 0, 0, \
            x'00000000000000010000000000000000', '/toys/\"2\"', '::1', 'a long one', 'mobile', 'no \"toy\"', \
            '{\"accept\":\"a/b, c/d\"}', '{\"x-cache\":\"hit\"}'), \
        (7, 1795342547278203, 2, 1, NULL, NULL, NULL, 4, 5000000000, 0, 5000000000, 0, \
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), \
        (8, 1795342547278204, 2, 1, NULL, 9, NULL, 6, 1, NULL, 0, 3000000000, \
            NULL, NULL, '9a0364b9e99bb480', NULL, NULL, 'gone', NULL, NULL), \
        (4, 1795342487278200, 1, 1, 4, 70000, 200, 0, 3, 2, 0, 0, \
            NULL, '{x', NULL, NULL, NULL, NULL, NULL, NULL), \
        (9, 1795346087278205, 3, 1, NULL, NULL, 503, 2, 12, 2147483647, 0, 0, \
            NULL, '*', NULL, NULL, 'web', NULL, '{}', NULL)";

#[tokio::test]
async fn rows_of_the_first_version_are_migrated() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.file().parent().unwrap()).unwrap();
    let mut old = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.file())
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    let first = MIGRATIONS.iter().next().unwrap().clone();
    Migrator::with_migrations(vec![first])
        .run_direct(None, &mut old, false)
        .await
        .unwrap();
    sqlx::raw_sql(FIRST_ROWS).execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let all = "SELECT group_concat(json_array(id, endpoint, method, path, status_code, \
                   response_time, time_to_head, timestamp, outcome, error, handler, trace_id, \
                   client_ip, user_agent, consumer, json(request_headers), json(response_headers), \
                   request_bytes, response_bytes, service, version, instance), x'0a') \
               FROM (SELECT * FROM api_metrics WHERE id < 10 ORDER BY id)";
    let before = text(&folder, all).await;
    assert_eq!(before.lines().count(), 6);
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    assert_eq!(text(&folder, all).await, before);

    let toys = ApiMetric {
        endpoint: "/toys/{id}".to_owned(),
        handler: Some("shop::get_toy".to_owned()),
        ..full_row()
    };
    write(&mut store, vec![toys]).await;
    let overview = store.reader.overview(&Filter::default()).await.unwrap();
    let counts: Vec<_> = overview
        .routes
        .iter()
        .map(|route| {
            (
                route.endpoint.as_str(),
                route.summary.requests,
                route.summary.max,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            ("/toys", 2, 5000.0),
            ("/toys/{id}", 4, 1.50025),
            ("unmatched", 1, 0.000_012),
        ]
    );
    let micros = |count| SystemTime::UNIX_EPOCH + Duration::from_micros(count);
    assert_eq!(
        overview.covered,
        Some((micros(1_795_342_487_278_200), micros(1_795_346_087_278_205)))
    );
    // The existing entries are reused.
    assert_eq!(
        text(
            &folder,
            "SELECT (SELECT count(*) FROM kinds) || ' ' || (SELECT count(*) FROM user_agents)"
        )
        .await,
        "5 2"
    );
}
