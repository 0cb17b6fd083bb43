//! The programs of this crate, run as a user runs them.
#![forbid(unsafe_code)]

mod compare;
mod http;
mod support;
