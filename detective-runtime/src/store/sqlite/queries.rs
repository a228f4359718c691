//! The queries about rows, in SQL.
//!
//! Counts, sums and percentiles come from the table `latencies` alone; the rows are not read.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tokio::task::spawn_blocking;

use super::latencies::{Latency, end_of_minute, hour, minute, start_of_minute, unpack};
use crate::store::{EndpointStats, Filter, Overview, RouteMetrics, StoreError, Summary};

/// The kinds of some endpoints, ordered by endpoint and method.
const KINDS: &str = "\
    SELECT endpoint, method, id, status_code FROM kinds \
    WHERE (?1 IS NULL OR endpoint = ?1) AND (?2 IS NULL OR method = ?2) \
    ORDER BY endpoint, method";

/// The starts and durations of some kinds in a time range, one blob for each hour. That is faster
/// to read than one for each minute, and shorter than SQLite's limit.
const LATENCIES: &str = "\
    SELECT kind_id, hour, group_concat(entries, '') \
    FROM latencies WHERE kind_id IN (SELECT value FROM json_each(?1)) \
        AND (hour, minute) >= (?2, ?3) AND (hour, minute) <= (?4, ?5) \
    GROUP BY kind_id, hour";

/// The first minute in a time range that has rows. It needs one look-up for each kind.
const FIRST_MINUTE: &str = "\
    SELECT min((SELECT minute FROM latencies WHERE kind_id = kinds.id \
        AND (hour, minute) >= (?1, ?2) AND (hour, minute) <= (?3, ?4) \
        ORDER BY hour, minute LIMIT 1)) FROM kinds";

/// The last minute, in the same way.
const LAST_MINUTE: &str = "\
    SELECT max((SELECT minute FROM latencies WHERE kind_id = kinds.id \
        AND (hour, minute) >= (?1, ?2) AND (hour, minute) <= (?3, ?4) \
        ORDER BY hour DESC, minute DESC LIMIT 1)) FROM kinds";

/// Answers queries; clones share a small pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pool: SqlitePool,
}

impl Reader {
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Every endpoint and method that has rows in the filter's range.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], also for the methods below.
    pub(crate) async fn overview(&self, filter: &Filter) -> Result<Overview, StoreError> {
        // One transaction, so that all queries see the same rows.
        let mut transaction = self.pool.begin().await?;
        let bounds = Bounds::of(filter);
        let kinds = kinds(&mut transaction, filter).await?;
        let mut routes = Vec::new();
        for kinds in kinds
            .chunk_by(|one, other| (&one.endpoint, &one.method) == (&other.endpoint, &other.method))
        {
            let measured = measure(&mut transaction, bounds, kinds).await?;
            let Some((_, last_start)) = measured.starts else {
                continue;
            };
            routes.push(RouteMetrics {
                endpoint: kinds[0].endpoint.clone(),
                method: kinds[0].method.clone(),
                last_seen: time(last_start),
                summary: measured.summary(kinds).await,
            });
        }
        Ok(Overview {
            routes,
            covered: covered(&mut transaction, bounds).await?,
        })
    }

    /// One endpoint with all methods that the filter allows; zeros if it has no rows.
    pub(crate) async fn endpoint(&self, filter: &Filter) -> Result<EndpointStats, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let kinds = kinds(&mut transaction, filter).await?;
        let measured = measure(&mut transaction, Bounds::of(filter), &kinds).await?;
        let mut by_method = BTreeMap::new();
        let mut by_status = BTreeMap::new();
        for kind in &kinds {
            let count = measured.count(kind);
            if count > 0 {
                *by_method.entry(kind.method.clone()).or_default() += count;
                if kind.status != 0 {
                    *by_status.entry(kind.status).or_default() += count;
                }
            }
        }
        Ok(EndpointStats {
            summary: measured.summary(&kinds).await,
            by_method: by_method.into_iter().collect(),
            by_status: by_status.into_iter().collect(),
        })
    }

    /// The endpoints that have ever been called.
    pub(crate) async fn endpoints(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT DISTINCT endpoint FROM kinds")
            .fetch_all(&self.pool)
            .await?)
    }

    /// Closes the connections, and waits for running queries.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A time range, inclusive, in microseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    start: i64,
    end: i64,
}

/// A row of [`KINDS`].
#[derive(Debug)]
struct StoredKind {
    endpoint: String,
    method: String,
    id: i64,
    /// Zero if there is none.
    status: u16,
}

/// The measurements of the rows of some kinds, in microseconds.
#[derive(Debug, Default)]
struct Measured {
    times: Vec<i64>,
    /// Start of the first and of the last of the rows.
    starts: Option<(i64, i64)>,
    by_kind: HashMap<i64, u64>,
}

impl Bounds {
    fn of(filter: &Filter) -> Self {
        Self {
            start: filter.start.map_or(0, microseconds),
            end: filter.end.map_or(i64::MAX, microseconds),
        }
    }

    /// The part of the range within a minute.
    fn within(self, minute: i64) -> Self {
        Self {
            start: self.start.max(start_of_minute(minute)),
            end: self.end.min(end_of_minute(minute)),
        }
    }

