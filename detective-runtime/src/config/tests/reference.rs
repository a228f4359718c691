//! The reference text says what the types say.

use std::path::Path;

use super::{Folder, load, warnings};
use crate::config::{Config, Kind, SCHEMA_FILE, reference, rule_section, schema, sections, toml};

/// What the example store sets in the file at the root.
const STORE: &[(&str, &str)] = &[("service.name", "\"store\"")];

#[test]
fn checked_in_file_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../detective.toml");
    let generated = reference(STORE);
    if std::env::var_os("UPDATE_DETECTIVE_TOML").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "detective.toml differs from the declared keys; to write it anew: \
         UPDATE_DETECTIVE_TOML=1 cargo test -p detective-runtime --lib config"
    );
}

#[test]
fn checked_in_schema_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(SCHEMA_FILE);
    let generated = schema();
    if std::env::var_os("UPDATE_DETECTIVE_TOML").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == generated,
        "{SCHEMA_FILE} differs from the declared keys; to write it anew: \
         UPDATE_DETECTIVE_TOML=1 cargo test -p detective-runtime --lib config"
    );
    let first = reference(&[]).lines().next().map(str::to_owned);
    assert_eq!(first, Some(format!("#:schema ./{SCHEMA_FILE}")));
}

#[test]
fn schema_knows_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let known = |table: &serde_json::Value, key: &str| table["properties"][key].is_object();
    for section in sections() {
        let table = &schema["properties"][section.name];
        assert_eq!(table["additionalProperties"], false);
        for key in &section.keys {
            assert!(known(table, key.name), "{}.{}", section.name, key.name);
        }
    }
    for key in &rule_section().keys {
        assert!(
            known(&schema["definitions"]["rule"], key.name),
            "{}",
            key.name
        );
    }
    let share = &schema["definitions"]["rule"]["properties"]["sample"];
    assert_eq!(
        (&share["minimum"], &share["maximum"]),
        (&0.0.into(), &1.0.into())
    );
    assert!(known(&schema["properties"]["store"], "url_file"));
    assert!(known(&schema["definitions"]["profile"], "tracing"));
    assert!(!known(&schema["definitions"]["profile"], "profile"));
}

#[test]
fn reference_without_its_marks_is_a_file_of_the_defaults() {
    let uncommented: String = reference(&[])
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("# ") && *line != "#")
        .map(|line| line.strip_prefix('#').unwrap_or(line).to_owned() + "\n")
        .take_while(|line| !line.starts_with("[routes"))
        .collect();
    let mut config = load(&uncommented, &[]).unwrap().config;
    // Absent by default, so that the text shows examples.
    assert!(config.analytics.token.take().is_some());
    assert!(config.admin.listen.take().is_some());
    assert!(config.service.strict.take().is_some());
    assert!(config.jaeger.batch_bytes.take().is_some());
    assert_eq!(config, Config::default());
}

#[test]
fn checked_in_file_changes_the_name_only() {
    let folder = Folder::new(&reference(STORE));
    let loaded = folder.loader(&[]).load().unwrap();
    let mut expected = Config::default();
    expected.service.name = "store".to_owned();
    assert_eq!(loaded.config, expected);
    assert_eq!(warnings(&loaded), [""; 0]);
}

#[test]
fn defaults_and_examples_fulfil_their_checks() {
    for section in sections().iter().chain([rule_section()]) {
        for key in &section.keys {
            let name = format!("{}.{}", section.name, key.name);
            let texts = key.default.as_deref().into_iter().chain(key.example);
            let mut count = 0;
            for text in texts {
                let value = toml::parse_value(text).unwrap_or_else(|| panic!("{name}: {text}"));
                assert_eq!(key.verify(&value), Ok(()), "{name} = {text}");
                count += 1;
            }
            assert!(count > 0, "{name} has neither a default nor an example");
        }
    }
}

#[test]
fn numbers_say_their_unit() {
    const UNITS: [&str; 7] = [
        "_bytes", "_spans", "_fields", "_rows", "_records", "_routes", "capacity",
    ];
    for section in sections() {
        for key in section.keys.iter().filter(|key| key.kind == Kind::Integer) {
            assert!(
                UNITS.iter().any(|unit| key.name.ends_with(unit)),
                "{}",
                key.name
            );
        }
    }
}
