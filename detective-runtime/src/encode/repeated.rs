//! What is the same for many requests of any route: encoded once, then copied.

use std::net::IpAddr;

use http::Version;

use crate::config::ClientAddress;
use crate::encode::attributes::Encoded;
use crate::encode::server;
use crate::export::wire_span::ATTRIBUTES;
use crate::record::{HeadText, Record};

/// How many callers, and how many pairs of addresses, are kept: two to this power. A new one
/// replaces an older one.
const PLACES_LOG2: u32 = 9;

/// Callers with longer texts are not kept.
const LONGEST_TEXTS: usize = 512;

/// The client attributes that many requests share. All records must belong to one instance, because
/// each instance hashes addresses differently.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    callers: Vec<Option<(Caller, Vec<u8>)>>,
    addresses: Vec<Option<(Addresses, Vec<u8>)>>,
}

impl Repeated {
    /// Appends [`server::of_caller`].
    #[inline]
    pub(super) fn caller(&mut self, record: &Record, to: &mut Vec<u8>) {
        let texts = &record.request.texts;
        let host = texts.unchecked(HeadText::Host);
        let user_agent = texts.unchecked(HeadText::UserAgent);
        if host.len() + user_agent.len() > LONGEST_TEXTS {
            let tag = ATTRIBUTES;
            return server::of_caller(record, &mut Encoded { to, tag });
        }
        let entry = place(&mut self.callers, hash(hash(0, host), user_agent));
        match entry {
            Some((caller, bytes)) if caller.is_of(record, host, user_agent) => {
                to.extend_from_slice(bytes);
            }
            _ => {
                let bytes = encoded(to, |into| server::of_caller(record, into));
                *entry = Some((Caller::new(record, host, user_agent), bytes));
            }
        }
    }

    /// Appends [`server::of_addresses`].
    #[inline]
    pub(super) fn addresses(&mut self, record: &Record, to: &mut Vec<u8>) {
        let addresses = Addresses {
            mode: record.owner.snapshot.config.capture.client_address,
            client: record.request.client,
            peer: record.request.peer.map(|peer| peer.ip()),
        };
        let entry = place(&mut self.addresses, addresses.hash());
        match entry {
            Some((known, bytes)) if *known == addresses => to.extend_from_slice(bytes),
            _ => {
                let bytes = encoded(to, |into| server::of_addresses(record, into));
                *entry = Some((addresses, bytes));
            }
        }
    }
}

/// What [`server::of_caller`] depends on.
#[derive(Debug)]
pub(super) struct Caller {
    https: bool,
    version: Option<Version>,
    host: Box<[u8]>,
    user_agent: Box<[u8]>,
}

impl Caller {
    fn new(record: &Record, host: &[u8], user_agent: &[u8]) -> Self {
        Self {
            https: record.request.https,
            version: record.request.version,
            host: host.into(),
            user_agent: user_agent.into(),
        }
    }

    #[inline]
    fn is_of(&self, record: &Record, host: &[u8], user_agent: &[u8]) -> bool {
        *self.user_agent == *user_agent
            && *self.host == *host
            && self.https == record.request.https
            && self.version == record.request.version
    }
}

/// What [`server::of_addresses`] depends on.
#[derive(Debug, PartialEq)]
pub(super) struct Addresses {
    mode: ClientAddress,
    client: Option<IpAddr>,
    peer: Option<IpAddr>,
}

impl Addresses {
    #[inline]
    fn hash(&self) -> u64 {
        let add = |sum, address| match address {
            Some(IpAddr::V4(address)) => mix(sum, u32::from(address).into()),
            Some(IpAddr::V6(address)) => hash(sum, &address.octets()),
            None => sum,
        };
        add(add(0, self.client), self.peer)
    }
}

/// Appends attributes, and returns a copy of them.
fn encoded(to: &mut Vec<u8>, attributes: impl FnOnce(&mut Encoded<'_>)) -> Vec<u8> {
    let start = to.len();
    let tag = ATTRIBUTES;
    attributes(&mut Encoded { to, tag });
    to[start..].to_vec()
}

/// The place for all entries with this hash.
#[inline]
fn place<T>(entries: &mut Vec<Option<T>>, hash: u64) -> &mut Option<T> {
    if entries.is_empty() {
        entries.resize_with(1 << PLACES_LOG2, || None);
    }
    &mut entries[(hash >> (u64::BITS - PLACES_LOG2)) as usize]
}

/// A hash of few instructions. Texts that collide on purpose are encoded each time; there is no
/// other harm.
#[inline]
fn hash(sum: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words
        .iter()
        .fold(sum, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| mix(sum, (*byte).into()))
}

/// One step of `FxHash`. Its upper bits are the well-mixed ones.
#[inline]
fn mix(sum: u64, word: u64) -> u64 {
    (sum.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}
