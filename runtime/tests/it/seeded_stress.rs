//! A random program on a random number of workers: every handle resolves, and the counts add up.
use parking_lot::Mutex;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use runtime::Runtime;
use runtime::task::{block_in_place, yield_now};
use runtime::time::{sleep, timeout};

use crate::support::{Rng, panic_silently, soak, until_no_tasks, watchdog};

/// What all tasks of one program count together.
#[derive(Default)]
struct Books {
    begun: AtomicUsize,
    futures_dropped: AtomicUsize,
    completed: AtomicUsize,
    joined_ok: AtomicUsize,
    joined_cancelled: AtomicUsize,
    joined_panicked: AtomicUsize,
    detached: AtomicUsize,
    sent: AtomicUsize,
    received: AtomicUsize,
    /// Spawns that may still be made, so that a program ends.
    left: AtomicUsize,
}

impl Books {
    fn may_spawn(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

fn add(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::SeqCst);
}

/// Counts the drop of a task's future.
struct Entry(Arc<Books>);

impl Drop for Entry {
    fn drop(&mut self) {
        add(&self.0.futures_dropped);
    }
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One task: some steps, each drawn by lot.
fn task(books: Arc<Books>, mut rng: Rng, depth: usize) -> Boxed<usize> {
    add(&books.begun);
    let entry = Entry(Arc::clone(&books));
    Box::pin(async move {
        let _entry = entry;
        let mut handles = Vec::new();
        let mut children = 0;
        for _ in 0..rng.below(8) {
            match rng.below(12) {
                0..=2 if depth > 0 && books.may_spawn() => {
                    handles.push(runtime::spawn(task(Arc::clone(&books), rng.fork(), depth - 1)));
                    children += 1;
                }
                3 => yield_now().await,
                4 => sleep(rng.micros(1_500)).await,
                5 => {
                    let (tx, rx) = oneshot::channel();
                    let wait = rng.micros(300);
                    add(&books.sent);
                    let counted = Arc::clone(&books);
                    let sender = runtime::spawn(async move {
                        sleep(wait).await;
                        // Nobody listens if the other has been aborted.
                        let _ = tx.send(());
                    });
                    rx.await.unwrap();
                    add(&counted.received);
                    sender.await.unwrap();
                }
                6 => {
                    let (mut tx, mut rx) = mpsc::channel(1 + rng.below(3));
                    let items = rng.below(20);
                    let producer = runtime::spawn(async move {
                        for item in 0..items {
                            if std::future::poll_fn(|cx| tx.poll_ready(cx)).await.is_ok() {
                                tx.start_send(item).unwrap();
                            }
                        }
                    });
                    let mut seen = 0;
                    while let Some(item) = rx.next().await {
                        assert_eq!(item, seen);
                        seen += 1;
                    }
                    assert_eq!(seen, items);
                    producer.await.unwrap();
                }
                7 => {
                    let n = rng.below(100);
                    assert_eq!(runtime::spawn_blocking(move || n).await.unwrap(), n);
                }
                8 => {
                    let spins = rng.below(2_000);
                    block_in_place(|| (0..spins).for_each(|_| std::hint::spin_loop()));
                }
                9 if !handles.is_empty() => {
                    // Detached, or aborted and kept.
                    let handle = handles.swap_remove(rng.below(handles.len()));
                    if rng.below(2) == 0 {
                        add(&books.detached);
                        drop(handle);
                    } else {
                        handle.abort();
                        handles.push(handle);
                    }
                }
                10 => drop(timeout(rng.micros(500), sleep(rng.micros(500))).await),
                11 if rng.below(20) == 0 => {
                    // The children's handles go with it: they are detached.
                    books.detached.fetch_add(handles.len(), Ordering::SeqCst);
                    handles.clear();
                    add(&books.completed);
                    panic_silently();
                }
                _ => {}
            }
        }
        // Aborted in here, the rest is detached: counted by a guard, since this code is not reached then.
        let held = Held { books: Arc::clone(&books), handles: Mutex::new(handles) };
        loop {
            let handle = held.handles.lock().pop();
            let Some(handle) = handle else { break };
            let mut joining = Joining { books: &books, resolved: false };
            let result = handle.await;
            joining.resolved = true;
            match result {
                Ok(_) => add(&books.joined_ok),
                Err(error) if error.is_cancelled() => add(&books.joined_cancelled),
                Err(_) => add(&books.joined_panicked),
            }
        }
        add(&books.completed);
        children
    })
}

struct Held<T> {
    books: Arc<Books>,
    handles: Mutex<Vec<T>>,
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        self.books.detached.fetch_add(self.handles.lock().len(), Ordering::SeqCst);
    }
}

/// A join that is given up detaches the task.
struct Joining<'a> {
    books: &'a Books,
    resolved: bool,
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        if !self.resolved {
            add(&self.books.detached);
        }
    }
}

fn program(mut rng: Rng) {
    let workers = [1, 2, 3, 8][rng.below(4)];
    let runtime = Runtime::builder()
        .worker_threads(workers)
        .max_spare_threads(rng.below(4))
        .max_blocking_threads(1 + rng.below(4))
        .event_interval(1 + rng.below(100) as u32)
        .global_queue_interval(1 + rng.below(100) as u32)
        .build()
        .unwrap();
    let books = Arc::new(Books::default());
    books.left.store(300, Ordering::SeqCst);
    let roots: Vec<_> = (0..1 + rng.below(10))
        .map(|_| {
            let root = task(Arc::clone(&books), rng.fork(), 5);
            if rng.below(2) == 0 {
                runtime.spawn(root)
            } else {
                runtime.block_on(async { runtime::spawn(root) })
            }
        })
        .collect();
    let early = rng.below(3) == 0;
    let aborted = rng.below(4) == 0;
    if aborted {
        roots.iter().for_each(|root| root.abort());
    }
    if early {
        // The runtime goes while they run.
        rng.spin(100_000);
        if rng.below(2) == 0 {
            drop(runtime);
        } else {
            assert!(runtime.shutdown(Duration::MAX).is_clean());
        }
        for root in roots {
            // Resolved, one way or the other.
            assert!(root.is_finished());
            drop(futures::executor::block_on(root));
        }
    } else {
        for root in roots {
            drop(runtime.block_on(root));
        }
        until_no_tasks(&runtime);
        assert_eq!(runtime.metrics().timers, 0);
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        let joined = count(&books.joined_ok) + count(&books.joined_cancelled) + count(&books.joined_panicked);
        assert!(count(&books.completed) <= count(&books.begun));
        assert!(count(&books.received) <= count(&books.sent));
        assert!(joined <= count(&books.begun));
        if !aborted && count(&books.joined_cancelled) == 0 && count(&books.detached) == 0 {
            // Nobody was stopped: everybody came to an end, and all that was sent was received.
            assert_eq!(count(&books.completed), count(&books.begun));
            assert_eq!(count(&books.received), count(&books.sent));
        }
    }
    let (begun, dropped) = (books.begun.load(Ordering::SeqCst), books.futures_dropped.load(Ordering::SeqCst));
    assert_eq!(begun, dropped, "{workers} workers: each future is dropped once");
}

#[test]
fn random_programs_keep_their_books() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let began = Instant::now();
    let (span, least) = if soak() { (Duration::from_secs(600), 1_000) } else { (Duration::from_secs(2), 20) };
    let mut programs = 0;
    while programs < least || began.elapsed() < span {
        program(rng.fork());
        programs += 1;
    }
    println!("{programs} programs");
}
