//! The one connection that writes rows.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use super::dictionary::{Dictionaries, Keys, register_service};
use super::{is_contention, is_refusal, migrate};
use crate::store::id::IdGenerator;
use crate::store::{Identity, Outcome, Row, RowBatch, StoreError};

/// The columns that are bound; `service_id` is the same in every row and stands in the statement.
const COLUMNS: [&str; 19] = [
    "id",
    "started_us",
    "endpoint_id",
    "handler_id",
    "user_agent_id",
    "status_code",
    "outcome",
    "response_time_us",
    "time_to_head_us",
    "request_bytes",
    "response_bytes",
    "trace_id",
    "path",
    "client_ip",
    "user_agent",
    "consumer",
    "error",
    "request_headers",
    "response_headers",
];

/// Rows per statement. A few fixed sizes keep the number of prepared statements small. Each
/// statement is an exchange with the connection's thread, so large ones pay: batches of 2,000 rows
/// were written at 70,000 rows/s by 16, 97,000 by 64 and 126,000 by 256 rows per statement. One
/// JSON text unpacked by `json_each` managed 51,000.
const CHUNKS: [usize; 4] = [256, 32, 4, 1];

/// No text in a row is longer than this, whatever the caller captured.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Writes batches of rows, each in one transaction.
#[derive(Debug)]
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    identity: Identity,
    ids: IdGenerator,
    /// `None` after trouble that a new connection may cure.
    session: Option<Session>,
}

/// A connection and what goes with the file behind it.
#[derive(Debug)]
struct Session {
    connection: SqliteConnection,
    dictionaries: Dictionaries,
    /// The insert for each of [`CHUNKS`].
    inserts: [Arc<str>; CHUNKS.len()],
    service_id: i64,
    highest_id: i64,
    /// The dictionary numbers of the batch at hand; kept for its memory.
    keys: Vec<Keys>,
}

impl Writer {
    /// Opens the connection and brings the tables up to date.
    pub(super) async fn connect(
        options: SqliteConnectOptions,
        identity: Identity,
    ) -> Result<Self, sqlx::Error> {
        let session = Session::open(&options, &identity).await?;
        Ok(Self {
            ids: IdGenerator::new(session.service_id, session.highest_id),
            options,
            identity,
            session: Some(session),
        })
    }

    /// Makes ids for `count` rows. A batch keeps its ids for every attempt to write it.
    pub(crate) fn assign_ids(&mut self, count: usize) -> Vec<i64> {
        self.ids.take(SystemTime::now(), count)
    }

    /// Writes the rows of `batch` at the places `part` in one transaction, or none of them, and says
    /// how many were new: a row whose id is already there stays as it is. `ids` are those of the
    /// whole batch.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when trying again may help, [`StoreError::Refused`] when not.
    pub(crate) async fn write(
        &mut self,
        ids: &[i64],
        batch: &impl RowBatch,
        part: Range<usize>,
    ) -> Result<u64, StoreError> {
        // Taken out, so that a write that is abandoned half-way leaves no session in an unknown
        // state behind.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => {
                let session = Session::open(&self.options, &self.identity).await?;
                // The file may be another one than before.
                self.ids.follow(session.service_id, session.highest_id);
                session
            }
        };
        let result = session.write(ids, batch, part).await;
        let is_harmless = |error: &sqlx::Error| is_contention(error) || is_refusal(error);
        if result.as_ref().err().is_none_or(is_harmless) {
            self.session = Some(session);
        }
        Ok(result?)
    }

    /// Closes the connection; SQLite then copies the write-ahead log into the file.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        match self.session {
            Some(session) => Ok(session.connection.close().await?),
            None => Ok(()),
        }
    }
}

impl Session {
    async fn open(
        options: &SqliteConnectOptions,
        identity: &Identity,
    ) -> Result<Self, sqlx::Error> {
        let mut connection = options.connect().await?;
        migrate(&mut connection).await?;
        let service_id = register_service(&mut connection, identity).await?;
        let highest_id = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM requests")
            .fetch_one(&mut connection)
            .await?;
        Ok(Self {
            dictionaries: Dictionaries::load(&mut connection).await?,
            inserts: CHUNKS.map(|rows| insert_statement(service_id, rows)),
            connection,
            service_id,
            highest_id,
            keys: Vec::new(),
        })
    }

