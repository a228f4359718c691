//! Tests what a real Jaeger receives from the store, by each protocol.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use detective_tests::{Jaeger, RunningStore, Span, Store, Trace, until};

/// The trace of one order when neither it nor its customer has been requested before.
const ORDER: &str = "\
GET /orders/{order_id} (server of store)
  get_order (internal of store)
    get_order_details (internal of store)
      SELECT orders (client of store)
    get_user_details (internal of store)
      GET (client of store)
        GET /users/{user_id} (server of store)
          get_user (internal of store)
            external_service_call (internal of store)
              cache_check (internal of store)
                cache get (internal of store)
              database_query (internal of store)
                SELECT users (client of store)
                cache set (internal of store)
";

/// A store that sends its traces to `jaeger` by `protocol`, with a short delay.
fn store(jaeger: &Jaeger, protocol: &str) -> Store {
    let endpoint = match protocol {
        "otlp-http" => jaeger.otlp_http(),
        "otlp-grpc" => jaeger.otlp_grpc(),
        _ => jaeger.udp(),
    };
    Store::new()
        .env("DETECTIVE_JAEGER__PROTOCOL", protocol)
        .env("DETECTIVE_JAEGER__ENDPOINT", endpoint)
        .env("DETECTIVE_JAEGER__FLUSH_INTERVAL", "50ms")
}

/// The tags of a span as text, without those that Jaeger adds.
fn tags(span: &Span) -> BTreeMap<&str, String> {
    let own = span.tags.keys().filter(|key| {
        !key.starts_with("otel.")
            && !["span.kind", "internal.span.format", "error"].contains(&key.as_str())
    });
    own.map(|key| (key.as_str(), span.tag(key).unwrap_or_default()))
        .collect()
}

