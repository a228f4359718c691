#![allow(clippy::unwrap_used, reason = "tests")]

use redis::{AsyncCommands, ErrorKind, IntoConnectionInfo, RedisError};

use super::*;
use crate::client::testing::{shown, spans_of};

/// A connection that answers with the command it received.
#[derive(Clone)]
struct Echo;

impl ConnectionLike for Echo {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let packed = command.get_packed_command();
        let fails = packed.windows(4).any(|part| part == b"fail");
        Box::pin(async move {
            if fails {
                return Err(RedisError::from((ErrorKind::Io, "no connection")));
            }
            Ok(Value::BulkString(packed))
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let packed = pipeline.get_packed_pipeline();
        Box::pin(async move { Ok(vec![Value::BulkString(packed)]) })
    }

    fn get_db(&self) -> i64 {
        3
    }
}

fn traced() -> Connection<Echo> {
    Connection::new(Echo, &"redis://localhost".into_connection_info().unwrap())
}

#[tokio::test]
async fn commands_answers_and_errors_pass_unchanged() {
    let mut connection = traced();
    let answer: String = connection.get("key").await.unwrap();
    assert_eq!(answer, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
    let answer: redis::RedisResult<String> = connection.get("fail").await;
    assert!(answer.unwrap_err().is_io_error());
    assert_eq!(connection.get_db(), 3);
}

#[tokio::test]
async fn pipelines_pass_unchanged() {
    let mut pipeline = redis::pipe();
    pipeline.get("a");
    let answer: (String,) = pipeline.query_async(&mut traced()).await.unwrap();
    assert_eq!(answer.0, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n");
}

#[tokio::test]
async fn each_command_is_a_span() {
    let spans = spans_of("", |_| async {
        let mut connection = traced();
        let _: String = connection.get("user:42").await.unwrap();
        let _: redis::RedisResult<String> = connection.get("fail").await;
        let mut pipeline = redis::pipe();
        pipeline.get("a:1").get("b:2");
        let _: (String,) = pipeline.query_async(&mut connection).await.unwrap();
    });
    assert_eq!(
        shown(&spans.await),
        r#"GET
  db.system.name="redis"
  db.operation.name="GET"
  db.namespace="0"
  server.address="localhost"
  server.port=6379
  db.query.text="GET user:?"
GET !no connection - Io
  error.type="connection_dropped"
  db.system.name="redis"
  db.operation.name="GET"
  db.namespace="0"
  server.address="localhost"
  server.port=6379
  db.query.text="GET ?"
PIPELINE GET
  db.system.name="redis"
  db.operation.name="PIPELINE GET"
  db.namespace="0"
  server.address="localhost"
  server.port=6379
  db.query.text="GET a:?; GET b:?"
  db.operation.batch.size=2
"#
    );
}
