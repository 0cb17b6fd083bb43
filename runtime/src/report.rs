//! What the runtime has to say outside of any result: a line on standard error.
use std::fmt::Arguments;
use std::io::{Write as _, stderr};

/// Says it. Where nobody reads that any more it is lost: a report must not become a panic.
#[cold]
pub(crate) fn say(what: Arguments<'_>) {
    drop(writeln!(stderr(), "{what}"));
}