    fn contain(self, start_us: i64) -> bool {
        (self.start..=self.end).contains(&start_us)
    }
}

impl Measured {
    fn add(&mut self, kind: i64, latencies: impl Iterator<Item = Latency>) {
        let before = self.times.len();
        for Latency { start_us, time_us } in latencies {
            let (first, last) = self.starts.get_or_insert((start_us, start_us));
            *first = start_us.min(*first);
            *last = start_us.max(*last);
            self.times.push(time_us);
        }
        *self.by_kind.entry(kind).or_default() += (self.times.len() - before) as u64;
    }

    fn count(&self, kind: &StoredKind) -> u64 {
        self.by_kind.get(&kind.id).copied().unwrap_or(0)
    }

    /// The summary; `kinds` are those that were measured.
    async fn summary(mut self, kinds: &[StoredKind]) -> Summary {
        let count = |wanted: fn(u16) -> bool| {
            let wanted = kinds.iter().filter(|kind| wanted(kind.status));
            wanted.map(|kind| self.count(kind)).sum()
        };
        let successes = count(|status| (1..400).contains(&status));
        let errors = count(|status| status >= 400);
        let requests = self.times.len();
        if requests == 0 {
            return Summary::default();
        }
        let sum: i64 = self.times.iter().sum();
        // Sorting many values takes a while, and must not block the application's thread.
        let ranked = spawn_blocking(move || {
            [50, 90, 95, 99, 100].map(|percent| {
                let rank = nearest_rank(requests, percent);
                seconds(*self.times.select_nth_unstable(rank - 1).1)
            })
        });
        let [p50, p90, p95, p99, max] = ranked.await.unwrap_or_default();
        Summary {
            requests: requests as u64,
            successes,
            errors,
            average: seconds(sum) / requests as f64,
            p50,
            p90,
            p95,
            p99,
            max,
        }
    }
}

async fn kinds(
    connection: &mut SqliteConnection,
    filter: &Filter,
) -> Result<Vec<StoredKind>, sqlx::Error> {
    let rows = sqlx::query(KINDS)
        .bind(filter.endpoint.as_deref())
        .bind(filter.method.as_deref())
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter().map(|row| StoredKind {
        endpoint: row.get(0),
        method: row.get(1),
        id: row.get(2),
        status: row.get(3),
    });
    Ok(rows.collect())
}

/// Reads the latencies of some kinds.
async fn measure(
    connection: &mut SqliteConnection,
    bounds: Bounds,
    kinds: &[StoredKind],
) -> Result<Measured, sqlx::Error> {
    let ids: Vec<_> = kinds.iter().map(|kind| kind.id).collect();
    let ids = serde_json::Value::from(ids).to_string();
    let mut hours = bind_minutes(sqlx::query(LATENCIES).bind(ids), bounds).fetch(connection);
    let mut measured = Measured::default();
    while let Some(row) = hours.try_next().await? {
        let (kind, hour): (i64, i64) = (row.get(0), row.get(1));
        let latencies = unpack(hour, row.get(2));
        measured.add(kind, latencies.filter(|one| bounds.contain(one.start_us)));
    }
    Ok(measured)
}

/// The first and the last start in a time range, whatever the endpoint.
async fn covered(
    connection: &mut SqliteConnection,
    bounds: Bounds,
) -> Result<Option<(SystemTime, SystemTime)>, sqlx::Error> {
    let kinds = kinds(connection, &Filter::default()).await?;
    let (mut first, mut last) = (None, None);
    let mut left = bounds;
    while first.is_none()
        && let Some(minute) = edge(connection, FIRST_MINUTE, left).await?
    {
        let measured = measure(connection, bounds.within(minute), &kinds).await?;
        first = measured.starts.map(|(first, _)| time(first));
        // The rows of this minute are before the range.
        left.start = end_of_minute(minute) + 1;
    }
    let mut left = bounds;
    while last.is_none()
        && let Some(minute) = edge(connection, LAST_MINUTE, left).await?
    {
        let measured = measure(connection, bounds.within(minute), &kinds).await?;
        last = measured.starts.map(|(_, last)| time(last));
        left.end = start_of_minute(minute) - 1;
    }
    Ok(first.zip(last))
}

async fn edge(
    connection: &mut SqliteConnection,
    sql: &'static str,
    bounds: Bounds,
) -> Result<Option<i64>, sqlx::Error> {
    let row = bind_minutes(sqlx::query(sql), bounds).fetch_one(connection);
    Ok(row.await?.get(0))
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments>;

/// Binds the hour and the minute of both bounds.
fn bind_minutes(query: Query, bounds: Bounds) -> Query {
    let (first, last) = (minute(bounds.start), minute(bounds.end));
    query
        .bind(hour(first))
        .bind(first)
        .bind(hour(last))
        .bind(last)
}

/// The rank, counted from one, of the smallest of `count` values that is at least as large as
/// `percent` percent of them.
fn nearest_rank(count: usize, percent: usize) -> usize {
    (count * percent).div_ceil(100)
}

fn microseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(-1, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

fn time(microseconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds.unsigned_abs())
}

fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}
