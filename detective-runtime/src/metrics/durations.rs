//! Finished requests under OpenTelemetry's naming: one histogram for each set of
//! attributes that the requests of a route have.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use once_cell::race::OnceBox;

use super::bounds::Bounds;
use super::histogram::Histogram;
use super::observation::{ErrorType, Observation, ProtocolVersion, Scheme};
use super::{shard, status};

/// The attributes of `http.server.request.duration` that differ between requests of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    /// 0 when no response was sent.
    pub(super) status: u16,
    pub(super) error: Option<ErrorType>,
    pub(super) version: ProtocolVersion,
    pub(super) scheme: Scheme,
}

impl Attributes {
    fn of(observation: &Observation) -> Self {
        let status = status::known(observation.status);
        // 499 with a disconnect means that no response was sent. The convention then has no status.
        let never_sent = status == 499 && observation.error == Some(ErrorType::ClientDisconnect);
        Self {
            status: if never_sent { 0 } else { status },
            error: observation.error,
            version: observation.version,
            scheme: observation.scheme,
        }
    }
}

/// One histogram for each set of attributes seen, as a list that only grows at its end. A route has
/// few of them and the commonest tends to come first, so walking it beats a map.
#[derive(Debug)]
pub(super) struct DurationHistograms {
    bounds: Bounds,
    first: OnceBox<Node>,
    /// Requests that are in no histogram. They are few, or long.
    outside: AtomicU64,
}

#[derive(Debug)]
struct Node {
    attributes: Attributes,
    histogram: Histogram,
    next: OnceBox<Node>,
}

impl DurationHistograms {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            first: OnceBox::new(),
            outside: AtomicU64::new(0),
        }
    }

    /// Counts one request. Not inlined, so that the other naming does not pay for its registers.
    #[inline(never)]
    pub(super) fn observe(&self, observation: &Observation) {
        if observation.in_histogram {
            let histogram = self.histogram(observation);
            histogram.observe(shard::current(), observation.nanos);
        } else {
            self.outside.fetch_add(1, Relaxed);
        }
    }

    /// The number of requests that are in no histogram.
    pub(super) fn outside(&self) -> u64 {
        self.outside.load(Relaxed)
    }

    /// The histogram of a request's attributes, added when it is the first with them.
    #[inline]
    pub(super) fn histogram(&self, observation: &Observation) -> &Histogram {
        let attributes = Attributes::of(observation);
        let mut link = &self.first;
        loop {
            let node = match link.get() {
                Some(node) => node,
                None => self.append(link, attributes),
            };
            if node.attributes == attributes {
                return &node.histogram;
            }
            link = &node.next;
        }
    }

    /// Appends a node, unless another thread was faster. Its node is then returned, and the walk
    /// continues from there.
    #[cold]
    #[inline(never)]
    fn append<'list>(&self, end: &'list OnceBox<Node>, attributes: Attributes) -> &'list Node {
        end.get_or_init(|| {
            Box::new(Node {
                attributes,
                histogram: Histogram::new(self.bounds.clone()),
                next: OnceBox::new(),
            })
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Attributes, &Histogram)> {
        std::iter::successors(self.first.get(), |node| node.next.get())
            .map(|node| (node.attributes, &node.histogram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Observation = Observation {
        status: 200,
        nanos: 1,
        in_histogram: true,
        error: None,
        version: ProtocolVersion(http::Version::HTTP_11),
        scheme: Scheme::Http,
    };

    fn counts(list: &DurationHistograms) -> Vec<(u16, Option<ErrorType>, u64)> {
        let counts = list.iter().map(|(attributes, histogram)| {
            let count = histogram.snapshot().count();
            (attributes.status, attributes.error, count)
        });
        counts.collect()
    }

    #[test]
    fn there_is_a_histogram_for_each_set_of_attributes() {
        let list = DurationHistograms::new(Bounds::from_seconds(&[1.0]));
        let disconnect = Some(ErrorType::ClientDisconnect);
        for observation in [
            OK,
            Observation { status: 500, ..OK },
            OK,
            Observation {
                error: disconnect,
                ..OK
            },
            Observation {
                status: 499,
                error: disconnect,
                ..OK
            },
            Observation { status: 499, ..OK },
            Observation {
                in_histogram: false,
                ..OK
            },
        ] {
            list.observe(&observation);
        }
        assert_eq!(
            counts(&list),
            [
                (200, None, 2),
                (500, None, 1),
                (200, disconnect, 1),
                (0, disconnect, 1),
                (499, None, 1),
            ]
        );
    }

    #[test]
    fn concurrent_first_requests_with_the_same_attributes_share_one_histogram() {
        let list = DurationHistograms::new(Bounds::from_seconds(&[1.0]));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for turn in 0..5_000 {
                        list.observe(&Observation {
                            status: 200 + turn % 5,
                            ..OK
                        });
                    }
                });
            }
        });
        let mut found = counts(&list);
        found.sort_unstable_by_key(|count| count.0);
        let expected: Vec<_> = (200..205).map(|status| (status, None, 8_000)).collect();
        assert_eq!(found, expected);
    }
}
