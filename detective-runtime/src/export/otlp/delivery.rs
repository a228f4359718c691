//! One batch to its end: cut to size, tried again, held back while the collector wants no more.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::batch::Batch;
use super::response::PartialSuccess;
use crate::export::{Ending, Outcome};
use crate::metrics::{Part, Stats};

/// Tries for one message, besides those that the collector put off itself.
const TRIES: u32 = 5;

/// The wait before the second try; each later one is twice as long, so that they take about two
/// seconds in all.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest time that a collector can put off its spans. One that names a later time is asked
/// again then.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// A shorter wait that a collector asks for is a try like any other, so that one which asks for none
/// is not asked again and again.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// So many spans refused one by one, and none taken, show that it is not their size.
const REFUSED_ALONE: usize = 4;

/// How messages are sent: a protocol's client.
pub(super) trait Transport {
    /// Sends a message, and reads what the collector answers to it. Dropped when the answer takes
    /// too long.
    async fn send(&mut self, message: Bytes) -> Answer;
}

/// What holds from one batch to the next.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Longest time for one message, all its tries together.
    timeout: Duration,
    /// Most bytes of one message.
    max_bytes: usize,
    /// The collector wants nothing before.
    not_before: Option<Instant>,
    /// The collector, as it is called in messages.
    endpoint: String,
    stats: Arc<Stats>,
}

/// Why the spans of a message are lost.
pub(super) enum Loss {
    TooLarge(String),
    Failed(String),
}

/// A batch's outcome, with the collector's words in place of an error.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    pub(super) counts: Outcome,
    /// The last reason for which spans are missing.
    pub(super) reason: Option<String>,
}

impl Delivery {
    pub(super) fn new(
        timeout: Duration,
        max_bytes: usize,
        endpoint: String,
        stats: Arc<Stats>,
    ) -> Self {
        Self {
            timeout,
            max_bytes,
            not_before: None,
            endpoint,
            stats,
        }
    }

    /// Delivers a batch, in as many messages as it takes.
    pub(super) async fn deliver(
        &mut self,
        transport: &mut impl Transport,
        batch: &mut Batch,
        ending: &mut Ending,
    ) -> Delivered {
        let mut delivered = Delivered::default();
        // The first spans are sent first.
        let whole = 0..batch.len();
        let mut ranges = vec![whole];
        while let Some(range) = ranges.pop() {
            let spans = range.len();
            if spans == 0 {
                continue;
            }
            if spans > 1 && batch.encoded_len(range.clone()) > self.max_bytes {
                ranges.extend(halves(range));
                continue;
            }
            let message = batch.message(range.clone());
            let counts = &mut delivered.counts;
            match self.deliver_message(transport, message, ending).await {
                Ok(partial) => {
                    let rejected = usize::try_from(partial.rejected).unwrap_or(usize::MAX);
                    let rejected = rejected.min(spans);
                    counts.rejected += rejected;
                    counts.exported += spans - rejected;
                    if rejected > 0 {
                        let why = match partial.message.as_str() {
                            "" => "it did not say why",
                            message => message,
                        };
                        delivered.reason = Some(format!(
                            "the collector rejected {rejected} of {spans}: {why}"
                        ));
                    } else if !partial.message.is_empty() {
                        counts.warning = Some(partial.message);
                    }
                }
                Err(Loss::TooLarge(_)) if spans > 1 => ranges.extend(halves(range)),
                Err(Loss::TooLarge(reason)) => {
                    counts.too_large += 1;
                    if counts.too_large >= REFUSED_ALONE && counts.exported == 0 {
                        counts.failed += ranges.drain(..).map(|range| range.len()).sum::<usize>();
                    }
                    delivered.reason = Some(reason);
                }
                Err(Loss::Failed(reason)) => {
                    counts.failed += spans;
                    delivered.reason = Some(reason);
                }
            }
        }
        delivered
    }

    /// Sends one message until it is taken, or until there is no point in another try.
    async fn deliver_message(
        &mut self,
        transport: &mut impl Transport,
        message: Bytes,
        ending: &mut Ending,
    ) -> Result<PartialSuccess, Loss> {
        let mut tries = 0;
        let mut deadline = None;
        // What the last try met with, to be told when there is no time for the next.
        let mut last = None;
        loop {
            if !self.wait_for_the_collector(ending).await {
                let reason = last.unwrap_or_else(|| {
                    "the collector had asked to be left alone for longer than the shutdown may take"
                        .to_owned()
                });
                return Err(Loss::Failed(reason));
            }
            let by = *deadline.get_or_insert_with(|| Instant::now() + self.timeout);
            let answer = match timeout_at(by, transport.send(message.clone())).await {
                Ok(answer) => answer,
                Err(_) => {
                    let reason =
                        last.unwrap_or_else(|| format!("no answer within {:?}", self.timeout));
                    return Err(Loss::Failed(reason));
                }
            };
            let (reason, wait) = match answer {
                Answer::Taken(partial) => return Ok(partial),
                Answer::TooLarge(reason) => return Err(Loss::TooLarge(reason)),
                Answer::Refused(reason) => return Err(Loss::Failed(reason)),
                Answer::Unreachable(reason) if ending.deadline().is_some() => {
                    // Nobody is there, and nobody has the time to wait for one to come.
                    return Err(Loss::Failed(reason));
                }
                Answer::Later {
                    reason,
                    wait: Some(wait),
                } if wait >= SHORTEST_WAIT => {
                    self.put_off(wait.min(LONGEST_WAIT), &reason);
                    // The collector answers: its own times count, not ours.
                    (tries, deadline, last) = (0, None, Some(reason));
                    continue;
                }
                Answer::Later { reason, wait } => (reason, wait.unwrap_or_default()),
                Answer::Unreachable(reason) => (reason, Duration::ZERO),
            };
            tries += 1;
            let next = Instant::now() + backoff(tries).max(wait);
            if tries >= TRIES || next >= by {
                return Err(Loss::Failed(reason));
            }
            last = Some(reason);
            ending.sleep_until(next).await;
        }
    }

    /// Sends nothing for a while, and says so: nothing is lost yet, and nothing arrives either.
    fn put_off(&mut self, wait: Duration, reason: &str) {
        self.not_before = Some(Instant::now() + wait);
        let endpoint = &self.endpoint;
        let message = format!(
            "Jaeger at `{endpoint}` asks to be left alone for {wait:?}, spans wait meanwhile: {reason}"
        );
        self.stats.failed(Part::Exporter, message);
    }

    /// Waits until the collector wants to be asked again. `false`: that is after the program's end.
    async fn wait_for_the_collector(&mut self, ending: &mut Ending) -> bool {
        while let Some(time) = self.not_before {
            if time <= Instant::now() {
                self.not_before = None;
            } else if ending.deadline().is_some_and(|deadline| deadline <= time) {
                return false;
            } else {
                ending.sleep_until(time).await;
            }
        }
        true
    }
}

/// The second half, and the first, which is taken from a stack before it.
fn halves(range: Range<usize>) -> [Range<usize>; 2] {
    let middle = usize::midpoint(range.start, range.end);
    [middle..range.end, range.start..middle]
}

/// The wait after so many tries: doubled each time, and between half and one and a half of that, so
/// that the programs that a collector lost do not all come back at once.
fn backoff(tries: u32) -> Duration {
    let whole = FIRST_BACKOFF * 2_u32.saturating_pow(tries - 1);
    whole.mul_f64(0.5 + fastrand::f64())
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
