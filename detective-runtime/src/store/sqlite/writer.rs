//! The connection that writes rows.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use super::dictionary::{Dictionaries, RecentKinds, RowKind, register_service};
use super::insert::{self, Ids, Keys, RowArguments, RowStatement, Template, integer};
use super::latencies::{self, Entry, Latency};
use super::{BUSY_TIMEOUT, is_contention, is_refusal, migrate};
use crate::store::id::IdGenerator;
use crate::store::{Identity, Row, RowBatch, StoreError};

/// How long to wait before the next attempt when another program is opening the same file.
const OPEN_AGAIN: Duration = Duration::from_millis(10);

const HIGHEST_ID: &str = "SELECT coalesce(max(id), 0) FROM requests";

/// Writes batches of rows, each part in one transaction.
#[derive(Debug)]
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    identity: Identity,
    ids: IdGenerator,
    /// `None` after an error that a new connection may cure.
    session: Option<Session>,
}

/// A connection, and what belongs to the file behind it.
#[derive(Debug)]
struct Session {
    connection: SqliteConnection,
    dictionaries: Dictionaries,
    /// The insert for each of [`insert::CHUNKS`].
    inserts: [Arc<str>; insert::CHUNKS.len()],
    /// The same, for rows that follow the highest id.
    following: [Arc<str>; insert::CHUNKS.len()],
    /// The insert for each of [`latencies::CHUNKS`].
    latency_inserts: [Arc<str>; latencies::CHUNKS.len()],
    service_id: i64,
    highest_id: i64,
}

