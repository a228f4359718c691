//! What becomes of spans, whatever a collector answers: through the queue, as a program runs it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::fake_collector::{Collector, Reply};
use crate::config::{Compression, Jaeger, Protocol};
use crate::export::tests::{resource, span};
use crate::export::{ExportQueue, Exporter};
use crate::metrics::{DropReason, Part, Stats};
use crate::pipeline::Kept;
use crate::value::Value;

const BOTH: [Protocol; 2] = [Protocol::OtlpHttp, Protocol::OtlpGrpc];

/// What is known after an export.
#[derive(Debug)]
struct Seen {
    exported: u64,
    rejected: u64,
    too_large: u64,
    failed: u64,
    /// The last trouble on `/analytics/health`.
    message: String,
    failing: bool,
    requests: usize,
}

impl Seen {
    #[track_caller]
    fn check(&self, counts: [u64; 4], requests: usize, message: &str) {
        let own = [self.exported, self.rejected, self.too_large, self.failed];
        assert_eq!(own, counts, "{self:?}");
        assert_eq!(self.requests, requests, "{self:?}");
        match message {
            "" => assert_eq!(self.message, "", "{self:?}"),
            part => assert!(self.message.contains(part), "{self:?}"),
        }
        assert_eq!(self.failing, counts[1..] != [0, 0, 0], "{self:?}");
    }
}

/// Exports so many spans in one batch.
async fn export(collector: &Collector, config: &Jaeger, spans: usize) -> Seen {
    let spans = (0..spans).map(|index| span(&index.to_string())).collect();
    export_trace(collector, config, spans).await
}

async fn export_trace(
    collector: &Collector,
    config: &Jaeger,
    spans: Vec<crate::export::ExportSpan>,
) -> Seen {
    let pushed = spans.len() as u64;
    let stats = Arc::new(Stats::default());
    let exporter = Exporter::build(config, resource(), &stats).unwrap();
    let queue = ExportQueue::start(exporter, config, Arc::clone(&stats), drop);
    queue.push([Kept::Spans(spans)]);
    queue.flush().await;
    let trouble = stats.trouble(Part::Exporter);
    let seen = Seen {
        exported: stats.spans_exported.load(Relaxed),
        rejected: stats.dropped_count(DropReason::SpanRejected),
        too_large: stats.dropped_count(DropReason::SpanTooLarge),
        failed: stats.dropped_count(DropReason::SpanExportFailed),
        failing: trouble.last.is_some() && !trouble.recovered,
        message: trouble.last.map(|(text, _)| text).unwrap_or_default(),
        requests: collector.received().len(),
    };
    let all = seen.exported + seen.rejected + seen.too_large + seen.failed;
    assert_eq!(all, pushed, "{seen:?}");
    seen
}

/// The answer by one protocol.
async fn by(protocol: Protocol, replies: &[Reply], spans: usize) -> Seen {
    let collector = Collector::start(replies.to_vec()).await;
    export(&collector, &collector.config(protocol), spans).await
}

#[tokio::test]
async fn rejected_spans_are_counted_and_told_and_not_sent_again() {
    for protocol in BOTH {
        let seen = by(protocol, &[Reply::Partial(3, "quota\n")], 5).await;
        seen.check([2, 3, 0, 0], 1, "the collector rejected 3 of 5: quota");
        assert!(seen.message.starts_with("3 spans did not reach Jaeger at"));
        // A warning is shown, and is not a failure.
        let seen = by(protocol, &[Reply::Partial(0, "deprecated")], 5).await;
        seen.check([5, 0, 0, 0], 1, "took the spans and says: deprecated");
        by(protocol, &[Reply::Partial(0, "")], 5)
            .await
            .check([5, 0, 0, 0], 1, "");
    }
}

#[tokio::test]
async fn a_collector_is_left_alone_for_as_long_as_it_asks() {
    let replies = [
        (
            Protocol::OtlpHttp,
            Reply::Http(429, &[("retry-after", "1")], b"slow down"),
        ),
        (
            Protocol::OtlpHttp,
            Reply::Http(503, &[("retry-after", "1")], b""),
        ),
        (Protocol::OtlpGrpc, Reply::Grpc(14, "busy", Some(1), false)),
        (Protocol::OtlpGrpc, Reply::Grpc(8, "quota", Some(1), true)),
        (
            Protocol::OtlpGrpc,
            Reply::Http(429, &[("retry-after", "1")], b""),
        ),
    ];
    let exports = replies.map(|(protocol, reply)| async move {
        let collector = Collector::start([reply]).await;
        let seen = export(&collector, &collector.config(protocol), 2).await;
        seen.check(
            [2, 0, 0, 0],
            2,
            "asks to be left alone for 1s, spans wait meanwhile: ",
        );
        let received = collector.received();
        let waited = received[1].at - received[0].at;
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
    });
    futures_util::future::join_all(exports).await;
}

#[tokio::test]
async fn a_date_says_when_to_come_back_too() {
    const OVER: &[(&str, &str)] = &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")];
    by(Protocol::OtlpHttp, &[Reply::Http(503, OVER, b"")], 1)
        .await
        .check([1, 0, 0, 0], 2, "");
}

