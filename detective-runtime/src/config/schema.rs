//! The JSON Schema of `detective.toml`, by which editors complete and check it.

use figment::value::Value as Setting;
use serde_json::{Map, Value, json};

use super::declare::{Key, Section};
use super::setting::Kind;
use super::{rule_section, sections, toml};

/// The name of the schema's file, as the first line of `detective.toml` gives it.
pub(crate) const SCHEMA_FILE: &str = "detective.schema.json";

/// The JSON Schema (draft 7, which taplo and Even Better TOML read) of `detective.toml`.
///
/// # Examples
///
/// ```
/// let schema: serde_json::Value = serde_json::from_str(&detective::config::schema())?;
/// let sample = &schema["properties"]["tracing"]["properties"]["sample"];
/// assert_eq!(sample["type"], "number");
/// assert_eq!(sample["default"], 1.0);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn schema() -> String {
    let rules = |what: &str| {
        json!({
            "description": what,
            "type": "object",
            "additionalProperties": { "$ref": "#/definitions/rule" },
        })
    };
    let mut properties = Map::new();
    for section in sections() {
        properties.insert(section.name.to_owned(), table(section));
    }
    properties.insert(
        "routes".to_owned(),
        rules("Rules for routes, by template. `*` matches any text. The closest pattern wins."),
    );
    properties.insert(
        "investigate".to_owned(),
        rules("Rules for functions, by path. `*` matches any text. The closest pattern wins."),
    );
    let profile = json!({
        "type": "object",
        "properties": properties.clone(),
        "additionalProperties": false,
    });
    properties.insert(
        "profile".to_owned(),
        json!({
            "description": "Settings for one profile only. They win over the other sections.",
            "type": "object",
            "additionalProperties": { "$ref": "#/definitions/profile" },
        }),
    );
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of Detective",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": { "profile": profile, "rule": table(rule_section()) },
    });
    format!("{:#}\n", ordered(schema))
}

fn table(section: &Section) -> Value {
    let mut properties = Map::new();
    for key in &section.keys {
        properties.insert(key.name.to_owned(), property(key));
        if key.secret && key.kind == Kind::Text {
            let description = format!("A file that holds `{}`.", key.name);
            let file = json!({ "type": "string", "description": description });
            properties.insert(format!("{}_file", key.name), file);
        }
    }
    json!({
        "description": section.docs,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut property = of_kind(key.kind);
    property.insert("description".to_owned(), key.docs.as_str().into());
    for (name, text) in [
        ("default", key.default.as_deref()),
        ("example", key.example),
    ] {
        let Some(value) = text.and_then(toml::parse_value).and_then(|it| to_json(&it)) else {
            continue;
        };
        match name {
            "example" => property.insert("examples".to_owned(), json!([value])),
            name => property.insert(name.to_owned(), value),
        };
    }
    if let Some((least, most)) = key.range {
        property.insert("minimum".to_owned(), least.into());
        if let Some(most) = most {
            property.insert("maximum".to_owned(), most.into());
        }
    }
    Value::Object(property)
}

fn of_kind(kind: Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer", "minimum": 0 }),
        Kind::Float => json!({ "type": "number" }),
        Kind::Text => json!({ "type": "string" }),
        // The friendly form begins with a number, ISO 8601's with a P.
        Kind::Duration => json!({ "type": "string", "pattern": "^\\s*[+]?[0-9.Pp]" }),
        Kind::Choice(choices) => json!({ "type": "string", "enum": choices }),
        Kind::List(item) => json!({ "type": "array", "items": of_kind(*item) }),
        Kind::Table(item) => json!({ "type": "object", "additionalProperties": of_kind(*item) }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn to_json(value: &Setting) -> Option<Value> {
    serde_json::to_value(value).ok()
}

/// The same with all names in order, whichever map serde_json was built with.
fn ordered(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<(String, Value)> = entries.into_iter().collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            let entries = entries.into_iter().map(|(name, it)| (name, ordered(it)));
            Value::Object(entries.collect())
        }
        Value::Array(items) => items.into_iter().map(ordered).collect(),
        other => other,
    }
}
