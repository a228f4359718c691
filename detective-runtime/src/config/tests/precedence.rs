//! Which source wins, and what is remembered of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{Folder, load, load_without_file, warnings};
use crate::config::{Config, Place, Protocol, Rule, Secret};

#[test]
fn defaults_hold_with_no_file() {
    let loaded = load_without_file(&[]).unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.origin.file, None);
    assert_eq!(loaded.origin.directory, Path::new("/"));
    assert_eq!(warnings(&loaded), [""; 0]);
    assert_eq!(loaded.provenance.iter().count(), 0);
}

#[test]
fn stronger_sources_win() {
    let text = "[service]\nname = \"file\"\nversion = \"file\"\ninstance = \"file\"\n\
                [tracing]\nslow = \"2s\"\n";
    let folder = Folder::new(text);
    let variables = [
        ("OTEL_SERVICE_NAME", "otel"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.version=otel,service.instance.id=otel",
        ),
        ("DETECTIVE_SERVICE__VERSION", "variable"),
        ("DETECTIVE_SERVICE__INSTANCE", "variable"),
    ];
    let loader = folder.loader(&variables).set("service.instance", "program");
    let loaded = loader.load().unwrap();
    let service = &loaded.config.service;
    assert_eq!(loaded.config.tracing.slow, Duration::from_secs(2));
    assert_eq!(service.name, "otel");
    assert_eq!(service.version, "variable");
    assert_eq!(service.instance, "program");

    let place = |section, key| loaded.provenance.place(&[section, key]).to_string();
    assert_eq!(place("tracing", "slow"), "detective.toml:6:1");
    assert_eq!(place("service", "name"), "OTEL_SERVICE_NAME");
    assert_eq!(place("service", "version"), "DETECTIVE_SERVICE__VERSION");
    assert_eq!(place("service", "instance"), "set(\"service.instance\")");
    assert_eq!(place("tracing", "sample"), "default");
    assert!(loaded.provenance.is_set("tracing", "slow"));
    assert!(!loaded.provenance.is_set("tracing", "sample"));
}