impl Writer {
    /// Opens the connection and migrates the tables.
    pub(super) async fn connect(
        options: SqliteConnectOptions,
        identity: Identity,
    ) -> Result<Self, sqlx::Error> {
        let session = Session::open_among_others(&options, &identity).await?;
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

    /// Writes the rows of `batch` in the range `part` in one transaction: all or none. Returns how
    /// many were new; a row whose id exists already stays unchanged. `ids` are those of the whole
    /// batch.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if a retry may help, [`StoreError::Refused`] if not.
    pub(crate) async fn write(
        &mut self,
        ids: &[i64],
        batch: &impl RowBatch,
        part: Range<usize>,
    ) -> Result<u64, StoreError> {
        // Moved out of `self`, so that a write that is cancelled half-way leaves no session in an
        // unknown state.
        let mut session = match self.session.take() {
            Some(session) => session,
            None => {
                let session = Session::open(&self.options, &self.identity).await?;
                // The file may have been replaced.
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
    /// Opens a session while other programs may do the same. SQLite does not wait for the lock that
    /// switches a new file to WAL mode, whatever `busy_timeout` says, so this function retries.
    async fn open_among_others(
        options: &SqliteConnectOptions,
        identity: &Identity,
    ) -> Result<Self, sqlx::Error> {
        let deadline = Instant::now() + BUSY_TIMEOUT;
        loop {
            match Self::open(options, identity).await {
                Err(error) if is_contention(&error) && Instant::now() < deadline => {
                    tokio::time::sleep(OPEN_AGAIN).await;
                }
                result => return result,
            }
        }
    }

    async fn open(
        options: &SqliteConnectOptions,
        identity: &Identity,
    ) -> Result<Self, sqlx::Error> {
        let mut connection = options.connect().await?;
        migrate(&mut connection).await?;
        let service_id = register_service(&mut connection, identity).await?;
        let highest_id = sqlx::query_scalar(HIGHEST_ID)
            .fetch_one(&mut connection)
            .await?;
        Ok(Self {
            dictionaries: Dictionaries::load(&mut connection).await?,
            inserts: insert::CHUNKS.map(|rows| insert::statement(service_id, rows, Ids::Given)),
            following: insert::CHUNKS
                .map(|rows| insert::statement(service_id, rows, Ids::Following)),
            latency_inserts: latencies::CHUNKS.map(latencies::statement),
            connection,
            service_id,
            highest_id,
        })
    }

    async fn write(
        &mut self,
        ids: &[i64],
        batch: &impl RowBatch,
        part: Range<usize>,
    ) -> Result<u64, sqlx::Error> {
        let ids = &ids[part.clone()];
        let rows = || batch.rows(part.clone());
        let prepared = self.prepare(ids, rows()).await?;
        if self.insert(prepared).await? {
            return Ok(ids.len() as u64);
        }
        // Some rows existed already, so the transaction was rolled back. Try again without them.
        let taken = self.taken(ids).await?;
        let is_new = |id: &i64| !taken.contains(id);
        let new = ids.iter().copied().filter(is_new).collect::<Vec<_>>();
        let new_rows = ids.iter().zip(rows()).filter(|(id, _)| is_new(id));
        let prepared = self.prepare(&new, new_rows.map(|(_, row)| row)).await?;
        let inserted = self.insert(prepared).await?;
        Ok(if inserted { new.len() as u64 } else { 0 })
    }

    /// Makes the arguments for some rows, and adds their new texts to the dictionaries.
    async fn prepare<'a>(
        &mut self,
        ids: &[i64],
        mut rows: impl Iterator<Item = Row<'a>>,
    ) -> Result<Prepared, sqlx::Error> {
        let mut arguments = RowArguments::new(ids);
        let mut recent = RecentKinds::new();
        let mut last_user_agent = None;
        let mut entries = Vec::with_capacity(ids.len());
        // Not zipped, because that would copy each row once more.
        for id in ids {
            let Some(row) = rows.next() else {
                break;
            };
            let kind = RowKind::of(&row);
            let (kind, template) = match recent.get(&kind) {
                Some(known) => known,
                None => {
                    let id = self.dictionaries.kind(&mut self.connection, kind).await?;
                    let found = (id, Template::of(kind.endpoint));
                    recent.insert(kind, found);
                    found
                }
            };
            let user_agent = match (row.user_agent, last_user_agent) {
                (None, _) => None,
                (Some(text), Some((last, id))) if text == last => id,
                (Some(text), _) => {
                    let connection = &mut self.connection;
                    let id = self.dictionaries.user_agent(connection, text).await?;
                    last_user_agent = Some((text, id));
                    id
                }
            };
            let latency = Latency {
                start_us: integer(row.unix_nanos / 1_000),
                time_us: integer(row.response_nanos / 1_000),
            };
            entries.push(Entry {
                kind,
                id: *id,
                latency,
            });
            let keys = Keys {
                kind,
                user_agent,
                template,
                latency,
            };
            arguments.add(&row, keys).map_err(sqlx::Error::Encode)?;
        }
        Ok(Prepared {
            count: ids.len() as u64,
            first_id: ids.first().copied().unwrap_or(0),
            rows: arguments.into_statements(),
            latencies: latencies::pack(&mut entries).map_err(sqlx::Error::Encode)?,
        })
    }

    /// Inserts the rows in one transaction, and returns whether all were new. If not, none is kept.
    async fn insert(&mut self, prepared: Prepared) -> Result<bool, sqlx::Error> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        // Another program may have written meanwhile, and some rows may exist from an earlier
        // attempt.
        let highest: i64 = sqlx::query_scalar(HIGHEST_ID)
            .fetch_one(&mut *transaction)
            .await?;
        let appends = highest < prepared.first_id;
        let mut inserted = 0;
        for statement in prepared.rows {
            let inserts = if appends && statement.follows {
                &self.following
            } else {
                &self.inserts
            };
            let sql = AssertSqlSafe(inserts[statement.place].clone());
            let query = sqlx::query_with(sql, statement.arguments);
            inserted += query.execute(&mut *transaction).await?.rows_affected();
        }
        if inserted < prepared.count {
            transaction.rollback().await?;
            return Ok(false);
        }
        for (place, arguments) in prepared.latencies {
            let sql = AssertSqlSafe(self.latency_inserts[place].clone());
            let query = sqlx::query_with(sql, arguments);
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The ids that exist already.
    async fn taken(&mut self, ids: &[i64]) -> Result<HashSet<i64>, sqlx::Error> {
        let taken = sqlx::query_scalar("SELECT id FROM requests WHERE id BETWEEN ? AND ?")
            .bind(ids.first())
            .bind(ids.last())
            .fetch_all(&mut self.connection)
            .await?;
        Ok(taken.into_iter().collect())
    }
}

/// The arguments of a batch. Those of the latencies include the index of their statement.
struct Prepared {
    count: u64,
    first_id: i64,
    rows: Vec<RowStatement>,
    latencies: Vec<(usize, SqliteArguments)>,
}
