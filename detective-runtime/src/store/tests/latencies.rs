//! Packed latencies give the same answers as the rows would.

use super::*;

/// The answer, computed directly from the rows.
fn expected(
    rows: &[ApiMetric],
    filter: &Filter,
) -> (Vec<RouteMetrics>, Option<(SystemTime, SystemTime)>) {
    let in_time = |row: &&ApiMetric| {
        filter.start.is_none_or(|start| row.timestamp >= start)
            && filter.end.is_none_or(|end| row.timestamp <= end)
    };
    let wanted = |row: &&ApiMetric| {
        in_time(row)
            && filter
                .endpoint
                .as_ref()
                .is_none_or(|endpoint| *endpoint == row.endpoint)
            && filter
                .method
                .as_ref()
                .is_none_or(|method| *method == row.method)
    };
    let mut routes: Vec<_> = rows
        .iter()
        .filter(wanted)
        .map(|row| (row.endpoint.clone(), row.method.clone()))
        .collect();
    routes.sort();
    routes.dedup();
    let routes = routes.into_iter().map(|(endpoint, method)| {
        let of_route = |row: &&ApiMetric| row.endpoint == endpoint && row.method == method;
        let rows: Vec<_> = rows.iter().filter(wanted).filter(of_route).collect();
        let mut times: Vec<_> = rows.iter().map(|row| row.response_time).collect();
        times.sort();
        let rank = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100);
            times[rank - 1].as_micros() as f64 / 1e6
        };
        let count = |wanted: fn(u16) -> bool| {
            let wanted = rows
                .iter()
                .filter(|row| row.status_code.is_some_and(wanted));
            wanted.count() as u64
        };
        let sum: Duration = times.iter().sum();
        RouteMetrics {
            summary: Summary {
                requests: rows.len() as u64,
                successes: count(|status| status < 400),
                errors: count(|status| status >= 400),
                average: sum.as_micros() as f64 / 1e6 / rows.len() as f64,
                p50: rank(50),
                p90: rank(90),
                p95: rank(95),
                p99: rank(99),
                max: rank(100),
            },
            last_seen: rows.iter().map(|row| row.timestamp).max().unwrap(),
            endpoint,
            method,
        }
    });
    let starts = || rows.iter().filter(in_time).map(|row| row.timestamp);
    (routes.collect(), starts().min().zip(starts().max()))
}

fn random_row(random: &mut fastrand::Rng) -> ApiMetric {
    let endpoint = ["/", "/toys", "/toys/{id}"][random.usize(..3)];
    ApiMetric {
        endpoint: endpoint.to_owned(),
        method: ["GET", "POST"][random.usize(..2)].to_owned(),
        status_code: [None, Some(200), Some(302), Some(400), Some(503)][random.usize(..5)],
        response_time: Duration::from_micros(1 << random.u32(..40)),
        timestamp: random_time(random),
        ..full_row()
    }
}

/// Within three hours, often at the edges of minutes.
fn random_time(random: &mut fastrand::Rng) -> SystemTime {
    let hour = example_time() - Duration::from_micros(47_278_201 + 14 * 60_000_000);
    let minutes = Duration::from_secs(60 * random.u64(..180));
    let offsets = [0, 1, 59_999_999, random.u64(..60_000_000)];
    hour + minutes + Duration::from_micros(offsets[random.usize(..4)])
}

#[tokio::test]
async fn answers_equal_those_computed_from_the_rows() {
    let random = &mut fastrand::Rng::with_seed(7);
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    let mut rows = Vec::new();
    for size in [0, 1, 3, 40, 400] {
        let batch: Vec<_> = (0..size).map(|_| random_row(random)).collect();
        write(&mut store, batch.clone()).await;
        rows.extend(batch);
    }
    for _ in 0..200 {
        let filter = Filter {
            start: random.bool().then(|| random_time(random)),
            end: random.bool().then(|| random_time(random)),
            endpoint: (random.u8(..4) == 0).then(|| "/toys".to_owned()),
            method: (random.u8(..4) == 0).then(|| "GET".to_owned()),
        };
        let overview = store.reader.overview(&filter).await.unwrap();
        let (routes, covered) = expected(&rows, &filter);
        assert_eq!(overview.routes.len(), routes.len(), "{filter:?}");
        for (found, expected) in overview.routes.iter().zip(&routes) {
            assert_eq!(found, expected, "{filter:?}");
        }
        assert_eq!(overview.covered, covered, "{filter:?}");

        let endpoint = store.reader.endpoint(&filter).await.unwrap();
        let requests: u64 = routes.iter().map(|route| route.summary.requests).sum();
        assert_eq!(endpoint.summary.requests, requests);
        let methods: u64 = endpoint.by_method.iter().map(|(_, count)| count).sum();
        assert_eq!(methods, requests);
        let answered = endpoint.summary.successes + endpoint.summary.errors;
        let statuses: u64 = endpoint.by_status.iter().map(|(_, count)| count).sum();
        assert_eq!(statuses, answered);
    }
}

#[tokio::test]
async fn extreme_ranges_are_answered() {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    write(&mut store, vec![full_row()]).await;
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 45);
    for (start, end, found) in [
        (Some(before_1970), Some(far), 1),
        (None, Some(before_1970), 0),
        (Some(far), None, 0),
        (Some(far), Some(before_1970), 0),
    ] {
        let filter = Filter {
            start,
            end,
            ..Filter::default()
        };
        let overview = store.reader.overview(&filter).await.unwrap();
        assert_eq!(overview.routes.len(), found);
        assert_eq!(overview.covered.is_some(), found == 1);
    }
}
