//! Texts that repeat in many rows, and the small numbers that stand for them.
//!
//! New entries are written outside the transaction of the rows, so that a number in memory is
//! always one that is in the file, also after a transaction was rolled back.

use std::collections::HashMap;
use std::ptr;

use sqlx::{Row as _, SqliteConnection};

use super::insert::USER_AGENT_BITS;
use crate::record::Outcome;
use crate::store::{Identity, Row};

/// Kinds are finite by design; should a program find a way to make more, the memory is emptied at
/// this number and filled again from the file.
const MAX_KINDS: usize = if cfg!(test) { 100 } else { 10_000 };
/// User agents are chosen by clients: this many get a number, later ones stand in their rows.
const MAX_USER_AGENTS: usize = 4_096;
/// A longer user agent stands in its row, so that the dictionary's memory has a bound.
const MAX_USER_AGENT_BYTES: usize = 512;
/// The highest number of a user agent: it shares a column with the kind.
const HIGHEST_USER_AGENT: i64 = (1 << USER_AGENT_BITS) - 1;
/// Kinds that are found again by comparing addresses. A power of two.
const RECENT_KINDS: usize = 64;

/// What a row shares with many others.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowKind<'a> {
    pub(super) endpoint: &'a str,
    method: &'a str,
    /// Empty for none.
    handler: &'a str,
    /// Zero for none.
    status_code: u16,
    outcome: Outcome,
}

/// What is known of the dictionary tables.
#[derive(Debug)]
pub(super) struct Dictionaries {
    /// By endpoint, of which each has few kinds.
    kinds: HashMap<String, Vec<KnownKind>>,
    kinds_count: usize,
    /// `None` for those that the file had no room for.
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

/// The kinds of the batch at hand. Its rows borrow their texts from what outlives the batch, so
/// that the same address means the same text, and most are found without reading one.
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

    /// Whether both have the same texts at the same place.
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
    /// Reads the user agents, which are capped in the file as well as here. The kinds come when
    /// they are first needed.
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

    /// The number of a kind, which is added to the file when it is new.
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
        // An upsert, because the row may be there already, and `DO NOTHING` would return none.
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

    /// The number of a user agent, which is added to the file when it is new; `None` when the text
    /// has to stand in the row.
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
        // The file is full only when many programs have added theirs to it. That is remembered for
        // each text as a number would be, so that it is asked no more often.
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

/// A new number for the program that writes. It is not shared with an earlier start or with another
/// program that was given the same names, so that neither makes the row ids of the other.
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
