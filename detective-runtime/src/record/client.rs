//! Who sent a request.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// Who came, as `capture.client_address` wants it written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Client<'a> {
    /// An address, whole or shortened. Not text, since a database may have a shorter form.
    Address(IpAddr),
    /// Anything else.
    Text(Cow<'a, str>),
}

impl<'a> From<&'a str> for Client<'a> {
    fn from(text: &'a str) -> Self {
        // An IPv4 address has one way to be written, so that it comes back as it was.
        match text.parse::<Ipv4Addr>() {
            Ok(address) => Self::Address(address.into()),
            Err(_) => Self::Text(Cow::Borrowed(text)),
        }
    }
}

impl From<Client<'_>> for String {
    fn from(client: Client<'_>) -> Self {
        match client {
            Client::Address(address) => address.to_string(),
            Client::Text(text) => text.into_owned(),
        }
    }
}
