//! The blocking pool's protocol: `runtime/src/blocking/README.md`.
//!
//! The threads here do what `pool.rs` does around the core. A keep-alive that passes is modelled as one that passes at
//! once: the model tries every place where that may be. A job that is lost leaves the model waiting for it for ever.
#![cfg(runtime_loom)]
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::sync::Mutex;
use loom::sync::mpsc::{Receiver, Sender, channel};
use loom::thread;
use runtime::model::blocking::{Arrival, Core, Expired, Next, Seat, Submitted, Summon};

type Job = Box<dyn FnOnce(Outcome) + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Ran,
    Dropped,
}

#[derive(Clone, Copy)]
enum KeepAlive {
    Passes,
    Forever,
}

struct Pool {
    core: Core<Job>,
    keep_alive: KeepAlive,
    refuses_threads: bool,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Pool {
    fn new(cap: usize, keep_alive: KeepAlive) -> Arc<Pool> {
        Arc::new(Pool {
            core: Core::new(cap),
            keep_alive,
            refuses_threads: false,
            threads: Mutex::new(Vec::new()),
        })
    }

    /// A pool that can have this many threads, and no more although its cap would allow them.
    fn refusing(cap: usize) -> Arc<Pool> {
        let core = Core::new(cap);
        let keep_alive = KeepAlive::Passes;
        Arc::new(Pool { core, keep_alive, refuses_threads: true, threads: Mutex::new(Vec::new()) })
    }

    /// Whether the job was taken.
    fn submit(self: &Arc<Self>, job: Job) -> bool {
        match self.core.submit(job) {
            Submitted::Queued(ticket, Summon::Create) if self.refuses_threads => {
                let orphans = self.core.not_created();
                let refused = orphans.include(ticket);
                orphans.into_jobs().into_iter().for_each(|job| job(Outcome::Dropped));
                !refused
            }
            Submitted::Queued(_, summon) => {
                self.summon(summon);
                true
            }
            Submitted::Closed(job) => {
                job(Outcome::Dropped);
                false
            }
        }
    }

    fn summon(self: &Arc<Self>, summon: Summon) {
        match summon {
            Summon::Nobody => {}
            Summon::Wake(seat) => seat.unpark(),
            Summon::Create if self.refuses_threads => {
                assert!(self.core.not_created().into_jobs().is_empty(), "this thread will look");
            }
            Summon::Create => self.start(Arrival::Created),
        }
    }

    fn start(self: &Arc<Self>, arrival: Arrival) {
        let pool = Arc::clone(self);
        let thread = thread::spawn(move || pool.work(arrival));
        self.threads.lock().unwrap().push(thread);
    }

    fn work(self: &Arc<Self>, mut arrival: Arrival) {
        let seat = Seat::new();
        loop {
            match self.core.look(&seat, arrival) {
                Next::Run(job, summon) => {
                    self.summon(summon);
                    job(Outcome::Ran);
                    arrival = Arrival::Finished;
                }
                Next::Idle => {
                    match self.keep_alive {
                        KeepAlive::Passes => {
                            if self.core.expire(&seat) == Expired::Leave {
                                break;
                            }
                        }
                        KeepAlive::Forever => seat.wait(),
                    }
                    arrival = Arrival::Woken;
                }
                Next::Leave => break,
            }
        }
    }

    fn close(&self) {
        let closing = self.core.close();
        closing.seats.iter().for_each(|seat| seat.unpark());
        closing.jobs.into_iter().for_each(|job| job(Outcome::Dropped));
    }

    fn join(&self) {
        loop {
            let Some(thread) = self.threads.lock().unwrap().pop() else { break };
            thread.join().unwrap();
        }
        let counts = self.core.counts();
        assert_eq!((counts.threads, counts.idle, counts.queued), (0, 0, 0));
    }
}

fn told() -> (Job, Receiver<Outcome>) {
    let (to, outcome): (Sender<Outcome>, _) = channel();
    (Box::new(move |what| to.send(what).unwrap()), outcome)
}

/// Every interleaving, as there is but one lock, unless so many preemptions are enough.
fn model(bound: Option<usize>, f: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        f();
    });
    println!("{} runs", runs.load(Ordering::Relaxed));
}

#[test]
fn a_job_submitted_while_the_only_thread_goes_idle_runs() {
    model(None, || {
        let pool = Pool::new(1, KeepAlive::Forever);
        let (first, first_ran) = told();
        let (second, second_ran) = told();
        assert!(pool.submit(first));
        assert!(pool.submit(second));
        assert_eq!(first_ran.recv().unwrap(), Outcome::Ran);
        assert_eq!(second_ran.recv().unwrap(), Outcome::Ran);
        pool.close();
        pool.join();
    });
}

