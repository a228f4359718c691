#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::*;
use crate::export::otlp::batch::Prefix;
use crate::export::otlp::response::PartialSuccess;
use crate::export::tests::{resource, span};
use crate::export::{Ender, otlp};

/// Answers as it is told, and notes what came when.
#[derive(Default)]
struct Scripted {
    answers: VecDeque<Answer>,
    /// When each message came, and how many spans it had.
    received: Vec<(Duration, usize)>,
    /// Messages with more spans are too large.
    most_spans: Option<usize>,
    start: Option<Instant>,
}

impl Transport for Scripted {
    async fn send(&mut self, message: Bytes) -> Answer {
        let message = ExportTraceServiceRequest::decode(message).unwrap();
        let spans = message.resource_spans[0].scope_spans[0].spans.len();
        let start = *self.start.get_or_insert_with(Instant::now);
        self.received.push((start.elapsed(), spans));
        if self.most_spans.is_some_and(|most| spans > most) {
            return Answer::TooLarge("message larger than max".to_owned());
        }
        self.answers.pop_front().unwrap_or_else(taken)
    }
}

fn scripted(answers: impl IntoIterator<Item = Answer>) -> Scripted {
    Scripted {
        answers: answers.into_iter().collect(),
        start: Some(Instant::now()),
        ..Scripted::default()
    }
}

fn taken() -> Answer {
    Answer::Taken(PartialSuccess::default())
}

fn partly(rejected: u64, message: &str) -> Answer {
    Answer::Taken(PartialSuccess {
        rejected,
        message: message.to_owned(),
    })
}

fn later(seconds: Option<u64>) -> Answer {
    Answer::Later {
        reason: "busy".to_owned(),
        wait: seconds.map(Duration::from_secs),
    }
}

fn unreachable() -> Answer {
    Answer::Unreachable("connection refused".to_owned())
}

fn batch(spans: usize) -> Batch {
    let mut batch = Batch::new(Arc::new(Prefix::new(&resource())));
    for index in 0..spans {
        let span = span(&index.to_string());
        batch.push_with(|to| otlp::span::push_value(to, &span));
    }
    batch
}

fn delivery() -> Delivery {
    cutting(usize::MAX)
}

fn cutting(max_bytes: usize) -> Delivery {
    let endpoint = "http://collector".to_owned();
    Delivery::new(Duration::from_secs(10), max_bytes, endpoint, Arc::default())
}

/// Exported, rejected, too large, failed; which together are all.
fn counts(delivered: &Delivered, spans: usize) -> [usize; 4] {
    let counts = &delivered.counts;
    assert_eq!(counts.exported + counts.lost(), spans);
    assert_eq!(counts.lost() > 0, delivered.reason.is_some());
    [
        counts.exported,
        counts.rejected,
        counts.too_large,
        counts.failed,
    ]
}