    async fn write(
        &mut self,
        ids: &[i64],
        batch: &impl RowBatch,
        part: Range<usize>,
    ) -> Result<u64, sqlx::Error> {
        let rows = || batch.rows().skip(part.start).take(part.len());
        let ids = &ids[part.clone()];
        self.keys.clear();
        for row in rows() {
            let keys = self
                .dictionaries
                .resolve(&mut self.connection, &row)
                .await?;
            self.keys.push(keys);
        }

        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut inserted = 0;
        let mut rows = rows().zip(ids).zip(&self.keys);
        let mut left = ids.len();
        for (chunk, sql) in CHUNKS.into_iter().zip(&self.inserts) {
            while left >= chunk {
                left -= chunk;
                let mut arguments = SqliteArguments::default();
                arguments.reserve(chunk * COLUMNS.len(), 0);
                for ((row, id), keys) in rows.by_ref().take(chunk) {
                    bind(&mut arguments, *id, keys, row).map_err(sqlx::Error::Encode)?;
                }
                let done = sqlx::query_with(AssertSqlSafe(sql.clone()), arguments)
                    .execute(&mut *transaction)
                    .await?;
                inserted += done.rows_affected();
            }
        }
        drop(rows);
        transaction.commit().await?;
        Ok(inserted)
    }
}

/// `INSERT` for `rows` rows. Rows that are there already are skipped by their id; any other
/// conflict stays an error, which `INSERT OR IGNORE` would hide.
fn insert_statement(service_id: i64, rows: usize) -> Arc<str> {
    let columns = COLUMNS.join(", ");
    let row = format!("({service_id}{})", ", ?".repeat(COLUMNS.len()));
    let values = vec![row; rows].join(", ");
    format!(
        "INSERT INTO requests (service_id, {columns}) VALUES {values} ON CONFLICT (id) DO NOTHING"
    )
    .into()
}

/// Binds one row in the order of [`COLUMNS`].
fn bind(
    arguments: &mut SqliteArguments,
    id: i64,
    keys: &Keys,
    row: Row<'_>,
) -> Result<(), sqlx::error::BoxDynError> {
    let user_agent = row.user_agent.filter(|_| keys.user_agent.is_none());
    arguments.add(id)?;
    arguments.add(microseconds_since_1970(row.timestamp))?;
    arguments.add(keys.endpoint)?;
    arguments.add(keys.handler)?;
    arguments.add(keys.user_agent)?;
    arguments.add(row.status_code)?;
    arguments.add(outcome_code(row.outcome))?;
    arguments.add(microseconds(row.response_time))?;
    arguments.add(row.time_to_head.map(microseconds))?;
    arguments.add(size(row.request_bytes))?;
    arguments.add(size(row.response_bytes))?;
    arguments.add(row.trace_id.map(|id| id.to_be_bytes().to_vec()))?;
    arguments.add(row.path.map(capped))?;
    arguments.add(row.client_ip.map(Cow::into_owned))?;
    arguments.add(user_agent.map(capped))?;
    arguments.add(row.consumer.map(capped))?;
    arguments.add(row.error.map(capped))?;
    arguments.add(headers_json(&row.request_headers))?;
    arguments.add(headers_json(&row.response_headers))?;
    Ok(())
}

/// The number that stands for an outcome in the table; the view turns it back into the word.
fn outcome_code(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Ok => 0,
        Outcome::ClientError => 1,
        Outcome::ServerError => 2,
        Outcome::Panic => 3,
        Outcome::ClientDisconnect => 4,
        Outcome::Timeout => 5,
        Outcome::Shutdown => 6,
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn microseconds_since_1970(time: SystemTime) -> i64 {
    microseconds(
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn capped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

/// Headers as a JSON object; the values of a repeated name are joined by a
/// comma, as RFC 9110 section 5.3 allows. `None` when there are none.
fn headers_json(headers: &[(String, String)]) -> Option<String> {
    if headers.is_empty() {
        return None;
    }
    let mut json = serde_json::Map::new();
    for (name, value) in headers {
        match json.get_mut(name) {
            Some(serde_json::Value::String(values)) => {
                values.push_str(", ");
                values.push_str(capped(value));
            }
            _ => {
                json.insert(name.clone(), capped(value).into());
            }
        }
    }
    Some(serde_json::Value::Object(json).to_string())
}
