//! Questions about rows, in SQLite's words.
//!
//! Counts, sums and percentiles come from the index `requests_by_endpoint` alone, one range of it
//! for each endpoint; the wide rows are not read.

use std::time::{Duration, SystemTime};

use sqlx::{Row as _, SqliteConnection, SqlitePool};

use crate::store::{EndpointStats, Filter, Overview, RouteMetrics, StoreError, Summary};

/// Counts and sums of each endpoint and method, in the order of their names.
const TOTALS: &str = "\
    SELECT endpoint_id, endpoint, method, count(*), \
        count(*) FILTER (WHERE status_code < 400), count(*) FILTER (WHERE status_code >= 400), \
        sum(response_time_us), max(response_time_us), max(started_us) \
    FROM endpoints CROSS JOIN requests ON requests.endpoint_id = endpoints.id \
    WHERE started_us BETWEEN ?1 AND ?2 \
        AND (?3 IS NULL OR endpoint = ?3) AND (?4 IS NULL OR method = ?4) \
    GROUP BY endpoints.id ORDER BY endpoints.endpoint, endpoints.method";

/// The times at four ranks, counted from one, of the ordered times of some endpoints.
const RANKED: &str = "\
    SELECT rank, response_time_us FROM ( \
        SELECT response_time_us, row_number() OVER (ORDER BY response_time_us) AS rank \
        FROM json_each(?1) CROSS JOIN requests ON requests.endpoint_id = json_each.value \
        WHERE started_us BETWEEN ?2 AND ?3) \
    WHERE rank IN (?4, ?5, ?6, ?7)";

/// How often each status was answered by some endpoints.
const STATUSES: &str = "\
    SELECT status_code, count(*) \
    FROM json_each(?1) CROSS JOIN requests ON requests.endpoint_id = json_each.value \
    WHERE started_us BETWEEN ?2 AND ?3 AND status_code IS NOT NULL \
    GROUP BY status_code";

/// The first and the last start; two look-ups in the index by time.
const COVERED: &str = "\
    SELECT (SELECT min(started_us) FROM requests WHERE started_us BETWEEN ?1 AND ?2), \
        (SELECT max(started_us) FROM requests WHERE started_us BETWEEN ?1 AND ?2)";

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
    /// [`StoreError::Unavailable`], here as below.
    pub(crate) async fn overview(&self, filter: &Filter) -> Result<Overview, StoreError> {
        // One transaction sees one state of the rows, so that ranks and counts belong together.
        let mut transaction = self.pool.begin().await?;
        let (start, end) = bounds(filter);
        let totals = totals(&mut transaction, filter).await?;
        let mut routes = Vec::with_capacity(totals.len());
        for total in totals {
            let ids = [total.endpoint_id];
            let last_seen = time(total.last_started);
            let summary = summary(&mut transaction, filter, &ids, &[&total]).await?;
            routes.push(RouteMetrics {
                endpoint: total.endpoint,
                method: total.method,
                summary,
                last_seen,
            });
        }
        let covered = sqlx::query(COVERED)
            .bind(start)
            .bind(end)
            .fetch_one(&mut *transaction)
            .await?;
        let covered = Option::zip(covered.get::<Option<i64>, _>(0), covered.get(1));
        Ok(Overview {
            routes,
            covered: covered.map(|(first, last)| (time(first), time(last))),
        })
    }

    /// One endpoint over all methods that the filter lets through; zeros when it has no rows.
    pub(crate) async fn endpoint(&self, filter: &Filter) -> Result<EndpointStats, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let (start, end) = bounds(filter);
        let totals = totals(&mut transaction, filter).await?;
        let ids: Vec<i64> = totals.iter().map(|total| total.endpoint_id).collect();
        let all: Vec<&Totals> = totals.iter().collect();
        let summary = summary(&mut transaction, filter, &ids, &all).await?;
        let by_status = sqlx::query(STATUSES)
            .bind(json(&ids))
            .bind(start)
            .bind(end)
            .fetch_all(&mut *transaction)
            .await?;
        Ok(EndpointStats {
            summary,
            by_method: totals
                .into_iter()
                .map(|total| (total.method, total.requests as u64))
                .collect(),
            by_status: by_status
                .into_iter()
                .map(|row| (row.get(0), row.get::<i64, _>(1) as u64))
                .collect(),
        })
    }

    /// The endpoints that were ever called.
    pub(crate) async fn endpoints(&self) -> Result<Vec<String>, StoreError> {
        Ok(
            sqlx::query_scalar("SELECT DISTINCT endpoint FROM endpoints")
                .fetch_all(&self.pool)
                .await?,
        )
    }

    /// Closes the connections, waiting for the queries that still run.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A row of [`TOTALS`], times in microseconds.
