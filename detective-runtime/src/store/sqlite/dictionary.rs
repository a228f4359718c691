//! Texts that repeat in many rows, and the small numbers that stand for them.
//!
//! New entries are written outside the transaction of the rows, so that a number in memory is
//! always one that is in the file, also after a transaction was rolled back.

use std::collections::HashMap;

use sqlx::{Row as _, SqliteConnection};

use crate::store::{Identity, Row};

/// Endpoints and handlers are finite by design; should a program find a way to make more, the
/// memory is emptied at this number and filled again from the file.
const MAX_NAMES: usize = 10_000;
/// User agents are chosen by clients: this many get a number, later ones stand in their rows.
const MAX_USER_AGENTS: usize = 4_096;
/// A longer user agent stands in its row, so that the dictionary's memory has a bound.
const MAX_USER_AGENT_BYTES: usize = 512;

/// The numbers that one row refers to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    pub(super) endpoint: i64,
    pub(super) handler: Option<i64>,
    /// `None` also when the text has to stand in the row.
    pub(super) user_agent: Option<i64>,
}

/// What is known of the dictionary tables.
#[derive(Debug)]
pub(super) struct Dictionaries {
    /// By endpoint, then by method, of which an endpoint has few.
    endpoints: HashMap<String, Vec<(String, i64)>>,
    handlers: HashMap<String, i64>,
    user_agents: HashMap<String, i64>,
}

impl Dictionaries {
    /// Reads the user agents, which are capped in the file as well as here. The other names come
    /// when they are first needed.
    pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let user_agents = sqlx::query("SELECT user_agent, id FROM user_agents LIMIT ?")
            .bind(MAX_USER_AGENTS as i64)
            .fetch_all(connection)
            .await?;
        Ok(Self {
            endpoints: HashMap::new(),
            handlers: HashMap::new(),
            user_agents: user_agents
                .into_iter()
                .map(|row| (row.get(0), row.get(1)))
                .collect(),
        })
    }

    /// The numbers for `row`, adding what is new to the file.
    pub(super) async fn resolve(
        &mut self,
        connection: &mut SqliteConnection,
        row: &Row<'_>,
    ) -> Result<Keys, sqlx::Error> {
        Ok(Keys {
            endpoint: self.endpoint(connection, row.endpoint, row.method).await?,
            handler: match row.handler {
                Some(name) => Some(self.handler(connection, name).await?),
                None => None,
            },
            user_agent: match row.user_agent {
                Some(text) => self.user_agent(connection, text).await?,
                None => None,
            },
        })
    }

    async fn endpoint(
        &mut self,
        connection: &mut SqliteConnection,
        endpoint: &str,
        method: &str,
    ) -> Result<i64, sqlx::Error> {
        if let Some(methods) = self.endpoints.get(endpoint)
            && let Some((_, id)) = methods.iter().find(|(known, _)| known == method)
        {
            return Ok(*id);
        }
        let id = insert(
            connection,
            "INSERT INTO endpoints (endpoint, method) VALUES (?, ?) \
             ON CONFLICT DO UPDATE SET method = excluded.method RETURNING id",
            &[endpoint, method],
        )
        .await?;
        if self.endpoints.len() >= MAX_NAMES {
            self.endpoints.clear();
        }
        self.endpoints
            .entry(endpoint.to_owned())
            .or_default()
            .push((method.to_owned(), id));
        Ok(id)
    }

    async fn handler(
        &mut self,
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<i64, sqlx::Error> {
        if let Some(id) = self.handlers.get(name) {
            return Ok(*id);
        }
        let id = insert(
            connection,
            "INSERT INTO handlers (name) VALUES (?) \
             ON CONFLICT DO UPDATE SET name = excluded.name RETURNING id",
            &[name],
        )
        .await?;
        if self.handlers.len() >= MAX_NAMES {
            self.handlers.clear();
        }
        self.handlers.insert(name.to_owned(), id);
        Ok(id)
    }

    async fn user_agent(
        &mut self,
        connection: &mut SqliteConnection,
        text: &str,
    ) -> Result<Option<i64>, sqlx::Error> {
        if let Some(id) = self.user_agents.get(text) {
            return Ok(Some(*id));
        }
        if self.user_agents.len() >= MAX_USER_AGENTS || text.len() > MAX_USER_AGENT_BYTES {
            return Ok(None);
        }
        let id = insert(
            connection,
            "INSERT INTO user_agents (user_agent) VALUES (?) \
             ON CONFLICT DO UPDATE SET user_agent = excluded.user_agent RETURNING id",
            &[text],
        )
        .await?;
        self.user_agents.insert(text.to_owned(), id);
        Ok(Some(id))
    }
}

/// A new number for the program that writes. It is not shared with an earlier start or with another
/// program that was given the same names, so that neither makes the row ids of the other.
pub(super) async fn register_service(
    connection: &mut SqliteConnection,
    identity: &Identity,
) -> Result<i64, sqlx::Error> {
    insert(
        connection,
        "INSERT INTO services (service, version, instance) VALUES (?, ?, ?) RETURNING id",
        &[&identity.service, &identity.version, &identity.instance],
    )
    .await
}

/// Runs an insert that returns the number of the row. Where the row may be there already, because
/// another program has added it meanwhile, it is an upsert: `DO NOTHING` would return no row.
async fn insert(
    connection: &mut SqliteConnection,
    sql: &'static str,
    texts: &[&str],
) -> Result<i64, sqlx::Error> {
    let mut query = sqlx::query_scalar(sql);
    for text in texts {
        query = query.bind((*text).to_owned());
    }
    query.fetch_one(connection).await
}
