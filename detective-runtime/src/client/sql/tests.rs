#![allow(clippy::unwrap_used, reason = "tests")]

use futures_util::TryStreamExt;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Error, Executor, Row, Sqlite};

use super::Pool;
use crate::client::testing::{shown, spans_of};

/// A separate database with two toys.
async fn toys() -> Pool<Sqlite> {
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = Pool::new(options.connect("sqlite::memory:").await.unwrap());
    pool.execute("CREATE TABLE toys (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        .await
        .unwrap();
    sqlx::query("INSERT INTO toys (name) VALUES (?), (?)")
        .bind("bear")
        .bind("kite")
        .execute(&pool)
        .await
        .unwrap();
    pool
}

/// Code that takes any executor, as users write it.
async fn count(executor: impl Executor<'_, Database = Sqlite>) -> i64 {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM toys");
    query.fetch_one(executor).await.unwrap()
}

#[tokio::test]
async fn pool_connection_and_transaction_replace_those_of_sqlx() {
    let pool = toys().await;
    assert_eq!(count(&pool).await, 2);

    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(count(&mut *connection).await, 2);
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("DELETE FROM toys").await.unwrap();
    assert_eq!(count(&mut *transaction).await, 0);
    transaction.rollback().await.unwrap();
    drop(connection);

    let mut transaction = pool.begin().await.unwrap();
    let mut savepoint = transaction.begin().await.unwrap();
    savepoint
        .execute("DELETE FROM toys WHERE id = 1")
        .await
        .unwrap();
    savepoint.commit().await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(&pool).await, 1);

    drop(pool.begin_with("BEGIN IMMEDIATE").await.unwrap());
    assert_eq!(count(&pool).await, 1);
}

#[tokio::test]
async fn arguments_statements_and_streams_pass_unchanged() {
    let pool = toys().await;
    let named: Option<(i64,)> = sqlx::query_as("SELECT id FROM toys WHERE name = ?")
        .bind("kite")
        .fetch_optional(&pool)
        .await
        .unwrap();
    assert_eq!(named, Some((2,)));

    let statement = pool
        .prepare(sqlx::SqlStr::from_static(
            "SELECT name FROM toys WHERE id = ?",
        ))
        .await
        .unwrap();
    let row = sqlx::Statement::query(&statement).bind(1).fetch_one(&pool);
    assert_eq!(row.await.unwrap().get::<String, _>(0), "bear");

    let mut names =
        sqlx::query_scalar::<_, String>("SELECT name FROM toys ORDER BY id").fetch(&pool);
    assert_eq!(names.try_next().await.unwrap().as_deref(), Some("bear"));
    drop(names);

    let mut builder = sqlx::QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM toys WHERE id IN (");
    builder.separated(", ").push_bind(1).push_bind(2);
    let found: i64 = builder
        .push(")")
        .build_query_scalar()
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(found, 2);
}

#[tokio::test]
async fn errors_pass_unchanged() {
    let pool = toys().await;
    let missing = sqlx::query("SELECT 1 FROM toys WHERE id = 9")
        .fetch_one(&pool)
        .await;
    assert!(matches!(missing, Err(Error::RowNotFound)));
    let twice = sqlx::query("INSERT INTO toys (name) VALUES (?)")
        .bind("bear")
        .execute(&pool)
        .await;
    assert!(
        twice
            .unwrap_err()
            .as_database_error()
            .unwrap()
            .is_unique_violation()
    );
    pool.close().await;
    assert!(matches!(
        pool.execute("SELECT 1").await,
        Err(Error::PoolClosed)
    ));
}

#[tokio::test]
async fn migrations_take_the_pool() {
    let pool = toys().await;
    let no_migrations = std::env::temp_dir().join(format!("detective-{}", std::process::id()));
    std::fs::create_dir_all(&no_migrations).unwrap();
    let migrator = sqlx::migrate::Migrator::new(no_migrations.as_path())
        .await
        .unwrap();
    migrator.run(&pool).await.unwrap();
    std::fs::remove_dir(no_migrations).unwrap();
}

#[tokio::test]
async fn each_statement_is_a_span() {
    let pool = toys().await;
    let spans = spans_of("", move |_| {
        let pool = pool.clone();
        async move {
            let by_id = sqlx::query("SELECT name FROM toys WHERE id = ? AND 1 = 1").bind(1);
            by_id.fetch_one(&pool).await.unwrap();
            pool.fetch_all("SELECT * FROM toys WHERE name <> 'secret'")
                .await
                .unwrap();
            let mut transaction = pool.begin().await.unwrap();
            let insert = sqlx::query("INSERT INTO toys (name) VALUES (?)").bind("bear");
            insert.execute(&mut *transaction).await.unwrap_err();
            transaction.rollback().await.unwrap();
        }
    });
    assert_eq!(
        shown(&spans.await),
        r#"SELECT toys
  db.system.name="sqlite"
  db.operation.name="SELECT"
  db.namespace=":memory:"
  db.query.text="SELECT name FROM toys WHERE id = ? AND 1 = 1"
  db.query.summary="SELECT toys"
SELECT toys
  db.system.name="sqlite"
  db.operation.name="SELECT"
  db.namespace=":memory:"
  db.query.text="SELECT * FROM toys WHERE name <> ?"
  db.query.summary="SELECT toys"
  db.response.returned_rows=2
BEGIN
  db.system.name="sqlite"
  db.operation.name="BEGIN"
  db.namespace=":memory:"
INSERT toys !error returned from database: (code: 2067) UNIQUE constraint failed: toys.name
  error.type="2067"
  db.system.name="sqlite"
  db.operation.name="INSERT"
  db.namespace=":memory:"
  db.query.text="INSERT INTO toys (name) VALUES (?)"
  db.query.summary="INSERT toys"
  db.response.status_code="2067"
ROLLBACK
  db.system.name="sqlite"
  db.operation.name="ROLLBACK"
  db.namespace=":memory:"
"#
    );
}

#[tokio::test]
async fn the_span_of_a_stream_lasts_as_long_as_the_stream() {
    let pool = toys().await;
    let spans = spans_of("", move |_| {
        let pool = pool.clone();
        async move {
            let mut toys = sqlx::query("SELECT * FROM toys").fetch(&pool);
            toys.try_next().await.unwrap();
            drop(crate::start_span("between"));
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            drop(toys);
            drop(crate::start_span("after"));
        }
    });
    let spans = spans.await;
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (stream, between) = (named("SELECT toys"), named("between"));
    assert!(stream.start_unix_nanos < between.start_unix_nanos);
    assert!(stream.end_unix_nanos > between.end_unix_nanos);
    assert!(stream.end_unix_nanos <= named("after").start_unix_nanos);
    assert_eq!(between.parent_span_id, stream.parent_span_id);
}
