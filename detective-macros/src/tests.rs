//! Expansions as golden files, and the promise that nothing a user can type panics.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Item, Meta};

/// Where each `NAME.rs` holds an investigated item and `NAME.expanded.rs` what becomes of it. `UPDATE_EXPANSIONS=1`
/// writes the latter anew.
fn expansions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansions")
}

/// Expands the first item of a file by its first attribute of ours.
fn expand(source: &str) -> String {
    let file = syn::parse_file(source).expect("a source file");
    let mut item = file.items.into_iter().next().expect("an item");
    let attributes = match &mut item {
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Mod(item) => &mut item.attrs,
        _ => panic!("an item that can be investigated"),
    };
    let position = attributes
        .iter()
        .position(|attribute| attribute.path().is_ident("investigate"));
    let arguments = match attributes
        .remove(position.expect("an attribute of ours"))
        .meta
    {
        Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    let expanded = crate::run(arguments, item.into_token_stream());
    prettyplease::unparse(&syn::parse2(expanded).expect("an expansion is a file"))
}

fn tokens(source: &str) -> TokenStream {
    source.parse().expect("tokens")
}

#[test]
fn expansions_are_as_recorded() {
    let mut checked = 0;
    for entry in fs::read_dir(expansions()).expect("the folder of expansions") {
        let path = entry.expect("a file").path();
        if path.to_string_lossy().ends_with(".expanded.rs") {
            continue;
        }
        let expanded = expand(&fs::read_to_string(&path).expect("a readable file"));
        let recorded = path.with_extension("expanded.rs");
        if std::env::var_os("UPDATE_EXPANSIONS").is_some() {
            fs::write(&recorded, &expanded).expect("a writable folder");
        }
        let recorded = fs::read_to_string(&recorded).unwrap_or_default();
        assert_eq!(expanded, recorded, "{}", path.display());
        checked += 1;
    }
    assert!(checked > 0, "no expansion was checked");
}

#[test]
fn a_one_line_async_function_is_at_most_30_lines() {
    let expanded = expand(
        "#[investigate] async fn get_toy(id: i64) -> Result<Json<Toy>, StoreError> { find(id).await }",
    );
    assert!(expanded.lines().count() <= 30, "{expanded}");
}

#[test]
fn all_mistakes_are_told_and_the_function_is_given_back() {
    let item = tokens("#[doc = \"x\"] async fn find(id: i64) { half typed . }");
    let arguments = tokens("nam = 1, fields(id, id, 2), , slow = , sample = 7, crate");
    let expanded = crate::run(arguments, item.clone()).to_string();
    assert!(expanded.starts_with(&item.to_string()), "{expanded}");
    assert_eq!(expanded.matches("compile_error").count(), 7, "{expanded}");
}

#[test]
fn nothing_a_user_can_type_panics() {
    const WORDS: [&str; 40] = [
        "name",
        "fields",
        "slow",
        "sample",
        "record",
        "buckets",
        "crate",
        "skip",
        "error_if",
        "=",
        ",",
        "%",
        "?",
        ".",
        "::",
        "|",
        "-",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'a",
        "\"250ms\"",
        "\"\"",
        "\"1e999s\"",
        "0.1",
        "1",
        "1e999",
        "b'x'",
        "true",
        "self",
        "r#type",
        "fields(",
        "#[investigate",
        "async",
        "fn",
        "<",
        ">",
    ];
    const ITEMS: [&str; 7] = [
        "async fn find() {}",
        "impl Store { async fn find() {} }",
        "mod store { fn find(); impl A for B { fn b() {} } macro_rules! m { () => {} } }",
        "struct find;",
        "fn find();",
        "",
        "find find",
    ];
    // A linear congruential generator (Knuth's constants): the same words in every run.
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let mut parsed = 0;
    for _ in 0..20_000 {
        let words: Vec<&str> = (0..random(9)).map(|_| WORDS[random(WORDS.len())]).collect();
        let item = ITEMS[random(ITEMS.len())];
        let Ok(arguments) = words.join(" ").parse() else {
            continue;
        };
        let expanded = crate::run(arguments, tokens(item)).to_string();
        assert!(
            item.is_empty() || expanded.contains("find"),
            "{words:?} on `{item}` lost the item"
        );
        parsed += 1;
    }
    assert!(parsed > 1_000, "too few of the inputs are tokens: {parsed}");
}