#[tokio::test]
async fn a_refusal_is_final_and_its_reason_is_told() {
    const PLAIN: &[(&str, &str)] = &[("content-type", "text/plain")];
    const PROTOBUF: &[(&str, &str)] = &[("content-type", "application/x-protobuf")];
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
    let status = b"\x08\x10\x12\x0dtoken expired";
    for (headers, body) in [
        (PLAIN, &b"token\x1b expired\r\n"[..]),
        (PROTOBUF, status),
        (JSON, br#"{"code":16,"message":"token expired"}"#),
        (&[], b"token expired"),
    ] {
        for protocol in BOTH {
            by(protocol, &[Reply::Http(401, headers, body)], 3)
                .await
                .check([0, 0, 0, 3], 1, "401 Unauthorized: token expired");
        }
    }
    for alone in [true, false] {
        let reply = Reply::Grpc(16, "token%20expired", None, alone);
        by(Protocol::OtlpGrpc, &[reply], 3).await.check(
            [0, 0, 0, 3],
            1,
            "gRPC status Unauthenticated: token expired",
        );
    }
    let reply = Reply::Http(
        307,
        &[("location", "http://elsewhere/?api-key=secret")],
        b"",
    );
    by(Protocol::OtlpHttp, &[reply], 3).await.check(
        [0, 0, 0, 3],
        1,
        "a redirect to `http://elsewhere/`, which is not followed",
    );
    by(Protocol::OtlpHttp, &[Reply::Http(400, &[], b"")], 3)
        .await
        .check([0, 0, 0, 3], 1, "400 Bad Request");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_does_not_is_lost() {
    for code in [1, 4, 10, 11, 14, 15] {
        let reply = Reply::Grpc(code, "passing", None, code % 2 == 0);
        by(Protocol::OtlpGrpc, &[reply], 2)
            .await
            .check([2, 0, 0, 0], 2, "");
    }
    for code in [2, 3, 5, 6, 7, 9, 12, 13] {
        let reply = Reply::Grpc(code, "final", None, code % 2 == 0);
        by(Protocol::OtlpGrpc, &[reply], 2)
            .await
            .check([0, 0, 0, 2], 1, ": final");
    }
    for status in [429, 502, 503, 504] {
        for protocol in BOTH {
            by(protocol, &[Reply::Http(status, &[], b"")], 2)
                .await
                .check([2, 0, 0, 0], 2, "");
        }
    }
    for protocol in BOTH {
        let always = vec![Reply::Http(503, &[], b"maintenance"); 9];
        by(protocol, &always, 2).await.check(
            [0, 0, 0, 2],
            5,
            "503 Service Unavailable: maintenance",
        );
        by(protocol, &[Reply::Reset, Reply::Reset], 2)
            .await
            .check([2, 0, 0, 0], 3, "");
    }
}

#[tokio::test]
async fn what_is_too_large_is_halved_until_it_is_taken() {
    for protocol in BOTH {
        let collector = Collector::start([Reply::Limit(2000)]).await;
        let mut spans: Vec<_> = (0..20).map(|index| span(&index.to_string())).collect();
        let large = Value::Text("x".repeat(3000).into());
        spans[7].attributes.push(("large".into(), large));
        let seen = export_trace(&collector, &collector.config(protocol), spans).await;
        let reason = match protocol {
            Protocol::OtlpGrpc => "ResourceExhausted: grpc: received message larger than max",
            _ => "413 Payload Too Large",
        };
        seen.check([19, 0, 1, 0], seen.requests, reason);
    }
}

#[tokio::test]
async fn batches_are_cut_by_their_encoded_size() {
    for protocol in BOTH {
        let collector = Collector::start([Reply::Limit(2000)]).await;
        let config = Jaeger {
            batch_bytes: Some(2000),
            ..collector.config(protocol)
        };
        let seen = export(&collector, &config, 50).await;
        seen.check([50, 0, 0, 0], seen.requests, "");
        let sizes: usize = collector.received().iter().map(|one| one.spans()).sum();
        assert_eq!(sizes, 50, "nothing is sent twice");
    }
}

#[tokio::test]
async fn details_that_are_not_base64_leave_the_status_as_it_is() {
    for alone in [true, false] {
        for details in ["###", "a", "AA==="] {
            let replies = [
                Reply::GrpcDetails(14, details, alone),
                Reply::GrpcDetails(3, details, alone),
            ];
            by(Protocol::OtlpGrpc, &replies, 2).await.check(
                [0, 0, 0, 2],
                2,
                "gRPC status InvalidArgument: bad details",
            );
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_asked_for_again() {
    for protocol in BOTH {
        by(protocol, &[Reply::Long(70_000)], 2).await.check(
            [0, 0, 0, 2],
            1,
            "the answer is longer than 65536 bytes",
        );
        by(protocol, &[Reply::Long(60_000)], 2)
            .await
            .check([2, 0, 0, 0], 1, "says: aaa");
    }
}

#[tokio::test]
async fn only_http_takes_an_empty_success() {
    for status in [200, 202, 204] {
        let reply = [Reply::Http(status, &[], b"")];
        by(Protocol::OtlpHttp, &reply, 2)
            .await
            .check([2, 0, 0, 0], 1, "");
        by(Protocol::OtlpGrpc, &reply, 2)
            .await
            .check([0, 0, 0, 2], 1, "is not one of gRPC");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_otlp_is_a_failure() {
    const PAGE: &[(&str, &str)] = &[("content-type", "text/html; charset=utf-8")];
    const PLAIN: &[(&str, &str)] = &[("content-type", "text/plain")];
    const PROTOBUF: &[(&str, &str)] = &[("content-type", "application/x-protobuf")];
    for protocol in BOTH {
        let page = Reply::Http(200, PAGE, b"<!doctype html><title>Jaeger UI</title>");
        by(protocol, &[page], 2)
            .await
            .check([0, 0, 0, 2], 1, "the answer is a web page");
        by(protocol, &[Reply::Http(200, PLAIN, b"hello")], 2)
            .await
            .check([0, 0, 0, 2], 1, "hello");
    }
    for (headers, body) in [
        (PROTOBUF, &b"<html>"[..]),
        (&[], b"ok"),
        (PROTOBUF, b"\xff"),
    ] {
        let seen = by(Protocol::OtlpHttp, &[Reply::Http(200, headers, body)], 2).await;
        assert_eq!((seen.exported, seen.failed), (0, 2), "{seen:?}");
    }
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
    for (headers, body) in [
        (PROTOBUF, &b""[..]),
        (&[], b""),
        (PLAIN, b""),
        (JSON, b"{}"),
    ] {
        by(Protocol::OtlpHttp, &[Reply::Http(200, headers, body)], 2)
            .await
            .check([2, 0, 0, 0], 1, "");
    }
}

#[tokio::test]
async fn a_collector_that_does_not_come_to_an_end_holds_nobody_up() {
    for protocol in BOTH {
        for reply in [Reply::Stalled(403, "no access"), Reply::Endless(403)] {
            let start = Instant::now();
            by(protocol, std::slice::from_ref(&reply), 2).await.check(
                [0, 0, 0, 2],
                1,
                "403 Forbidden",
            );
            assert!(start.elapsed() < Duration::from_secs(5), "{reply:?}");
        }
        for reply in [
            Reply::Silence,
            Reply::Stalled(200, "a"),
            Reply::Endless(200),
        ] {
            let collector = Collector::start(vec![reply.clone(); 9]).await;
            let config = Jaeger {
                timeout: Duration::from_millis(300),
                ..collector.config(protocol)
            };
            let start = Instant::now();
            let seen = export(&collector, &config, 2).await;
            assert_eq!((seen.exported, seen.failed), (0, 2), "{seen:?}");
            assert!(start.elapsed() < Duration::from_secs(5), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn exports_are_compressed_when_they_are_meant_to_be() {
    for protocol in BOTH {
        let mut bytes = Vec::new();
        for compression in [Compression::None, Compression::Gzip] {
            let collector = Collector::start([]).await;
            let config = Jaeger {
                compression,
                ..collector.config(protocol)
            };
            let seen = export(&collector, &config, 100).await;
            seen.check([100, 0, 0, 0], 1, "");
            let received = collector.received();
            assert_eq!(received[0].spans(), 100);
            bytes.push(received[0].bytes);
        }
        assert!(bytes[1] < bytes[0] / 5, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_batch_is_never_larger_than_its_queue() {
    let collector = Collector::start([]).await;
    let config = Jaeger {
        queue_spans: 20,
        batch_spans: 512,
        flush_interval: Duration::from_secs(3600),
        ..collector.config(Protocol::OtlpHttp)
    };
    let stats = Arc::new(Stats::default());
    let exporter = Exporter::build(&config, resource(), &stats).unwrap();
    let queue = ExportQueue::start(exporter, &config, Arc::clone(&stats), drop);
    queue.push([Kept::Spans((0..20).map(|_| span("a")).collect())]);
    // Nobody flushes: a full queue goes out on its own.
    let arrived = async {
        while stats.spans_exported.load(Relaxed) < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived)
        .await
        .unwrap();
    assert_eq!(stats.dropped_count(DropReason::SpanQueueFull), 0);
}

#[tokio::test]
async fn the_end_waits_for_no_jaeger_that_is_away() {
    for protocol in BOTH {
        let (_socket, port) = crate::export::tests::refusing_port();
        let config = Jaeger {
            protocol,
            endpoint: format!("http://127.0.0.1:{port}"),
            ..Jaeger::default()
        };
        let stats = Arc::new(Stats::default());
        let exporter = Exporter::build(&config, resource(), &stats).unwrap();
        let queue = ExportQueue::start(exporter, &config, Arc::clone(&stats), drop);
        queue.push([Kept::Spans(vec![span("a")])]);
        let start = Instant::now();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        queue.close(deadline).await.unwrap_err();
        // One try, and none of the waits of about two seconds that follow it otherwise.
        assert!(start.elapsed() < Duration::from_millis(500));
        assert_eq!(stats.dropped_count(DropReason::SpanExportFailed), 1);
    }
}
