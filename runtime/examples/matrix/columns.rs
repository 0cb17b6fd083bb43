//! The columns: executors, each run in a process of its own.
use runtime::Builder;

use crate::rows::{Leaf, Origin};
use crate::unpark_loop;

/// The same loop as `unpark_loop`, with the three lines that make it a host of the hook: the documentation's of
/// `reactor-hook`.
#[path = "../../../reactor/hook/examples/small/executor.rs"]
mod unpark_loop_with_hook;

/// Runs futures to their end, one after the other, for as long as it is kept.
pub(crate) type Executor = Box<dyn Fn(Leaf)>;

pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Makes one for a future of this origin.
    pub(crate) executor: fn(Origin) -> Executor,
}

/// Whose the executor is, and so what is demanded of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// This workspace's.
    Ours,
    /// One of somebody else that offers `reactor-hook`'s frame.
    Hooked,
    /// One that knows nothing of any of it.
    Foreign,
}

pub(crate) const COLUMNS: &[Column] = &[
    Column {
        name: "our pool",
        kind: Kind::Ours,
        executor: |origin| ours(Builder::new_multi_thread(), origin),
    },
    Column {
        name: "our current-thread",
        kind: Kind::Ours,
        executor: |origin| ours(Builder::new_current_thread(), origin),
    },
    Column { name: "runtime::block_on", kind: Kind::Ours, executor: our_block_on },
    Column {
        name: "unpark loop with the hook",
        kind: Kind::Hooked,
        executor: |_| Box::new(|leaf| unpark_loop_with_hook::run(vec![leaf])),
    },
    Column {
        name: "tokio multi-thread",
        kind: Kind::Foreign,
        executor: |_| tokio(tokio::runtime::Builder::new_multi_thread()),
    },
    Column {
        name: "tokio current-thread",
        kind: Kind::Foreign,
        executor: |_| tokio(tokio::runtime::Builder::new_current_thread()),
    },
    Column {
        name: "smol",
        kind: Kind::Foreign,
        executor: |_| Box::new(|leaf| smol::block_on(smol::spawn(leaf))),
    },
    Column {
        name: "futures block_on",
        kind: Kind::Foreign,
        executor: |_| Box::new(futures::executor::block_on),
    },
    Column { name: "pollster", kind: Kind::Foreign, executor: |_| Box::new(pollster::block_on) },
    Column {
        name: "unpark loop",
        kind: Kind::Foreign,
        executor: |_| Box::new(|leaf| unpark_loop::run(vec![leaf])),
    },
];

fn ours(mut builder: Builder, origin: Origin) -> Executor {
    builder.tokio_compat(origin == Origin::Tokio);
    let runtime = builder.build().expect("the threads and descriptors of a runtime");
    Box::new(move |leaf| runtime.block_on(runtime.spawn(leaf)).expect("a panic ends the process"))
}

fn our_block_on(origin: Origin) -> Executor {
    let entered = (origin == Origin::Tokio).then(runtime::tokio_compat::enter);
    Box::new(move |leaf| {
        let _entered = &entered;
        runtime::block_on(leaf);
    })
}

fn tokio(mut builder: tokio::runtime::Builder) -> Executor {
    let runtime = builder.enable_all().build().expect("the threads and descriptors of a runtime");
    Box::new(move |leaf| runtime.block_on(runtime.spawn(leaf)).expect("a panic ends the process"))
}
