//! What is true of every span of this process.

use std::borrow::Cow;

use super::Resource;
use crate::config::Service;
use crate::value::Value;

/// OpenTelemetry's attributes of the program itself.
/// <https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/resource/README.md>
pub(crate) fn resource(service: &Service) -> Resource {
    let Service {
        name,
        version,
        instance,
        attributes,
        ..
    } = service;
    let own = [
        ("service.name", name.as_str()),
        ("service.version", version),
        ("service.instance.id", instance),
        ("telemetry.sdk.name", "detective"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    let own = own.into_iter().filter(|(_, value)| !value.is_empty());
    let own = own.map(|(key, value)| (Cow::Borrowed(key), Value::from(value.to_owned())));
    let further = attributes
        .iter()
        .map(|(key, value)| (Cow::Owned(key.clone()), Value::from(value.clone())));
    own.chain(further).collect()
}
