//! What is written can be read back from the view, whatever form it has in the table.

use super::*;

/// All rows of the view, converted back.
async fn read(folder: &Folder) -> Vec<ApiMetric> {
    let rows = sqlx::query("SELECT * FROM api_metrics ORDER BY id")
        .fetch_all(&mut connection(folder).await)
        .await
        .unwrap();
    let micros = |seconds: f64| Duration::from_micros((seconds * 1e6).round() as u64);
    rows.iter()
        .map(|row| {
            assert_eq!(row.get::<&str, _>("service"), identity().service);
            assert_eq!(row.get::<&str, _>("version"), identity().version);
            assert_eq!(row.get::<&str, _>("instance"), identity().instance);
            let timestamp: &str = row.get("timestamp");
            let trace_id = row.get::<Option<&str>, _>("trace_id");
            assert!(trace_id.is_none_or(|id| id.len() == 32));
            ApiMetric {
                endpoint: row.get("endpoint"),
                method: row.get("method"),
                path: row.get("path"),
                status_code: row.get("status_code"),
                response_time: micros(row.get("response_time")),
                time_to_head: row.get::<Option<f64>, _>("time_to_head").map(micros),
                timestamp: timestamp.parse::<jiff::Timestamp>().unwrap().into(),
                outcome: outcomes()
                    .into_iter()
                    .find(|outcome| outcome.as_str() == row.get::<&str, _>("outcome"))
                    .unwrap(),
                error: row.get("error"),
                handler: row.get("handler"),
                trace_id: trace_id.map(|id| u128::from_str_radix(id, 16).unwrap()),
                client_ip: row.get("client_ip"),
                user_agent: row.get("user_agent"),
                consumer: row.get("consumer"),
                request_headers: headers(row.get("request_headers")),
                response_headers: headers(row.get("response_headers")),
                request_bytes: row.get::<i64, _>("request_bytes") as u64,
                response_bytes: row.get::<i64, _>("response_bytes") as u64,
            }
        })
        .collect()
}

fn headers(json: &str) -> Vec<(String, String)> {
    let json: std::collections::BTreeMap<String, String> = serde_json::from_str(json).unwrap();
    json.into_iter().collect()
}

async fn check(rows: Vec<ApiMetric>) {
    let folder = Folder::new();
    let mut store = Store::open(&folder.url(), identity()).await.unwrap();
    assert_eq!(write(&mut store, rows.clone()).await, rows.len() as u64);
    let read = read(&folder).await;
    assert_eq!(read.len(), rows.len());
    for (read, written) in read.into_iter().zip(rows) {
        assert_eq!(read, written);
    }
}

/// Has the values that most rows have, and no others.
fn common_row() -> ApiMetric {
    ApiMetric {
        error: None,
        consumer: None,
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        ..full_row()
    }
}

#[tokio::test]
async fn paths() {
    let cases = [
        ("/users/{user_id}", "/users/1"),
        ("/users/{user_id}", "/users/0"),
        ("/users/{user_id}", "/users/123456789012345678"),
        // Not the shortest form of a number that fits.
        ("/users/{user_id}", "/users/1234567890123456789"),
        ("/users/{user_id}", "/users/99999999999999999999"),
        ("/users/{user_id}", "/users/007"),
        ("/users/{user_id}", "/users/00"),
        ("/users/{user_id}", "/users/-1"),
        ("/users/{user_id}", "/users/+1"),
        ("/users/{user_id}", "/users/1.0"),
        ("/users/{user_id}", "/users/%31"),
        ("/users/{user_id}", "/users/"),
        ("/users/{user_id}", "/users/ann"),
        ("/users/{user_id}", "/users/{user_id}"),
        ("/users/{user_id}", "/v1/users/1"),
        ("/users/{user_id}/toys", "/users/17/toys"),
        ("/users/{user_id}/toys", "/users/17/toy"),
        ("/a{id}a", "/a"),
        ("/a{id}a", "/a1a"),
        ("/é{id}", "/é5"),
        ("/{*rest}", "/12"),
        ("/{*rest}", "/1/2"),
        ("/{a}/{b}", "/1/2"),
        ("/{{id}}", "/{id}"),
        ("/{{id}}/{id}", "/{id}/7"),
        ("/toys", "/toys"),
        ("/toys", "/toys/"),
        ("/", "/"),
        ("unmatched", "/nowhere"),
        ("unmatched", "*"),
        ("unmatched", "{\"path\":\"/mine\"}"),
        ("unmatched", "12"),
    ];
    let rows = cases.iter().flat_map(|(endpoint, path)| {
        let row = ApiMetric {
            endpoint: (*endpoint).to_owned(),
            path: Some((*path).to_owned()),
            ..common_row()
        };
        [
            ApiMetric {
                path: None,
                ..row.clone()
            },
            ApiMetric {
                error: Some("beside an error".to_owned()),
                ..row.clone()
            },
            ApiMetric {
                path: None,
                error: Some("without a path".to_owned()),
                ..row.clone()
            },
            row,
        ]
    });
    check(rows.collect()).await;
}

