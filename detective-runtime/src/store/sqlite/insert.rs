//! The statements that insert rows, and their arguments.

use std::net::IpAddr;
use std::sync::Arc;

use sqlx::Arguments as _;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;

use super::latencies::Latency;
use crate::record::Client;
use crate::store::{BATCH_ROWS, Row};

/// The columns that are bound for each row. `service_id` is the same in all rows and is part of the
/// statement; `id` counts up from one argument.
const COLUMNS: [&str; 8] = [
    "keys",
    "started_us",
    "times",
    "sizes",
    "trace_high",
    "trace_low",
    "client_ip",
    "path",
];

/// Rows per statement. A few fixed sizes keep the number of prepared statements small. Each
/// statement is an exchange with the connection's thread, so large ones are cheaper.
pub(super) const CHUNKS: [usize; 4] = [256, 32, 4, 1];
const _: () = assert!(BATCH_ROWS % CHUNKS[0] == 1, "the first row stands alone");

/// Width of the user agent in the column `keys`.
pub(super) const USER_AGENT_BITS: u32 = 16;
/// Widths of the two numbers in the columns `times` and `sizes`.
const HIGH_BITS: u32 = 32;
const LOW_BITS: u32 = 31;

/// Longest text in a row, whatever the caller captured.
const MAX_TEXT_BYTES: usize = 8 * 1024;
/// Longest run of digits that always fits into a number.
const MAX_DIGITS: usize = 18;

/// The ids of the rows of one statement. The arguments are the same for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    /// Counted up from the last argument. Rows whose id exists already are skipped. Any other
    /// conflict stays an error, which `INSERT OR IGNORE` would hide.
    Given,
    /// Made by SQLite: each follows the highest id in the table. SQLite then appends without a
    /// search for each row, which would cost as much as the rest of the row.
    Following,
}

/// The `INSERT` for `rows` rows with consecutive ids.
pub(super) fn statement(service_id: i64, rows: usize, ids: Ids) -> Arc<str> {
    let columns = COLUMNS.join(", ");
    let arguments = ", ?".repeat(COLUMNS.len());
    let values = |row: &dyn Fn(usize) -> String| (0..rows).map(row).collect::<Vec<_>>().join(", ");
    match ids {
        Ids::Given => {
            // sqlx takes a parameter `$n` for the nth argument wherever it is, and counts those
            // written `?` separately.
            let first_id = rows * COLUMNS.len() + 1;
            let values = values(&|row| format!("(${first_id} + {row}, {service_id}{arguments})"));
            format!(
                "INSERT INTO requests (id, service_id, {columns}) VALUES {values} \
                 ON CONFLICT (id) DO NOTHING"
            )
        }
        Ids::Following => {
            // All columns of the table in their order, so that SQLite need not copy them.
            let values = values(&|_| format!("(NULL, {service_id}{arguments})"));
            format!("INSERT INTO requests (id, service_id, {columns}) VALUES {values}")
        }
    }
    .into()
}

/// The arguments of some rows.
#[derive(Debug)]
pub(super) struct RowArguments<'a> {
    ids: &'a [i64],
    statements: Vec<RowStatement>,
    /// Rows that are still missing in the last statement.
    lacking: usize,
}

/// The arguments of one statement.
#[derive(Debug)]
pub(super) struct RowStatement {
    /// The index of its number of rows in [`CHUNKS`].
    pub(super) place: usize,
    first_id: i64,
    /// Whether its first id follows the last id of the previous statement.
    pub(super) follows: bool,
    pub(super) arguments: SqliteArguments,
}

/// The ids of a row's entries in other tables, and what was computed from its endpoint and times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) kind: i64,
    /// `None` also when the text must be stored in the row.
    pub(super) user_agent: Option<i64>,
    pub(super) template: Template<'a>,
    pub(super) latency: Latency,
}

impl<'a> RowArguments<'a> {
    /// For rows with these ids, in this order.
    pub(super) fn new(ids: &'a [i64]) -> Self {
        Self {
            ids,
            statements: Vec::new(),
            lacking: 0,
        }
    }

    /// Adds the next row.
    pub(super) fn add(&mut self, row: &Row<'_>, keys: Keys<'_>) -> Result<(), BoxDynError> {
        if self.lacking == 0 {
            self.begin();
        }
        let Some(statement) = self.statements.last_mut() else {
            return Ok(());
        };
        bind(&mut statement.arguments, row, keys)?;
        self.lacking -= 1;
        if self.lacking == 0 {
            statement.arguments.add(statement.first_id)?;
        }
        Ok(())
    }

    pub(super) fn into_statements(self) -> Vec<RowStatement> {
        self.statements
    }

    /// Begins the next statement. A run of consecutive ids begins with a statement for one row, and
    /// continues with statements as large as possible.
    fn begin(&mut self) {
        let Some(&first_id) = self.ids.first() else {
            return;
        };
        let before = self.statements.last();
        let follows =
            before.is_some_and(|before| before.first_id + CHUNKS[before.place] as i64 == first_id);
        let fits = |rows: usize| {
            let last = self.ids.get(rows - 1);
            rows == 1 || follows && last.is_some_and(|last| last - first_id == rows as i64 - 1)
        };
        let Some(place) = CHUNKS.into_iter().position(fits) else {
            return;
        };
        let rows = CHUNKS[place];
        self.ids = &self.ids[rows..];
        self.lacking = rows;
        let mut arguments = SqliteArguments::default();
        arguments.reserve(rows * COLUMNS.len() + 1, 0);
        self.statements.push(RowStatement {
            place,
            first_id,
            follows,
            arguments,
        });
    }
}