#[test]
fn profile_in_force_is_laid_over_the_sections() {
    let text = "\
[tracing]
sample = 0.5
slow = \"2s\"

[profile.production.tracing]
sample = 0.1

[profile.production.routes.\"/users/*\"]
record = false

[profile.staging]
tracing.sample = 0.3

[routes.\"/users/*\"]
sample = 1.0
";
    let check = |profile: &str, expected: f64| {
        let loaded = load(text, &[("DETECTIVE_PROFILE", profile)]).unwrap();
        assert_eq!(loaded.profile, profile);
        assert_eq!(loaded.config.tracing.sample, expected, "in {profile}");
        assert_eq!(
            loaded.config.tracing.slow,
            Duration::from_secs(2),
            "in {profile}"
        );
        loaded
    };
    check("development", 0.5);
    check("staging", 0.3);
    let loaded = check("production", 0.1);
    let rule = &loaded.config.routes["/users/*"];
    assert_eq!((rule.sample, rule.record), (Some(1.0), Some(false)));
    let place = |key| {
        loaded
            .provenance
            .place(&["routes", "/users/*", key])
            .to_string()
    };
    assert_eq!(place("record"), "detective.toml:9:1");
    assert_eq!(place("sample"), "detective.toml:15:1");

    let folder = Folder::new(text);
    let loader = folder.loader(&[("DETECTIVE_PROFILE", "production")]);
    assert_eq!(loader.profile("staging").load().unwrap().profile, "staging");
    // Variables outrank a profile of the file.
    let variables = [
        ("DETECTIVE_PROFILE", "production"),
        ("DETECTIVE_TRACING__SAMPLE", "0.9"),
    ];
    assert_eq!(load(text, &variables).unwrap().config.tracing.sample, 0.9);
}

#[test]
fn profile_follows_the_build() {
    let expected = if cfg!(debug_assertions) {
        "development"
    } else {
        "production"
    };
    assert_eq!(load_without_file(&[]).unwrap().profile, expected);
}

#[test]
fn file_is_looked_for_in_parents() {
    let folder = Folder::new("service.name = \"above\"\n");
    let below = folder.path().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let loaded = super::Loader::with([], &below).load().unwrap();
    assert_eq!(loaded.config.service.name, "above");
    assert_eq!(loaded.origin.directory, folder.path());
    assert_eq!(
        loaded.origin.file.as_deref(),
        Some(&*folder.path().join("detective.toml"))
    );
}

#[test]
fn no_file_is_read_when_none_is_wanted() {
    let folder = Folder::new("service.name = \"found\"\n");
    let loader = folder.loader(&[("DETECTIVE_CONFIG", "missing.toml")]);
    let loaded = loader.without_file().load().unwrap();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.origin.directory, folder.path());
}

#[test]
fn loader_takes_up_what_changed() {
    let folder = Folder::new("tracing.sample = 0.5\n");
    let loader = folder.loader(&[]);
    assert_eq!(loader.load().unwrap().config.tracing.sample, 0.5);
    folder.write("detective.toml", "tracing.sample = 0.1\n");
    assert_eq!(loader.load().unwrap().config.tracing.sample, 0.1);
}

#[test]
fn named_file_is_taken() {
    let folder = Folder::new("service.name = \"found\"\n");
    folder.write("other.toml", "service.name = \"named\"\n");
    folder.write("third.toml", "service.name = \"program\"\n");
    let loader = folder.loader(&[("DETECTIVE_CONFIG", "other.toml")]);
    assert_eq!(loader.clone().load().unwrap().config.service.name, "named");
    let loaded = loader.file("third.toml").load().unwrap();
    assert_eq!(loaded.config.service.name, "program");
}

#[test]
fn every_type_can_be_given_by_a_variable() {
    let loaded = load_without_file(&[
        ("DETECTIVE_TRACING__ENABLED", "False"),
        ("DETECTIVE_TRACING__SAMPLE", "1"),
        ("DETECTIVE_TRACING__SLOW", "250ms"),
        ("DETECTIVE_TRACING__MAX_SPANS", "7"),
        ("DETECTIVE_JAEGER__PROTOCOL", "udp"),
        ("DETECTIVE_JAEGER__HEADERS__AUTHORIZATION", "Bearer a=b"),
        ("DETECTIVE_SERVICE__ATTRIBUTES", "team=toys, zone=7"),
        ("DETECTIVE_SERVICE__VERSION", "12"),
        ("DETECTIVE_METRICS__BUCKETS", "0.1, 1"),
        ("DETECTIVE_HTTP__EXCLUDE", "[\"/a,b\", \"/c\"]"),
        ("DETECTIVE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1/128"),
        ("DETECTIVE_ANALYTICS__TOKEN", "true"),
        ("DETECTIVE_ADMIN__LISTEN", "127.0.0.1:9464"),
        ("DETECTIVE_STORE__URL", " "),
    ]);
    let config = loaded.unwrap().config;
    assert!(!config.tracing.enabled);
    assert_eq!(config.tracing.sample, 1.0);
    assert_eq!(config.tracing.slow, Duration::from_millis(250));
    assert_eq!(config.tracing.max_spans, 7);
    assert_eq!(config.jaeger.protocol, Protocol::Udp);
    assert_eq!(
        config.jaeger.headers["authorization"].expose(),
        "Bearer a=b"
    );
    let attributes = [("team", "toys"), ("zone", "7")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(config.service.attributes, BTreeMap::from(attributes));
    assert_eq!(config.service.version, "12");
    assert_eq!(config.metrics.buckets, [0.1, 1.0]);
    assert_eq!(config.http.exclude, ["/a,b", "/c"]);
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.analytics.token, Some(Secret::from("true")));
    assert_eq!(config.admin.listen, Some(([127, 0, 0, 1], 9464).into()));
    assert_eq!(
        config.store,
        Default::default(),
        "an empty variable is unset"
    );
}

#[test]
fn secrets_can_be_read_from_files() {
    let folder = Folder::new("[analytics]\ntoken_file = \"token\"\n");
    folder.write("token", "s3cret\n");
    folder.write("url", "sqlite://secret.db");
    let loaded = folder
        .loader(&[("DETECTIVE_STORE__URL_FILE", "url")])
        .load()
        .unwrap();
    assert_eq!(loaded.config.analytics.token, Some("s3cret".into()));
    assert_eq!(loaded.config.store.url.expose(), "sqlite://secret.db");
    assert_eq!(
        loaded.provenance.place(&["store", "url"]),
        &Place::Variable("DETECTIVE_STORE__URL_FILE".to_owned())
    );
    assert!(!format!("{loaded:?}").contains("s3cret"));
}

#[test]
fn rules_are_read_by_pattern() {
    let text = "\
[investigate.\"store::*\"]
spans = false
buckets = [0.1, 1]
slow = \"1m 30s\"
[routes]
\"/a\" = { sample = 0 }
";
    let config = load(text, &[]).unwrap().config;
    let expected = Rule {
        spans: Some(false),
        buckets: Some(vec![0.1, 1.0]),
        slow: Some(Duration::from_secs(90)),
        ..Rule::default()
    };
    assert_eq!(config.investigate["store::*"], expected);
    assert_eq!(config.routes["/a"].sample, Some(0.0));
}

#[test]
fn store_path_begins_at_the_file() {
    let folder = Folder::new("[store]\nurl = \"sqlite://data/toys.db\"\n");
    let loaded = folder.loader(&[]).load().unwrap();
    let url = loaded.config.store.resolved_url(&loaded.origin.directory);
    let expected = format!("sqlite://{}/data/toys.db", folder.path().display());
    assert_eq!(url.expose(), expected);
}