async fn deliver(
    delivery: &mut Delivery,
    transport: &mut Scripted,
    spans: usize,
) -> ([usize; 4], String) {
    let mut ending = Ending::never();
    let delivered = delivery
        .deliver(transport, &mut batch(spans), &mut ending)
        .await;
    let counts = counts(&delivered, spans);
    (counts, delivered.reason.unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn nobody_knocks_before_the_time_that_the_collector_named() {
    let mut delivery = delivery();
    let mut collector = scripted([later(Some(30)), later(Some(60)), taken(), later(Some(30))]);
    let delivered = deliver(&mut delivery, &mut collector, 2).await;
    assert_eq!(delivered.0, [2, 0, 0, 0]);
    let times: Vec<u64> = collector
        .received
        .iter()
        .map(|(at, _)| at.as_secs())
        .collect();
    assert_eq!(times, [0, 30, 90]);

    // The time holds for the next batch, too, when the one that met with it is given up.
    let ender = Ender::new();
    ender.end(Instant::now() + Duration::from_secs(5));
    let mut ending = ender.watch();
    let delivered = delivery
        .deliver(&mut collector, &mut batch(1), &mut ending)
        .await;
    assert_eq!(counts(&delivered, 1), [0, 0, 0, 1]);
    deliver(&mut delivery, &mut collector, 1).await;
    let times: Vec<u64> = collector
        .received
        .iter()
        .map(|(at, _)| at.as_secs())
        .collect();
    assert_eq!(times, [0, 30, 90, 90, 120]);
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_five_times_in_about_two_seconds() {
    let mut collector = scripted([later(None), unreachable(), later(None), unreachable()]);
    let (counts, _) = deliver(&mut delivery(), &mut collector, 3).await;
    assert_eq!(counts, [3, 0, 0, 0]);
    let (last, _) = collector.received[4];
    assert!(last >= Duration::from_millis(750), "{last:?}");
    assert!(last <= Duration::from_millis(2250), "{last:?}");

    let mut collector = scripted((0..9).map(|_| later(None)));
    let (counts, reason) = deliver(&mut delivery(), &mut collector, 3).await;
    assert_eq!((counts, reason.as_str()), ([0, 0, 0, 3], "busy"));
    assert_eq!(collector.received.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn while_a_collector_is_left_alone_that_is_told() {
    let mut delivery = delivery();
    let stats = Arc::clone(&delivery.stats);
    let mut collector = scripted([later(Some(30))]);
    let (mut ending, mut batch) = (Ending::never(), batch(1));
    let told = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        stats.trouble(Part::Exporter).last.unwrap().0
    };
    let deliver = delivery.deliver(&mut collector, &mut batch, &mut ending);
    let (_, told) = tokio::join!(deliver, told);
    assert_eq!(
        told,
        "Jaeger at `http://collector` asks to be left alone for 30s, spans wait meanwhile: busy"
    );
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_asks_for_no_wait_is_not_asked_for_ever() {
    let mut collector = scripted((0..99).map(|_| later(Some(0))));
    let (counts, _) = deliver(&mut delivery(), &mut collector, 1).await;
    assert_eq!(counts, [0, 0, 0, 1]);
    assert_eq!(collector.received.len(), 5);
    assert!(collector.received[4].0 >= Duration::from_millis(750));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    let mut collector = scripted([Answer::Refused(
        "401 Unauthorized: token expired".to_owned(),
    )]);
    let (counts, reason) = deliver(&mut delivery(), &mut collector, 3).await;
    assert_eq!(counts, [0, 0, 0, 3]);
    assert_eq!(reason, "401 Unauthorized: token expired");
    assert_eq!(collector.received.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rejected_spans_are_not_sent_again() {
    let mut collector = scripted([partly(3, "quota")]);
    let (counts, reason) = deliver(&mut delivery(), &mut collector, 5).await;
    assert_eq!(counts, [2, 3, 0, 0]);
    assert_eq!(reason, "the collector rejected 3 of 5: quota");
    assert_eq!(collector.received.len(), 1);

    // More than there are.
    let mut collector = scripted([partly(9, "")]);
    let (counts, _) = deliver(&mut delivery(), &mut collector, 5).await;
    assert_eq!(counts, [0, 5, 0, 0]);

    let mut collector = scripted([partly(0, "use gzip")]);
    let delivered = delivery()
        .deliver(&mut collector, &mut batch(2), &mut Ending::never())
        .await;
    assert_eq!(self::counts(&delivered, 2), [2, 0, 0, 0]);
    assert_eq!(delivered.counts.warning.as_deref(), Some("use gzip"));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_halved() {
    let mut collector = scripted([]);
    collector.most_spans = Some(2);
    let (counts, _) = deliver(&mut delivery(), &mut collector, 7).await;
    assert_eq!(counts, [7, 0, 0, 0]);
    let sizes: Vec<usize> = collector.received.iter().map(|(_, spans)| *spans).collect();
    assert_eq!(sizes, [7, 3, 1, 2, 4, 2, 2]);

    // One that is refused alone is lost, and not the others.
    let too_large = || Answer::TooLarge("larger than max".to_owned());
    let mut collector = scripted([too_large(), too_large(), too_large()]);
    let (counts, reason) = deliver(&mut delivery(), &mut collector, 4).await;
    assert_eq!(counts, [3, 0, 1, 0]);
    assert_eq!(reason, "larger than max");

    // A collector that refuses every span is not asked about each of thousands.
    let mut collector = scripted([]);
    collector.most_spans = Some(0);
    let (counts, _) = deliver(&mut delivery(), &mut collector, 1024).await;
    assert_eq!(counts, [0, 0, 4, 1020]);
    assert!(collector.received.len() < 20);
}

#[tokio::test(start_paused = true)]
async fn messages_are_cut_to_size_before_they_are_sent() {
    let limit = batch(3).encoded_len(0..3);
    let mut delivery = cutting(limit);
    let mut collector = scripted([]);
    let (counts, _) = deliver(&mut delivery, &mut collector, 8).await;
    assert_eq!(counts, [8, 0, 0, 0]);
    assert!(collector.received.iter().all(|(_, spans)| *spans <= 3));

    // A span that is larger than the limit is sent alone: the collector may take it.
    let mut delivery = cutting(1);
    let mut collector = scripted([]);
    let (counts, _) = deliver(&mut delivery, &mut collector, 3).await;
    assert_eq!(counts, [3, 0, 0, 0]);
    assert_eq!(collector.received.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_program_waits_for_nobody_who_is_away() {
    let ender = Ender::new();
    let mut ending = ender.watch();
    let start = Instant::now();
    let mut collector = scripted((0..9).map(|_| unreachable()));
    let (mut delivery, mut batch) = (delivery(), batch(2));
    let ends = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        ender.end(Instant::now() + Duration::from_secs(10));
    };
    let (delivered, ()) = tokio::join!(
        delivery.deliver(&mut collector, &mut batch, &mut ending),
        ends
    );
    assert_eq!(counts(&delivered, 2), [0, 0, 0, 2]);
    assert_eq!(collector.received.len(), 2);
    assert_eq!(start.elapsed(), Duration::from_millis(10));

    // A collector that comes back in time gets what waits for it.
    let mut collector = scripted([later(Some(5))]);
    let delivered = delivery
        .deliver(&mut collector, &mut batch, &mut ending)
        .await;
    assert_eq!(counts(&delivered, 2), [2, 0, 0, 0]);
    // One that does not is not waited for.
    let mut collector = scripted([later(Some(30))]);
    let now = Instant::now();
    let delivered = delivery
        .deliver(&mut collector, &mut batch, &mut ending)
        .await;
    assert_eq!(counts(&delivered, 2), [0, 0, 0, 2]);
    assert_eq!(now.elapsed(), Duration::ZERO);
}