#[test]
fn a_job_submitted_while_the_keep_alive_passes_runs() {
    model(None, || {
        let pool = Pool::new(1, KeepAlive::Passes);
        let (first, first_ran) = told();
        let (second, second_ran) = told();
        assert!(pool.submit(first));
        assert!(pool.submit(second));
        assert_eq!(first_ran.recv().unwrap(), Outcome::Ran);
        assert_eq!(second_ran.recv().unwrap(), Outcome::Ran);
        pool.join();
    });
}

#[test]
fn two_submitters_and_a_leaving_thread_lose_nothing() {
    model(None, || {
        let pool = Pool::new(1, KeepAlive::Passes);
        let (first, first_ran) = told();
        let (second, second_ran) = told();
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || assert!(pool.submit(second)))
        };
        assert!(pool.submit(first));
        assert_eq!(first_ran.recv().unwrap(), Outcome::Ran);
        assert_eq!(second_ran.recv().unwrap(), Outcome::Ran);
        other.join().unwrap();
        pool.join();
    });
}

/// Two jobs that wait for one another, and then say so.
fn rendezvous() -> ([Job; 2], Receiver<()>) {
    let (to_second, from_first) = channel();
    let (to_first, from_second) = channel();
    let (met, have_met) = channel();
    let also_met = met.clone();
    let first: Job = Box::new(move |_| {
        to_second.send(()).unwrap();
        from_second.recv().unwrap();
        met.send(()).unwrap();
    });
    let second: Job = Box::new(move |_| {
        to_first.send(()).unwrap();
        from_first.recv().unwrap();
        also_met.send(()).unwrap();
    });
    ([first, second], have_met)
}

#[test]
fn jobs_that_wait_for_one_another_get_a_thread_each() {
    model(None, || {
        let pool = Pool::new(2, KeepAlive::Passes);
        let (jobs, have_met) = rendezvous();
        for job in jobs {
            assert!(pool.submit(job));
        }
        have_met.recv().unwrap();
        have_met.recv().unwrap();
        pool.join();
    });
}

#[test]
fn jobs_that_wait_for_one_another_get_an_idle_thread_each() {
    model(Some(3), || {
        let pool = Pool::new(2, KeepAlive::Forever);
        let (first, first_ran) = told();
        assert!(pool.submit(first));
        assert_eq!(first_ran.recv().unwrap(), Outcome::Ran);
        let (jobs, have_met) = rendezvous();
        for job in jobs {
            assert!(pool.submit(job));
        }
        have_met.recv().unwrap();
        have_met.recv().unwrap();
        pool.close();
        pool.join();
    });
}

#[test]
fn a_refused_thread_leaves_no_orphan_while_the_last_worker_leaves() {
    model(None, || {
        let pool = Pool::refusing(2);
        let (first, first_ran) = told();
        // One thread could be had.
        let Submitted::Queued(_, Summon::Create) = pool.core.submit(first) else { panic!() };
        pool.start(Arrival::Created);
        let (second, second_outcome) = told();
        let taken = pool.submit(second);
        assert_eq!(first_ran.recv().unwrap(), Outcome::Ran);
        let expected = if taken { Outcome::Ran } else { Outcome::Dropped };
        assert_eq!(second_outcome.recv().unwrap(), expected);
        pool.join();
    });
}

#[test]
fn submitters_that_are_refused_threads_leave_no_orphan() {
    model(None, || {
        let pool = Pool::refusing(2);
        let (first, first_outcome) = told();
        let (second, second_outcome) = told();
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.submit(second))
        };
        let taken = pool.submit(first);
        let other_taken = other.join().unwrap();
        assert!(!(taken && other_taken), "somebody learns of it");
        assert_eq!(first_outcome.recv().unwrap(), Outcome::Dropped);
        assert_eq!(second_outcome.recv().unwrap(), Outcome::Dropped);
        pool.join();
    });
}

#[test]
fn closing_while_a_job_is_submitted_and_a_thread_goes_idle_resolves_all() {
    model(None, || {
        let pool = Pool::new(1, KeepAlive::Forever);
        let (first, first_outcome) = told();
        let (second, second_outcome) = told();
        assert!(pool.submit(first));
        let closer = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.close())
        };
        let taken = pool.submit(second);
        closer.join().unwrap();
        first_outcome.recv().unwrap();
        let outcome = second_outcome.recv().unwrap();
        assert!(taken || outcome == Outcome::Dropped);
        pool.join();
    });
}
