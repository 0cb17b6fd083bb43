//! What timers promise, by promise.
mod support;

mod cancel;
mod deadline;
mod firing;
mod foreign;
mod home;
mod interval;
mod reset;
mod timeout;
mod types;
mod wait;
