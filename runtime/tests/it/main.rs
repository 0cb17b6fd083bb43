//! What the runtime promises, seen from outside: a module a subject, each test named after its promise and marked with
//! the row of the scenario list that it shows.
//!
//! Counts are short by default; RUNTIME_SOAK=1 asks for the full ones. RUNTIME_TEST_SEED=n repeats a random run.
#![deny(unsafe_code)]
// Handles and timers are made in one context and awaited in another.
#![allow(clippy::async_yields_async)]

mod support;

mod alarm;
mod auto_traits;
mod bad_input;
mod beside_pinned;
mod block_in_place;
mod blocking;
mod burst;
mod cancel;
mod combinators;
mod compute;
mod context;
mod doze;
mod dump;
mod end_waits;
mod ends;
mod follow;
mod foreign_executors;
mod foreign_reactors;
mod fork;
mod fs;
mod goes_first;
mod help;
mod idle;
mod join_set;
mod lifo_rescue;
mod limits;
mod liveness;
mod local;
mod local_driver;
mod metrics;
mod net;
mod outlive;
mod own_selectors;
mod paced;
mod parking;
mod pinned;
mod places;
mod scheduler;
mod scheduler_fairness;
mod scope;
mod seeded_stress;
mod shutdown;
mod shutdown_destructors;
mod stall_report;
mod stdio;
mod supervisor;
mod task_abort;
mod task_builder;
mod task_local;
mod task_matrix;
mod task_shapes;
mod task_wakes;
mod timers;
mod tokio_compat;
mod tokio_remedy;
mod turned_up;
mod worker_panics;
