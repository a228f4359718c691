//! Values as they are written in TOML.

use figment::value::{Dict, Value};
use toml_edit::{Document, Item, TableLike};

use super::setting::whole_number;

/// Reads one value as it would stand in a file.
pub(super) fn parse_value(text: &str) -> Option<Value> {
    let line = format!("value = {text}");
    let document = Document::parse(line.as_str()).ok()?;
    document
        .as_table()
        .get("value")
        .map(|item| value_of(item, &line))
}

/// The value of an item in this text, without its places.
pub(super) fn value_of(item: &Item, text: &str) -> Value {
    match item {
        Item::None => Value::from(Dict::new()),
        Item::Value(value) => plain(value, text),
        Item::Table(table) => dict(table, text),
        Item::ArrayOfTables(tables) => {
            let tables: Vec<Value> = tables.iter().map(|table| dict(table, text)).collect();
            Value::from(tables)
        }
    }
}

fn plain(value: &toml_edit::Value, text: &str) -> Value {
    match value {
        toml_edit::Value::String(string) => Value::from(string.value().as_str()),
        toml_edit::Value::Integer(integer) => Value::from(*integer.value()),
        toml_edit::Value::Float(float) => Value::from(*float.value()),
        toml_edit::Value::Boolean(truth) => Value::from(*truth.value()),
        // No key takes a date; its text is what the message shows.
        toml_edit::Value::Datetime(_) => {
            let written = value.span().and_then(|span| text.get(span));
            Value::from(written.unwrap_or_default())
        }
        toml_edit::Value::Array(array) => {
            let items: Vec<Value> = array.iter().map(|item| plain(item, text)).collect();
            Value::from(items)
        }
        toml_edit::Value::InlineTable(table) => dict(table, text),
    }
}

fn dict(table: &dyn TableLike, text: &str) -> Value {
    let entries = table
        .iter()
        .map(|(name, item)| (name.to_owned(), value_of(item, text)));
    Value::from(entries.collect::<Dict>())
}

/// A text as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// A value as it would be written in TOML.
pub(super) fn rendered(value: &Value) -> String {
    match value {
        Value::String(_, text) => quoted(text),
        Value::Char(_, character) => quoted(&character.to_string()),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Num(_, number) => match (number.to_f64(), whole_number(value)) {
            (Some(float), _) => format!("{float:?}"),
            (None, Some(whole)) => whole.to_string(),
            (None, None) => "a number".to_owned(),
        },
        Value::Empty(..) => "nothing".to_owned(),
        Value::Array(_, items) => {
            let items: Vec<String> = items.iter().map(rendered).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(_, entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| format!("{} = {}", name_in_toml(name), rendered(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A key as it is written in TOML: in quotes only where that is needed.
pub(super) fn name_in_toml(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.bytes().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A whole number with its thousands apart, as TOML allows: `16_384`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}
