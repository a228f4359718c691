//! Who sent a request.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// The client, in the form that `capture.client_address` selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Client<'a> {
    /// An address, whole or shortened. It is not text because a database may store it in fewer
    /// bytes.
    Address(IpAddr),
    /// Anything else.
    Text(Cow<'a, str>),
}

impl<'a> From<&'a str> for Client<'a> {
    fn from(text: &'a str) -> Self {
        // An IPv4 address has only one spelling, so the text can be restored exactly.
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
