//! What timers promise, by promise.
mod support;

mod foreign;