/// Binds one row in the order of [`COLUMNS`].
fn bind(arguments: &mut SqliteArguments, row: &Row<'_>, keys: Keys<'_>) -> Result<(), BoxDynError> {
    let Keys { latency, .. } = keys;
    let to_head = row.head_nanos.map_or(0, |nanos| nanos / 1_000 + 1);
    arguments.add(keys.kind << USER_AGENT_BITS | keys.user_agent.unwrap_or(0))?;
    arguments.add(latency.start_us)?;
    bind_pair(arguments, latency.time_us, integer(to_head))?;
    bind_pair(
        arguments,
        integer(row.request_bytes),
        integer(row.response_bytes),
    )?;
    arguments.add(row.trace_id.map(|id| (id >> 64) as i64))?;
    arguments.add(row.trace_id.map(|id| id as i64))?;
    match &row.client {
        Some(Client::Address(IpAddr::V4(address))) => arguments.add(address.to_bits())?,
        Some(Client::Address(address)) => arguments.add(address.to_string())?,
        Some(Client::Text(text)) => arguments.add(capped(text))?,
        None => arguments.add(None::<i64>)?,
    }
    let user_agent = row.user_agent.filter(|_| keys.user_agent.is_none());
    if has_rare_texts(row, user_agent) {
        return arguments.add(json(row, user_agent));
    }
    match row.path {
        Some(path) => match keys.template.number_in(path) {
            Some(number) => arguments.add(number),
            None => arguments.add(capped(path)),
        },
        None => arguments.add(None::<i64>),
    }
}

/// Binds two numbers as one column.
fn bind_pair(arguments: &mut SqliteArguments, high: i64, low: i64) -> Result<(), BoxDynError> {
    if high >> HIGH_BITS == 0 && low >> LOW_BITS == 0 {
        arguments.add(high << LOW_BITS | low)
    } else {
        arguments.add(format!("[{high},{low}]"))
    }
}

/// The position of an endpoint's parameter. If a path has a number there, only the number is
/// stored, and the view restores the path. This saves the text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Template<'a> {
    /// No parameter.
    Fixed(&'a str),
    /// One, between these two texts.
    One(&'a str, &'a str),
    /// Several, or anything else.
    Other,
}

impl<'a> Template<'a> {
    pub(super) fn of(endpoint: &'a str) -> Self {
        let Some((before, rest)) = endpoint.split_once('{') else {
            return Self::Fixed(endpoint);
        };
        match rest.split_once('}') {
            Some((_, after)) if !rest.contains('{') && !after.contains('}') => {
                Self::One(before, after)
            }
            _ => Self::Other,
        }
    }

    /// The number that replaces the whole path; zero for the path of an endpoint without
    /// parameters.
    fn number_in(self, path: &str) -> Option<i64> {
        match self {
            Self::Fixed(endpoint) => (path == endpoint).then_some(0),
            Self::One(before, after) => {
                let digits = path.strip_prefix(before)?.strip_suffix(after)?;
                number(digits.as_bytes())
            }
            Self::Other => None,
        }
    }
}

/// The number, if its decimal form is exactly `digits`.
fn number(digits: &[u8]) -> Option<i64> {
    let is_shortest = digits.len() <= MAX_DIGITS
        && match digits {
            [] => false,
            [first, rest @ ..] => *first != b'0' || rest.is_empty(),
        };
    if !is_shortest {
        return None;
    }
    digits.iter().try_fold(0, |number: i64, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

fn has_rare_texts(row: &Row<'_>, user_agent: Option<&str>) -> bool {
    row.error.is_some()
        || row.consumer.is_some()
        || user_agent.is_some()
        || !row.request_headers.is_empty()
        || !row.response_headers.is_empty()
        // It would be mistaken for a JSON object made here.
        || row.path.is_some_and(|path| path.starts_with('{'))
}

/// The path and the texts that few rows have, as a JSON object.
fn json(row: &Row<'_>, user_agent: Option<&str>) -> String {
    let mut json = serde_json::Map::new();
    let texts = [
        ("path", row.path),
        ("error", row.error),
        ("consumer", row.consumer),
        ("user_agent", user_agent),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            json.insert(key.to_owned(), capped(text).into());
        }
    }
    let headers = [
        ("request_headers", &row.request_headers),
        ("response_headers", &row.response_headers),
    ];
    for (key, headers) in headers {
        if !headers.is_empty() {
            json.insert(key.to_owned(), headers_json(headers));
        }
    }
    serde_json::Value::Object(json).to_string()
}

/// Headers as a JSON object. The values of a repeated name are joined by a comma, as RFC 9110
/// section 5.3 allows.
fn headers_json(headers: &[(String, String)]) -> serde_json::Value {
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
    json.into()
}

fn capped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

/// As a signed number, since SQLite has no unsigned ones.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
