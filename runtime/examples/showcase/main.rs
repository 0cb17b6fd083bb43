//! Five seconds of everything at once: an HTTP server and several hundred clients, 100,000 timers, and CPU work on the
//! blocking pool. Then a moment in which one task spawns CPU-bound tasks and the workers steal them. It ends with what
//! each worker did, and with an exit status that is not zero if a request, a timer or a job was lost.
//!
//! `cargo run --release --example showcase`
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use runtime::time::Instant;

mod crunch;
mod progress;
mod report;
mod tally;
mod timers;
mod web;

use tally::Tally;

const CLIENTS: usize = 300;
const TIMERS: usize = 100_000;
const MIXED: Duration = Duration::from_millis(3500);
const STEALING: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let runtime = Runtime::new();
    let tally = Arc::new(Tally::default());
    let started = Instant::now();

    println!(
        "{MIXED:?} of HTTP with {CLIENTS} clients in this process, over loopback, {TIMERS} timers at a time, and jobs that compute; \
         then {STEALING:?} in which one task spawns for all workers"
    );
    runtime.block_on(all_at_once(&tally, started + MIXED));
    let mixed = started.elapsed();
    let before = runtime.metrics();
    runtime.block_on(crunch::one_spawner(Instant::now() + STEALING));
    let after = runtime.metrics();

    report::workers(&before, &after);
    report::totals(&tally, mixed);
    let idle = report::workers_without_steals(&before, &after);
    for worker in &idle {
        println!("worker {worker} stole nothing while one task spawned for all");
    }
    match (tally.lost(), idle.is_empty()) {
        (0, true) => {
            println!("All is well: nothing was lost, and every worker stole.");
            ExitCode::SUCCESS
        }
        (lost, _) => {
            println!("Something is wrong: {lost} were lost, and {} workers stole nothing.", idle.len());
            ExitCode::FAILURE
        }
    }
}

/// Requests, timers and jobs together until `end`.
async fn all_at_once(tally: &Arc<Tally>, end: Instant) {
    let progress = runtime::spawn(progress::show(Arc::clone(tally), end));
    let web = runtime::spawn(web::serve_and_ask(CLIENTS, Arc::clone(tally), end));
    let timers = runtime::spawn(timers::keep_going(TIMERS, Arc::clone(tally), end));
    let jobs = runtime::spawn(crunch::jobs(Arc::clone(tally), end));
    for part in [web, timers, jobs, progress] {
        part.await.expect("no part panics");
    }
}
