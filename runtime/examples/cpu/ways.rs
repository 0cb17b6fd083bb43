//! What can be done with a job that computes.
use std::pin::Pin;

use runtime::Runtime;

use crate::{compute, cruncher};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a job, and is told of its end.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) start: fn(&Runtime) -> Job,
}

fn done<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>> + Send + 'static) -> Job {
    Box::pin(async {
        future.await.unwrap();
    })
}

pub(crate) const ALL: &[Way] = &[
    // In the task itself: the supervisor sees to the others.
    Way { name: "inline, supervised", start: |runtime| done(runtime.spawn(async { compute() })) },
    // The task says so before.
    Way {
        name: "block_in_place",
        start: |runtime| done(runtime.spawn(async { runtime::task::block_in_place(compute) })),
    },
    // Hundreds of threads, for closures that sleep in the kernel.
    Way { name: "spawn_blocking", start: |runtime| done(runtime.spawn_blocking(compute)) },
    // As many threads as cores.
    Way { name: "compute::spawn", start: |runtime| done(runtime.spawn_compute(compute)) },
    Way { name: "compute::rayon", start: |_| done(runtime::compute::rayon(compute)) },
    // A reactor whose events are results.
    Way {
        name: "a reactor of its own",
        start: |runtime| done(runtime.spawn(async { Ok::<_, ()>(cruncher::crunch(compute).await) })),
    },
];