struct Totals {
    endpoint_id: i64,
    endpoint: String,
    method: String,
    requests: i64,
    successes: i64,
    errors: i64,
    sum: i64,
    max: i64,
    last_started: i64,
}

async fn totals(
    connection: &mut SqliteConnection,
    filter: &Filter,
) -> Result<Vec<Totals>, sqlx::Error> {
    let (start, end) = bounds(filter);
    let rows = sqlx::query(TOTALS)
        .bind(start)
        .bind(end)
        .bind(filter.endpoint.as_deref())
        .bind(filter.method.as_deref())
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter().map(|row| Totals {
        endpoint_id: row.get(0),
        endpoint: row.get(1),
        method: row.get(2),
        requests: row.get(3),
        successes: row.get(4),
        errors: row.get(5),
        sum: row.get(6),
        max: row.get(7),
        last_started: row.get(8),
    });
    Ok(rows.collect())
}

/// The summary of all of `totals`, with the percentiles of the rows behind `ids`.
async fn summary(
    connection: &mut SqliteConnection,
    filter: &Filter,
    ids: &[i64],
    totals: &[&Totals],
) -> Result<Summary, sqlx::Error> {
    let sum = |of: fn(&Totals) -> i64| totals.iter().map(|total| of(total)).sum::<i64>();
    let requests = sum(|total| total.requests);
    if requests == 0 {
        return Ok(Summary::default());
    }
    let (start, end) = bounds(filter);
    let ranks = [50, 90, 95, 99].map(|percent| nearest_rank(requests, percent));
    let mut query = sqlx::query(RANKED).bind(json(ids)).bind(start).bind(end);
    for rank in ranks {
        query = query.bind(rank);
    }
    let ranked: Vec<(i64, i64)> = query
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let [p50, p90, p95, p99] = ranks.map(|wanted| {
        let found = ranked.iter().find(|(rank, _)| *rank == wanted);
        found.map_or(0.0, |(_, time)| seconds(*time))
    });
    Ok(Summary {
        requests: requests as u64,
        successes: sum(|total| total.successes) as u64,
        errors: sum(|total| total.errors) as u64,
        average: seconds(sum(|total| total.sum)) / requests as f64,
        p50,
        p90,
        p95,
        p99,
        max: seconds(totals.iter().map(|total| total.max).max().unwrap_or(0)),
    })
}

/// The rank, counted from one, of the smallest of `count` values that at least `percent` of them
/// do not exceed.
fn nearest_rank(count: i64, percent: i64) -> i64 {
    (count * percent + 99) / 100
}

fn bounds(filter: &Filter) -> (i64, i64) {
    (
        filter.start.map_or(i64::MIN, microseconds),
        filter.end.map_or(i64::MAX, microseconds),
    )
}

fn microseconds(time: SystemTime) -> i64 {
    let count = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => count(since),
        Err(before) => -count(before.duration()),
    }
}

fn time(microseconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(microseconds.unsigned_abs())
}

fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

fn json(ids: &[i64]) -> String {
    serde_json::Value::from(ids).to_string()
}
