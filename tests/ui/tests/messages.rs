//! The compiler's exact messages about a wrong attribute, one mistake per file.
//!
//! `TRYBUILD=overwrite cargo test -p detective-ui-tests` writes the messages anew.

#[test]
fn messages() {
    trybuild::TestCases::new().compile_fail("mistakes/*.rs");
}
