//! The compiler's exact messages about a wrong attribute, one mistake per file.
//!
//! `TRYBUILD=overwrite cargo test -p detective-ui-tests` writes the messages anew. Each Rust words its own messages a
//! little differently, so they are compared with one Rust only; `.ci/run messages` installs that one if need be.

use std::{
    env,
    io::{self, Write},
    process::Command,
};

/// The Rust that the messages in `mistakes/` are from. To move to another one, change this line and write them anew.
const WRITTEN_FOR: &str = "1.95.0";

#[test]
fn messages() {
    let version = rustc_version();
    if version == WRITTEN_FOR || env::var_os("TRYBUILD").is_some() {
        trybuild::TestCases::new().compile_fail("mistakes/*.rs");
        return;
    }
    assert!(
        env::var("DETECTIVE_REQUIRE_MESSAGES").as_deref() != Ok("1"),
        "this is Rust {version}, and DETECTIVE_REQUIRE_MESSAGES=1 asks for {WRITTEN_FOR}; `.ci/run messages` uses it",
    );
    // Written past the test harness, which shows nothing of a test that passes.
    let _ = writeln!(
        io::stderr(),
        "skipped: the compiler's messages are those of Rust {WRITTEN_FOR}, and this is {version}; \
         `.ci/run messages` checks them"
    );
}

/// The number in `rustc 1.95.0 (59807616e 2026-04-14)`, of the toolchain that runs this test.
fn rustc_version() -> String {
    let output = Command::new("rustc")
        .arg("--version")
        .output()
        .expect("`rustc` is there, since it compiled this test");
    let version = String::from_utf8_lossy(&output.stdout);
    version
        .split_whitespace()
        .nth(1)
        .unwrap_or_else(|| panic!("`rustc --version` says `{version}`, which has no number"))
        .to_owned()
}
