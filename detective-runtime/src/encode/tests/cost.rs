//! Measures the cost of encoding. `DETECTIVE_ROUNDS` sets the number of rounds. To get the
//! instructions of one round, run it twice under `valgrind --tool=callgrind` and divide the
//! difference of the instructions by the difference of the rounds.

use std::hint::black_box;
use std::time::Instant;

use super::*;

/// As many spans as one export sends, in records of two spans.
const RECORDS: u32 = 256;

/// The request of the benchmark: one handler, a browser's headers, no proxy.
fn request(draw: &Draw) -> UniqueRecord {
    let mut record = draw.instance.begin(Kind::Request);
    record.trace = Trace {
        trace_id: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        span_id: record.serial,
        parent_span_id: 0xb7ad_6b71_6920_3331,
        flags: 1,
        ..Trace::NONE
    };
    record.end = record.start + 50_000;
    let (serial, start) = (record.serial, record.start);
    record.spans.push(Span {
        id: serial.wrapping_add(1),
        parent: serial,
        start: start + 1_000,
        end: start + 40_000,
        what: What::Function(&FUNCTIONS[0]),
        error: None,
    });
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    let request = &mut record.request;
    request.slot = Some(Arc::clone(&draw.slots[0]));
    for (which, text) in [
        (HeadText::Path, "/toys/7"),
        (HeadText::Host, "127.0.0.1"),
        (
            HeadText::UserAgent,
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
    ] {
        request.texts.set(which, text.as_bytes(), 1024);
    }
    request.version = Some(Version::HTTP_11);
    request.peer = Some(peer);
    request.client = Some(peer.ip());
    record.response.head = record.start + 45_000;
    record.response.status = 200;
    record.response.bytes = 27;
    record.response.outcome = Some(Outcome::Ok);
    record
}

#[tokio::test]
#[ignore = "measures"]
async fn encoding() {
    let rounds = std::env::var("DETECTIVE_ROUNDS").map_or(10, |rounds| rounds.parse().unwrap());
    let (_detective, draw) = start("").await;
    let record = request(&draw);
    let clock = UnixClock::read();
    let mut encoder = Encoder::default();
    let mut batch = batch();
    let mut bytes = 0;
    let begin = Instant::now();
    for _ in 0..rounds {
        batch.clear();
        for _ in 0..RECORDS {
            encoder.record(
                black_box(&record),
                Some(Keep::Parent),
                clock,
                0..2,
                &mut batch,
            );
        }
        bytes = black_box(batch.message(0..batch.len())).len();
    }
    let spans = 2 * RECORDS * rounds;
    println!(
        "{spans} spans, {:.0} ns and {} bytes for each",
        begin.elapsed().as_nanos() as f64 / f64::from(spans),
        bytes as u32 / (2 * RECORDS),
    );
}
