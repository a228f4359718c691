//! `jaeger.endpoint` and `jaeger.headers`, before the sources are merged: what is secret in an address
//! becomes a header, and names of headers are those of HTTP, which knows no upper case.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use figment::value::{Dict, Value};
use percent_encoding::percent_decode_str;

use super::entry::Entry;

/// The entries with one way to say everything, from the weakest to the strongest as before.
pub(super) fn tidied(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut authorization = None;
    for entry in &mut entries {
        if entry.is(&["jaeger", "headers"]) {
            lower(entry);
        }
        if entry.is(&["jaeger", "endpoint"]) {
            // Only the strongest address is used, and its password is for nobody else.
            authorization = take_user(&mut entry.value).map(|value| {
                let headers = Dict::from([("authorization".to_owned(), Value::from(value))]);
                Entry::new("jaeger", "headers", headers.into(), entry.place.clone())
            });
        }
    }
    // Whoever wrote the header itself meant it more than the address.
    entries.splice(0..0, authorization);
    entries
}

/// Lets `Authorization` replace `authorization`.
fn lower(entry: &mut Entry) {
    if let Some(name) = entry.path.get_mut(2) {
        name.make_ascii_lowercase();
    } else if let Value::Dict(_, headers) = &mut entry.value {
        *headers = std::mem::take(headers)
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
    }
}

/// Takes user and password out of an address, and gives the header that says the same.
fn take_user(address: &mut Value) -> Option<String> {
    let text = address.as_str()?;
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let (user, _) = host.rsplit_once('@')?;
    let rest = &rest[user.len() + 1..];
    // What is encoded may be a colon; the one that divides them is not.
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain: Vec<u8> = percent_decode_str(name).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let header = format!("Basic {}", BASE64_STANDARD.encode(plain));
    *address = Value::from(format!("{scheme}://{rest}"));
    Some(header)
}