#[tokio::test]
async fn clients() {
    let clients = [
        "0.0.0.0",
        "255.255.255.255",
        "198.51.100.7",
        "198.51.100.0", // shortened
        "2001:db8:1::",
        "::1",
        "::ffff:198.51.100.7",
        "9a0364b9e99bb480", // hashed
        "1234567890123456",
        "3405803783",
        "010.1.2.3",
    ];
    let rows = clients.map(|client| ApiMetric {
        client_ip: Some(client.to_owned()),
        ..common_row()
    });
    check(rows.to_vec()).await;
}

#[tokio::test]
async fn numbers() {
    let seconds = Duration::from_secs;
    let sizes = [
        0,
        1,
        (1 << 31) - 1,
        1 << 31,
        (1 << 32) - 1,
        1 << 32,
        1 << 62,
    ];
    let times = [0, 1, 35 * 60, 36 * 60, 71 * 60, 72 * 60, 80 * 24 * 60 * 60].map(seconds);
    let edge = Duration::from_micros(1 << 31);
    let rows = sizes.into_iter().flat_map(|request_bytes| {
        sizes.map(|response_bytes| ApiMetric {
            request_bytes,
            response_bytes,
            ..common_row()
        })
    });
    let rows = rows.chain(times.into_iter().flat_map(|response_time| {
        let to_head = times.into_iter().chain([
            edge - Duration::from_micros(2),
            edge - Duration::from_micros(1),
            edge,
        ]);
        to_head
            .map(Some)
            .chain([None])
            .map(move |time_to_head| ApiMetric {
                response_time,
                time_to_head,
                ..common_row()
            })
    }));
    let traces = [1, 1 << 64, u128::MAX, 1 << 127, u128::from(u64::MAX)];
    let rows = rows.chain(
        traces
            .map(Some)
            .into_iter()
            .chain([None])
            .map(|trace_id| ApiMetric {
                trace_id,
                ..common_row()
            }),
    );
    check(rows.collect()).await;
}

#[tokio::test]
async fn rare_texts() {
    let odd = "a \"quote\", a \\, a\nline, a tab\t, an é, a 🧸, a {";
    let mut rows = vec![full_row(), bare_row(), common_row()];
    for row in [common_row(), bare_row()] {
        let text = Some(odd.to_owned());
        let headers = vec![("x-odd".to_owned(), odd.to_owned())];
        rows.extend([
            ApiMetric {
                error: text.clone(),
                ..row.clone()
            },
            ApiMetric {
                consumer: text.clone(),
                ..row.clone()
            },
            ApiMetric {
                user_agent: text.clone(),
                ..row.clone()
            },
            ApiMetric {
                user_agent: Some("long ".repeat(200)),
                ..row.clone()
            },
            ApiMetric {
                request_headers: headers.clone(),
                ..row.clone()
            },
            ApiMetric {
                response_headers: headers,
                ..row
            },
        ]);
    }
    // Values of the same name are joined; another test covers that.
    rows[0].request_headers.truncate(1);
    check(rows).await;
}

#[tokio::test]
async fn more_kinds_than_are_kept_in_memory() {
    let row = |number: u16| ApiMetric {
        endpoint: format!("/part{}", number % 70),
        method: ["GET", "POST", "_OTHER"][usize::from(number) % 3].to_owned(),
        handler: (!number.is_multiple_of(4)).then(|| format!("shop::part{}", number % 4)),
        status_code: (!number.is_multiple_of(5)).then_some(100 * (number % 5) + number),
        outcome: outcomes()[usize::from(number) % 7],
        ..common_row()
    };
    // Twice, with some frequent ones in between: the forgotten ones are found again.
    let rows: Vec<_> = (0..300)
        .chain(0..300)
        .flat_map(|number| [row(number), row(7), row(number)])
        .collect();
    check(rows).await;
}
