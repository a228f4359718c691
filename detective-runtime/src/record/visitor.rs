//! How a client's address is recorded: in full, shortened, or as a hash that tells visitors apart
//! without naming them.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};

use crate::config::ClientAddress;
use crate::record::Client;

/// Formats addresses as `capture.client_address` says.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    /// Random at each start, so that nobody can find an address by hashing all of them.
    key: RandomState,
}

impl Visitors {
    /// What is recorded for `address`. An address is not text yet.
    pub(crate) fn visitor(
        &self,
        mode: ClientAddress,
        address: Option<IpAddr>,
    ) -> Option<Client<'static>> {
        let address = address?.to_canonical();
        match mode {
            ClientAddress::Full => Some(Client::Address(address)),
            ClientAddress::Truncated => Some(Client::Address(truncate(address))),
            ClientAddress::Hashed => Some(Client::Text(
                format!("{:016x}", self.key.hash_one(address)).into(),
            )),
            ClientAddress::Off => None,
        }
    }
}

/// Zeroes the last octet of an IPv4 address and the last 80 bits of an IPv6 address. Google
/// Analytics anonymizes addresses in the same way.
fn truncate(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            IpAddr::from([first, second, third, 0])
        }
        IpAddr::V6(address) => {
            let [first, second, third, ..] = address.segments();
            Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(visitors: &Visitors, mode: ClientAddress, address: &str) -> Option<String> {
        let address = address.parse().unwrap();
        Some(match visitors.visitor(mode, Some(address))? {
            Client::Address(address) => address.to_string(),
            Client::Text(text) => text.into_owned(),
        })
    }

    fn check(mode: ClientAddress, address: &str, expected: Option<&str>) {
        let described = describe(&Visitors::default(), mode, address);
        assert_eq!(described.as_deref(), expected);
    }

    #[test]
    fn addresses_are_shortened() {
        check(
            ClientAddress::Full,
            "::ffff:198.51.100.7",
            Some("198.51.100.7"),
        );
        check(
            ClientAddress::Truncated,
            "198.51.100.7",
            Some("198.51.100.0"),
        );
        check(
            ClientAddress::Truncated,
            "2001:db8:1:2::3",
            Some("2001:db8:1::"),
        );
        check(ClientAddress::Off, "198.51.100.7", None);
    }

    #[test]
    fn hashes_tell_visitors_apart() {
        let visitors = Visitors::default();
        let hash = |address| describe(&visitors, ClientAddress::Hashed, address);
        assert_eq!(hash("198.51.100.7"), hash("198.51.100.7"));
        assert_ne!(hash("198.51.100.7"), hash("198.51.100.8"));
        assert_eq!(hash("198.51.100.7").unwrap().len(), 16);
    }
}