fn pairs<const N: usize>(pairs: [(&'static str, &str); N]) -> BTreeMap<&'static str, String> {
    pairs
        .into_iter()
        .map(|(key, value)| (key, value.to_owned()))
        .collect()
}

/// The complete trace of `GET /orders/1`, sent by `protocol`.
async fn order(protocol: &str) -> Option<(Trace, RunningStore)> {
    let jaeger = Jaeger::start().await?;
    let store = store(&jaeger, protocol).start().await;
    let request = store
        .request("GET", "/orders/1?api_key=s3cr3t")
        .header("authorization", "Bearer s3cr3t")
        .header("cookie", "session=s3cr3t")
        .header("user-agent", "jaeger-test/1.0");
    assert_eq!(
        request.send().await.expect("the store answers").status(),
        200
    );
    let lines = ORDER.lines().count();
    Some((
        jaeger
            .wait_for("store", |trace| trace.spans.len() >= lines)
            .await,
        store,
    ))
}

/// One order by one protocol: all protocols give the same tree with the same attributes.
async fn check(protocol: &str) {
    let Some((trace, store)) = order(protocol).await else {
        return;
    };
    assert_eq!(trace.to_string(), ORDER);
    assert!(trace.warnings.is_empty(), "{:?}", trace.warnings);
    assert!(!format!("{trace:?}").contains("s3cr3t"), "{trace:?}");
    let port = store.port().to_string();

    let mut server = tags(trace.root());
    let peer_port = server.remove("network.peer.port");
    assert!(peer_port.is_some_and(|port| port.parse::<u16>().is_ok()));
    let expected = pairs([
        ("client.address", "127.0.0.1"),
        ("detective.keep", "ratio"),
        ("http.request.method", "GET"),
        ("http.response.body.size", "62"),
        ("http.response.status_code", "200"),
        ("http.route", "/orders/{order_id}"),
        ("network.peer.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("url.path", "/orders/1"),
        ("url.scheme", "http"),
        ("user_agent.original", "jaeger-test/1.0"),
    ]);
    assert_eq!(server, expected);
    // A number, not a text: sums and comparisons in Jaeger need one.
    assert_eq!(trace.root().tags["http.response.status_code"], 200);
    assert_eq!(trace.root().tags["server.port"], store.port());

    let call = trace.children(trace.span("get_user_details"))[0];
    let expected = pairs([
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("url.full", &store.url("/users/1")),
    ]);
    assert_eq!(tags(call), expected);

    let mut query = tags(trace.span("SELECT users"));
    assert!(
        query
            .remove("db.namespace")
            .is_some_and(|namespace| namespace.ends_with("store.db"))
    );
    let expected = pairs([
        ("db.operation.name", "SELECT"),
        ("db.query.summary", "SELECT users"),
        ("db.query.text", "SELECT id, name FROM users WHERE id = ?"),
        ("db.system.name", "sqlite"),
    ]);
    assert_eq!(query, expected);

    let handler = tags(trace.span("get_order"));
    assert_eq!(handler["code.function.name"], "store::orders::get_order");
    assert_eq!(handler["code.file.path"], "examples/store/src/orders.rs");
    assert!(handler["code.line.number"].parse::<u32>().is_ok());
    assert_eq!(handler["order_id"], "1");

    for span in &trace.spans {
        assert_eq!(span.resource["service.version"], "0.1.0", "{span:?}");
        assert!(
            span.resource.contains_key("service.instance.id"),
            "{span:?}"
        );
        assert!(span.events.is_empty(), "{span:?}");
        if let Some(parent) = trace.parent(span) {
            assert!(span.start >= parent.start, "{span:?} in {parent:?}");
            // Ends are rounded to the microsecond twice: in the start and in the duration.
            let late = (span.start + span.duration).saturating_sub(parent.start + parent.duration);
            assert!(late.as_micros() <= 2, "{span:?} in {parent:?}");
        }
    }
}

#[tokio::test]
async fn an_order_is_one_trace_by_otlp_over_http() {
    check("otlp-http").await;
}

#[tokio::test]
async fn an_order_is_one_trace_by_otlp_over_grpc() {
    check("otlp-grpc").await;
}

#[tokio::test]
async fn an_order_is_one_trace_by_udp() {
    check("udp").await;
}

#[tokio::test]
async fn a_failure_is_marked_where_it_happened_and_where_it_ended() {
    let Some(jaeger) = Jaeger::start().await else {
        return;
    };
    for protocol in ["otlp-http", "otlp-grpc", "udp"] {
        let name = format!("by-{protocol}");
        let store = store(&jaeger, protocol)
            .env("OTEL_SERVICE_NAME", &name)
            .start()
            .await;
        let toys = store.json("/toys?per_page=100").await;
        let long = toys["toys"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|toy| toy["length_cm"].as_i64() > Some(150));
        let toy = &long.expect("the store sells something long");
        assert_eq!(
            store
                .get(&format!("/gift-wrap/{}", toy["id"]))
                .await
                .status(),
            500
        );

        let trace = jaeger
            .wait_for(&name, |trace| {
                trace.find("cut_paper").is_some() && trace.find("GET /gift-wrap/{toy_id}").is_some()
            })
            .await;
        let (root, cut) = (trace.root(), trace.span("cut_paper"));
        assert_eq!(
            (root.status.as_str(), root.tag("error.type").as_deref()),
            ("error", Some("500"))
        );
        assert_eq!(
            (
                root.status_description.as_deref().unwrap_or_default(),
                root.kind.as_str()
            ),
            ("", "server")
        );

        let message = format!(
            "no wrapping paper is longer than 300 cm, and `{}` takes {} cm",
            toy["name"].as_str().unwrap_or_default(),
            toy["length_cm"].as_i64().unwrap_or_default() * 2,
        );
        assert_eq!(
            (cut.status.as_str(), cut.status_description.as_deref()),
            ("error", Some(message.as_str()))
        );
        let [event] = &cut.events[..] else {
            panic!("expected one event: {cut:?}")
        };
        assert_eq!(event["event"], "exception");
        assert_eq!(event["exception.message"], message.as_str());
        assert_eq!(event["exception.type"], cut.tags["error.type"]);
        assert_eq!(trace.span("query_toy").status, "unset");
    }
}

#[tokio::test]
async fn a_client_s_mistake_is_no_error_of_the_server() {
    let Some(jaeger) = Jaeger::start().await else {
        return;
    };
    let store = store(&jaeger, "otlp-http").start().await;
    store.get("/users/abc").await;
    store.get("/nowhere").await;
    store
        .request("BREW", "/users/1")
        .send()
        .await
        .expect("the store answers");
    let refused = jaeger
        .wait_for("store", |trace| trace.root().name == "GET /users/{user_id}")
        .await;
    assert_eq!(
        (
            refused.root().status.as_str(),
            refused.root().tag("error.type")
        ),
        ("unset", None)
    );
    let unmatched = jaeger
        .wait_for("store", |trace| trace.root().name == "GET")
        .await;
    assert_eq!(
        (
            unmatched.root().status.as_str(),
            unmatched.root().tag("http.route")
        ),
        ("unset", None)
    );
    assert_eq!(
        unmatched.root().tag("url.path").as_deref(),
        Some("/nowhere")
    );
    let brewed = jaeger
        .wait_for("store", |trace| trace.root().name.starts_with("HTTP"))
        .await;
    assert_eq!(brewed.root().name, "HTTP /users/{user_id}");
    assert_eq!(
        brewed.root().tag("http.request.method").as_deref(),
        Some("_OTHER")
    );
    assert_eq!(
        brewed.root().tag("http.request.method_original").as_deref(),
        Some("BREW")
    );
}

/// A Jaeger that is unreachable at the start of the store, and again later, receives the traces of
/// the time when it is reachable.
async fn check_coming_back(protocol: &str) {
    let Some(mut jaeger) = Jaeger::start().await else {
        return;
    };
    jaeger.process().kill();
    let mut store = store(&jaeger, protocol).start().await;
    let mut asked = 0;
    for absence in 1..=2 {
        for number in 1..=20 {
            assert_eq!(store.get(&format!("/toys/{number}")).await.status(), 200);
        }
        asked += 20;
        store.wait_for_rows(asked).await;
        // A datagram has no answer, so nobody knows whether it arrived.
        if protocol != "udp" {
            until("a failed export", async || {
                let health = store.json("/analytics/health").await;
                if health["exporter"]["state"] == "failing" {
                    Ok(())
                } else {
                    Err(health.to_string())
                }
            })
            .await;
        }

        jaeger.restart().await;
        let path = format!("/users/{absence}");
        store.get(&path).await;
        asked += 1;
        let is_it = |trace: &Trace| trace.root().tag("url.path").as_deref() == Some(path.as_str());
        let trace = jaeger.wait_for("store", is_it).await;
        assert_eq!(trace.root().name, "GET /users/{user_id}");
        if absence == 1 {
            jaeger.process().kill();
        }
    }
    assert_eq!(store.metrics().await.sum("http_requests_total"), 42.0);
    assert!(store.terminate().await.success());
}

#[tokio::test]
async fn a_jaeger_that_comes_back_is_used_again_by_otlp_over_http() {
    check_coming_back("otlp-http").await;
}

#[tokio::test]
async fn a_jaeger_that_comes_back_is_used_again_by_otlp_over_grpc() {
    check_coming_back("otlp-grpc").await;
}

#[tokio::test]
async fn a_jaeger_that_comes_back_is_used_again_by_udp() {
    check_coming_back("udp").await;
}

#[tokio::test]
async fn failed_and_slow_requests_are_kept_whatever_the_share() {
    let Some(jaeger) = Jaeger::start().await else {
        return;
    };
    let store = store(&jaeger, "otlp-http")
        .env("DETECTIVE_TRACING__SAMPLE", "0")
        .env("DETECTIVE_TRACING__SLOW", "20ms")
        .start()
        .await;
    // The second time, the cache knows the user. The first time takes at least 25 milliseconds.
    for path in ["/users/3", "/nowhere"] {
        store.get(path).await;
    }
    let toys = store.json("/toys?per_page=100").await;
    let long = toys["toys"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|toy| toy["length_cm"].as_i64() > Some(150));
    let broken = format!(
        "/gift-wrap/{}",
        long.expect("the store sells something long")["id"]
    );
    assert_eq!(store.get(&broken).await.status(), 500);

    let of = |path: String| {
        move |trace: &Trace| trace.root().tag("url.path").as_deref() == Some(path.as_str())
    };
    let slow = jaeger.wait_for("store", of("/users/3".to_owned())).await;
    assert_eq!(slow.root().tag("detective.keep").as_deref(), Some("slow"));
    assert!(slow.find("database_query").is_some(), "{slow}");
    let failed = jaeger.wait_for("store", of(broken)).await;
    assert_eq!(
        failed.root().tag("detective.keep").as_deref(),
        Some("error")
    );
    assert!(failed.find("cut_paper").is_some(), "{failed}");
    let traces = jaeger.traces("store").await;
    assert!(!traces.iter().any(of("/nowhere".to_owned())));
}

#[tokio::test]
async fn a_caller_s_trace_goes_on_or_is_left_alone_as_the_caller_says() {
    const SAMPLED: &str = "0af7651916cd43dd8448eb211c80319c";
    const UNSAMPLED: &str = "1bf7651916cd43dd8448eb211c80319d";
    let Some(jaeger) = Jaeger::start().await else {
        return;
    };
    let mut store = store(&jaeger, "otlp-http")
        .env("DETECTIVE_TRACING__SAMPLE", "0")
        .start()
        .await;
    for (id, flags) in [(UNSAMPLED, "00"), (SAMPLED, "01")] {
        let request = store
            .request("GET", "/orders/5")
            .header("traceparent", format!("00-{id}-b7ad6b7169203331-{flags}"));
        assert_eq!(
            request.send().await.expect("the store answers").status(),
            200
        );
    }
    // Everything is exported when the store has ended.
    assert!(store.terminate().await.success());

    let trace = jaeger
        .wait_for_trace(SAMPLED, |trace| {
            trace.find("GET /orders/{order_id}").is_some()
        })
        .await;
    let server = trace.span("GET /orders/{order_id}");
    assert_eq!(server.parent.as_deref(), Some("b7ad6b7169203331"));
    assert_eq!(server.tag("detective.keep").as_deref(), Some("parent"));
    let path = trace.path(trace.span("cache_check"));
    let expected = [
        "GET /orders/{order_id}",
        "get_order",
        "get_user_details",
        "GET",
        "GET /users/{user_id}",
        "get_user",
        "external_service_call",
        "cache_check",
    ];
    assert_eq!(path, expected);
    assert!(jaeger.trace(UNSAMPLED).await.is_none());
}

#[tokio::test]
async fn a_jaeger_that_hangs_costs_no_request_and_no_row() {
    let Some(mut jaeger) = Jaeger::start().await else {
        return;
    };
    jaeger.process().signal("STOP");
    let mut store = store(&jaeger, "otlp-http")
        .env("DETECTIVE_JAEGER__QUEUE_SPANS", "40")
        .env("DETECTIVE_PIPELINE__SHUTDOWN_TIMEOUT", "1s")
        .start()
        .await;
    for number in (1..=10).cycle().take(60) {
        assert_eq!(store.get(&format!("/toys/{number}")).await.status(), 200);
    }
    store.wait_for_rows(60).await;
    let metrics = store.metrics().await;
    assert!(metrics.value(r#"detective_dropped_total{reason="span_queue_full"}"#) > Some(0.0));
    assert_eq!(
        metrics.value(r#"detective_queue_capacity{queue="spans"}"#),
        Some(40.0)
    );

    // The last rows are written when the store ends. An unreachable Jaeger does not make the
    // program fail.
    for number in 1..=5 {
        store.get(&format!("/users/{number}")).await;
    }
    let began = Instant::now();
    let status = store.terminate().await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    let errors = store.process().stderr();
    assert!(status.success(), "{errors}");
    assert!(
        errors.contains("spans still waited for Jaeger when the time to shut down was over"),
        "{errors}"
    );
    if let Some(sqlite) = store.sqlite("data/detective.db") {
        assert_eq!(sqlite.number("select count(*) from api_metrics"), 65);
    }
    jaeger.process().signal("CONT");
}

#[tokio::test]
async fn captured_headers_and_parameters_are_attributes() {
    let Some(jaeger) = Jaeger::start().await else {
        return;
    };
    let store = store(&jaeger, "otlp-http")
        .env("DETECTIVE_CAPTURE__QUERY", "page")
        .env(
            "DETECTIVE_CAPTURE__REQUEST_HEADERS",
            "Accept-Language,authorization",
        )
        .env("DETECTIVE_CAPTURE__RESPONSE_HEADERS", "content-type")
        .env(
            "DETECTIVE_SERVICE__ATTRIBUTES",
            "deployment.environment.name=test",
        )
        .start()
        .await;
    let request = store
        .request("GET", "/toys?page=2&api_key=s3cr3t")
        .header("accept-language", "de")
        .header("accept-language", "en")
        .header("authorization", "Bearer s3cr3t");
    assert_eq!(
        request.send().await.expect("the store answers").status(),
        200
    );
    let trace = jaeger
        .wait_for("store", |trace| trace.find("GET /toys").is_some())
        .await;
    let root = trace.root();
    assert_eq!(
        root.tag("http.request.header.accept-language").as_deref(),
        Some(r#"["de","en"]"#)
    );
    assert_eq!(
        root.tag("http.response.header.content-type").as_deref(),
        Some(r#"["application/json"]"#)
    );
    assert_eq!(root.tag("url.query").as_deref(), Some("page=2"));
    assert_eq!(root.resource["deployment.environment.name"], "test");
    assert!(!format!("{trace:?}").contains("s3cr3t"), "{trace:?}");
}
