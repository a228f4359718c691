//! Texts that repeat in many rows, and the small numbers that replace them.
//!
//! New entries are written outside the transaction of the rows. So a number in memory is always in
//! the file, even after a transaction was rolled back.

use std::collections::HashMap;
use std::ptr;

use sqlx::{Row as _, SqliteConnection};

use super::insert::USER_AGENT_BITS;
use crate::record::Outcome;
use crate::store::{Identity, Row};

/// Kinds are finite by design. If a program makes more than this anyway, the memory is cleared and
/// filled again from the file.
const MAX_KINDS: usize = if cfg!(test) { 100 } else { 10_000 };
/// Clients choose their user agents. Only this many get a number; later ones are stored in their
/// rows.
const MAX_USER_AGENTS: usize = 4_096;
/// A longer user agent is stored in its row, so that the dictionary's memory has a limit.
const MAX_USER_AGENT_BYTES: usize = 512;
/// The highest number of a user agent. It shares a column with the kind.
const HIGHEST_USER_AGENT: i64 = (1 << USER_AGENT_BITS) - 1;
/// Kinds that can be found by comparing addresses. A power of two.
const RECENT_KINDS: usize = 64;

/// What a row has in common with many others.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowKind<'a> {
    pub(super) endpoint: &'a str,
    method: &'a str,
    /// Empty if there is none.
    handler: &'a str,
    /// Zero if there is none.
    status_code: u16,
    outcome: Outcome,
}

/// The known entries of the dictionary tables.
#[derive(Debug)]
pub(super) struct Dictionaries {
    /// By endpoint. Each has few kinds.
    kinds: HashMap<String, Vec<KnownKind>>,
    kinds_count: usize,
    /// `None` for those that did not fit into the file.
    user_agents: HashMap<String, Option<i64>>,
}

#[derive(Debug)]
struct KnownKind {
    method: String,
    handler: String,
    status_code: u16,
    outcome: Outcome,
    id: i64,
}

/// The kinds of the current batch. Its rows borrow their texts from values that outlive the batch,
/// so the same address means the same text. Most kinds are found without reading a text.
#[derive(Debug)]
pub(super) struct RecentKinds<'a, T>([Option<(RowKind<'a>, T)>; RECENT_KINDS]);

impl<'a> RowKind<'a> {
    pub(super) fn of(row: &Row<'a>) -> Self {
        Self {
            endpoint: row.endpoint,
            method: row.method,
            handler: row.handler.unwrap_or_default(),
            status_code: row.status_code.unwrap_or_default(),
            outcome: row.outcome,
        }
    }

    /// Whether both have the same texts at the same addresses.
    fn is_same(&self, other: &Self) -> bool {
        ptr::eq(self.endpoint, other.endpoint)
            && ptr::eq(self.method, other.method)
            && ptr::eq(self.handler, other.handler)
            && self.status_code == other.status_code
            && self.outcome == other.outcome
    }
}

impl<'a, T: Copy> RecentKinds<'a, T> {
    pub(super) fn new() -> Self {
        Self([const { None }; RECENT_KINDS])
    }

    /// What was remembered for the kind.
    pub(super) fn get(&self, kind: &RowKind<'a>) -> Option<T> {
        let (known, value) = self.0[Self::place(kind)].as_ref()?;
        known.is_same(kind).then_some(*value)
    }

    /// Remembers `value`, in place of another kind's where there is one.
    pub(super) fn insert(&mut self, kind: RowKind<'a>, value: T) {
        self.0[Self::place(&kind)] = Some((kind, value));
    }

    fn place(kind: &RowKind<'a>) -> usize {
        // Texts lie at least so many bytes apart that the lowest bits tell little.
        let address = kind.endpoint.as_ptr().addr() >> 5;
        (address ^ usize::from(kind.status_code)) % RECENT_KINDS
    }
}

impl Dictionaries {
    /// Reads the user agents, whose number is limited both here and in the file. Kinds are read
    /// when they are first needed.
    pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let user_agents =
            sqlx::query("SELECT user_agent, id FROM user_agents WHERE id <= ? ORDER BY id LIMIT ?")
                .bind(HIGHEST_USER_AGENT)
                .bind(MAX_USER_AGENTS as i64)
                .fetch_all(connection)
                .await?;
        Ok(Self {
            kinds: HashMap::new(),
            kinds_count: 0,
            user_agents: user_agents
                .into_iter()
                .map(|row| (row.get(0), Some(row.get(1))))
                .collect(),
        })
    }

    /// The number of a kind. A new kind is added to the file.
    pub(super) async fn kind(
        &mut self,
        connection: &mut SqliteConnection,
        kind: RowKind<'_>,
    ) -> Result<i64, sqlx::Error> {
        let RowKind {
            endpoint,
            method,
            handler,
            status_code,
            outcome,
        } = kind;
        let known = self.kinds.get(endpoint).and_then(|kinds| {
            kinds.iter().find(|known| {
                known.status_code == status_code
                    && known.outcome == outcome
                    && known.method == method
                    && known.handler == handler
            })
        });
        if let Some(known) = known {
            return Ok(known.id);
        }
        // An upsert, because the row may exist already, and `DO NOTHING` would return no id.
        let id = sqlx::query_scalar(
            "INSERT INTO kinds (endpoint, method, handler, status_code, outcome) \
             VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET outcome = excluded.outcome \
             RETURNING id",
        )
        .bind(endpoint.to_owned())
        .bind(method.to_owned())
        .bind(handler.to_owned())
        .bind(status_code)
        .bind(outcome_code(outcome))
        .fetch_one(connection)
        .await?;
        if self.kinds_count >= MAX_KINDS {
            self.kinds.clear();
            self.kinds_count = 0;
        }
        self.kinds_count += 1;
        self.kinds
            .entry(endpoint.to_owned())
            .or_default()
            .push(KnownKind {
                method: method.to_owned(),
                handler: handler.to_owned(),
                status_code,
                outcome,
                id,
            });
        Ok(id)
    }

    /// The number of a user agent. A new one is added to the file. `None` means that the text must
    /// be stored in the row.
    pub(super) async fn user_agent(
        &mut self,
        connection: &mut SqliteConnection,
        text: &str,
    ) -> Result<Option<i64>, sqlx::Error> {
        if let Some(id) = self.user_agents.get(text) {
            return Ok(*id);
        }
        if self.user_agents.len() >= MAX_USER_AGENTS || text.len() > MAX_USER_AGENT_BYTES {
            return Ok(None);
        }
        // The file is full only when many programs have added theirs. The answer is stored for each
        // text like a number, so that the file is asked only once.
        let id = sqlx::query_scalar(
            "INSERT INTO user_agents (user_agent) \
             SELECT ? WHERE (SELECT coalesce(max(id), 0) FROM user_agents) < ? \
             ON CONFLICT DO UPDATE SET user_agent = excluded.user_agent RETURNING id",
        )
        .bind(text.to_owned())
        .bind(HIGHEST_USER_AGENT)
        .fetch_optional(connection)
        .await?;
        self.user_agents.insert(text.to_owned(), id);
        Ok(id)
    }
}

/// A new number for the program that writes. Earlier starts and other programs with the same names
/// have other numbers, so that no two of them make the same row ids.
pub(super) async fn register_service(
    connection: &mut SqliteConnection,
    identity: &Identity,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO services (service, version, instance) VALUES (?, ?, ?) RETURNING id",
    )
    .bind(identity.service.clone())
    .bind(identity.version.clone())
    .bind(identity.instance.clone())
    .fetch_one(connection)
    .await
}

/// The number that represents an outcome in the table. The view converts it back to the word.
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
