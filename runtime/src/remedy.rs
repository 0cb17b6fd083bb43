//! What to do about a panic that says tokio's reactor is missing: two lines after the report of the panic.
//!
//! Such a panic is known by its text, which is looked at only once there was a panic.
use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use parking_lot::Mutex;

use crate::report::say;

/// Tokio 1.x, wherever its context is looked for: sockets, timers, `tokio::spawn`.
const MISSING: &str = "must be called from the context of a Tokio 1.x runtime";
/// Tokio 1.x, where its context lacks a part.
const DISABLED: [&str; 2] = [
    "A Tokio 1.x context was found, but timers are disabled",
    "A Tokio 1.x context was found, but IO is disabled",
];
/// Tokio 1.x, where a timer has outlived its runtime.
const SHUT_DOWN: &str = "A Tokio 1.x context was found, but it is being shutdown";

/// Places of which no more is said after the first time; beyond so many, nothing is said at all.
const PLACES: usize = 64;

/// What to do, in a few words and in two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remedy {
    pub(crate) short: &'static str,
    pub(crate) help: [&'static str; 2],
}

const USE_OPTION: Remedy = Remedy {
    short: "tokio's reactor is needed: `Builder::tokio_compat(true)`",
    help: [
        "this future needs tokio's own reactor: build the runtime with `Builder::tokio_compat(true)`, or `#[runtime::main(tokio_compat = true)]`",
        "on other threads, and around `runtime::block_on`, hold the guard of `runtime::tokio_compat::enter()`",
    ],
};

const USE_FEATURE: Remedy = Remedy {
    short: "tokio's reactor is needed: feature `tokio-compat` of the crate `runtime`, and `Builder::tokio_compat(true)`",
    help: [
        "this future needs tokio's own reactor: enable the feature `tokio-compat` of the crate `runtime`, and build with `Builder::tokio_compat(true)`",
        "or use what needs none: `runtime::net` and `runtime::time` have tokio's names, and run everywhere",
    ],
};

const ENABLE_ALL: Remedy = Remedy {
    short: "the tokio runtime entered here was built without `enable_all()`",
    help: [
        "a tokio runtime that was entered here lacks that part: call `enable_all()` on its builder",
        "`Builder::tokio_compat(true)` of the crate `runtime` (feature `tokio-compat`) brings one that has both",
    ],
};

const KEEP_ALIVE: Remedy = Remedy {
    short: "tokio's timer has outlived its runtime",
    help: [
        "this timer has outlived the tokio runtime that it was made in: keep that one for as long",
        "one of `Builder::tokio_compat(true)` lasts as long as any runtime built so, or any guard of `runtime::tokio_compat::enter()`",
    ],
};

/// The remedy for a panic with this message.
#[cold]
pub(crate) fn of(message: &str) -> Option<&'static Remedy> {
    choose(message, cfg!(feature = "tokio-compat"))
}

fn choose(message: &str, compiled_in: bool) -> Option<&'static Remedy> {
    if message.contains(MISSING) {
        Some(if compiled_in { &USE_OPTION } else { &USE_FEATURE })
    } else if DISABLED.iter().any(|text| message.contains(text)) {
        Some(&ENABLE_ALL)
    } else if message.contains(SHUT_DOWN) {
        Some(&KEEP_ALIVE)
    } else {
        None
    }
}

/// A panic's message, if it has one.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Says on standard error what to do about the panic of `who`, if that is known; once for each `place`. The panic hook
/// has reported the panic itself.
#[cold]
pub(crate) fn report(who: impl Display, place: &'static Location<'static>, payload: &(dyn Any + Send)) {
    static SAID: Mutex<Vec<&'static Location<'static>>> = Mutex::new(Vec::new());
    let Some(remedy) = message_of(payload).and_then(of) else {
        return;
    };
    {
        let mut said = SAID.lock();
        if said.len() == PLACES || said.contains(&place) {
            return;
        }
        said.push(place);
    }
    let [first, second] = remedy.help;
    say(format_args!("{who}, at {place}:\n  help: {first}\n  help: {second}"));
}

/// Runs the body of a `block_on` that was called at `place`.
pub(crate) fn around<R>(place: &'static Location<'static>, body: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(output) => output,
        Err(payload) => {
            report("the future of `block_on`", place, payload.as_ref());
            resume_unwind(payload)
        }
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests;
