//! What does not compile, and what the compiler then says. `TRYBUILD=overwrite` writes the expected text anew.
#![cfg(feature = "macros")]

#[test]
fn mistakes_are_named_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/local_*.rs");
    cases.compile_fail("tests/ui/main_*.rs");
    cases.compile_fail("tests/ui/test_*.rs");
    cases.compile_fail("tests/ui/task_local_*.rs");
}
