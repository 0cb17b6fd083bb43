//! A stuck worker is replaced while it returns, others steal, and the runtime shuts down: each task is run or cancelled
//! once, one member tears down, and the books are right. See `runtime/src/supervisor/README.md`.
#![cfg(runtime_loom)]

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use loom::thread;
use runtime::model::queue::{Injector, LifoSlot, Linked};
use runtime::model::supervisor::{By, Cover, Left, Members, Pulse, StandIn};

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// A task that loom sees being written by the worker that spawns it, and read by whoever takes it.
struct Task(Box<Node>);

struct Node {
    next: AtomicPtr<Node>,
    runs: UnsafeCell<u32>,
}

// SAFETY: a task is owned by one thread at a time; that its handing over is ordered is what loom checks.
unsafe impl Send for Task {}

// SAFETY: the box is the only handle of its node; the link is a field of it that nothing else uses.
unsafe impl Linked for Task {
    type Node = Node;

    fn into_raw(self) -> NonNull<Node> {
        NonNull::from(Box::leak(self.0))
    }

    unsafe fn from_raw(node: NonNull<Node>) -> Self {
        // SAFETY: made by `into_raw` from a box, and not taken back before.
        Task(unsafe { Box::from_raw(node.as_ptr()) })
    }

    unsafe fn link<'a>(node: NonNull<Node>) -> &'a AtomicPtr<Node> {
        // SAFETY: the node lives until the queue gives it back.
        let node: &'a Node = unsafe { node.as_ref() };
        &node.next
    }
}

/// One worker (slot 0), one place for a spare (slot 1), the supervisor, and the runtime itself.
struct World {
    lifo: LifoSlot<Task>,
    pulse: Pulse,
    injector: Injector<Task>,
    cover: Cover,
    members: Members,
    closed: AtomicBool,
    ran: AtomicUsize,
    cancelled: AtomicUsize,
    torn_down: AtomicUsize,
    /// What the members share without a lock of their own.
    shared: UnsafeCell<()>,
}

impl World {
    fn new() -> Arc<World> {
        let members = Members::new();
        assert!(members.join() && members.join(), "the worker and the supervisor");
        Arc::new(World {
            lifo: LifoSlot::new(),
            pulse: Pulse::default(),
            injector: Injector::new(),
            cover: Cover::new(1..2),
            members,
            closed: AtomicBool::new(false),
            ran: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
            torn_down: AtomicUsize::new(0),
            shared: UnsafeCell::new(()),
        })
    }

    fn spawn(&self) {
        let task =
            Task(Box::new(Node { next: AtomicPtr::new(std::ptr::null_mut()), runs: UnsafeCell::new(0) }));
        // SAFETY: the worker's thread is the owner.
        if let Some(displaced) = unsafe { self.lifo.put(task) } {
            let _ = self.injector.push(displaced);
        }
    }

    fn run(&self, task: Task) {
        // SAFETY: we own the task; loom checks that the others are done with it.
        task.0.runs.with_mut(|runs| unsafe { *runs += 1 });
        self.ran.fetch_add(1, Ordering::Relaxed);
    }

    /// The task woken last. By the worker, between two polls.
    fn take(&self) -> Option<Task> {
        // SAFETY: the worker's thread is the owner, and inside of no poll.
        unsafe { self.lifo.take_if(|| true) }
    }

    /// The worker's poll, which wakes a task.
    fn poll(&self) {
        self.pulse.begin(1, std::ptr::null());
        self.spawn();
        self.pulse.end();
    }

    /// What the worker does when its stuck poll has returned, and then it leaves its loop.
    fn work(&self) {
        if !self.closed.load(Ordering::Acquire) {
            if let Some(task) = self.take() {
                self.run(task);
            }
            self.run_injected();
        }
        // SAFETY: as above.
        unsafe { self.lifo.share() };
        // SAFETY: as above.
        if let Some(task) = unsafe { self.lifo.withdraw() } {
            let _ = self.injector.push(task);
        }
    }

    fn run_injected(&self) {
        self.injector.pop_batch(1, 1).for_each(|task| self.run(task));
    }

    fn leave(&self) {
        // SAFETY: members only read.
        self.shared.with(|_| ());
        if self.members.leave() == Left::Last {
            // SAFETY: that all others have left before is what loom checks.
            self.shared.with_mut(|_| ());
            self.injector.pop_batch(usize::MAX, 1).for_each(|_| {
                self.cancelled.fetch_add(1, Ordering::Relaxed);
            });
            // SAFETY: the last member has it to itself.
            assert!(unsafe { self.lifo.withdraw() }.is_none(), "whoever leaves drains his slot");
            self.torn_down.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The worker wakes a task in its last poll, and is taken over in that moment.
fn take_over(
    supervisor: impl Fn(&Arc<World>) -> Option<thread::JoinHandle<()>> + Send + Sync + Copy + 'static,
) {
    check(2, move || {
        let world = World::new();
        let worker = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                // SAFETY: this is the worker's thread.
                unsafe { world.lifo.keep() };
                world.poll();
                world.work();
                world.leave();
            })
        };
        let supervising = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let spare = supervisor(&world);
                world.leave();
                spare
            })
        };
        world.closed.store(true, Ordering::Release);
        world.leave();
        worker.join().unwrap();
        if let Some(spare) = supervising.join().unwrap() {
            spare.join().unwrap();
        }
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        assert_eq!(count(&world.torn_down), 1);
        assert_eq!(count(&world.ran) + count(&world.cancelled), 1);
        assert!(!world.members.join(), "nobody joins what was torn down");
    });
}

#[test]
fn a_task_rescued_from_the_lifo_slot_is_run_or_cancelled_once() {
    take_over(|world| {
        // SAFETY: the pulse publishes what was done before the poll, and the worker takes when it has stored the end.
        if let Some(task) = unsafe { world.lifo.rescue(|| world.pulse.is_inside()) } {
            let _ = world.injector.push(task);
        }
        None
    });
}

#[test]
fn a_spare_that_starts_during_the_shutdown_is_a_member_before_it_runs() {
    take_over(|world| {
        let StandIn::Start(1) = world.cover.cover(0, By::Supervisor) else {
            panic!("the only spare is free");
        };
        if !world.members.join() {
            world.cover.refused(1);
            return None;
        }
        let spare = Arc::clone(world);
        Some(thread::spawn(move || {
            if !spare.closed.load(Ordering::Acquire) {
                spare.run_injected();
            }
            spare.cover.freed(1);
            spare.leave();
        }))
    });
}

/// The supervisor covers and uncovers a slot whose thread blocks in place meanwhile: in the end nobody is wanted.
#[test]
fn a_slot_covered_from_two_sides_is_uncovered_by_the_one_it_belongs_to() {
    check(3, || {
        let cover = Arc::new(Cover::new(1..2));
        let supervisor = {
            let cover = Arc::clone(&cover);
            thread::spawn(move || {
                let found = cover.cover(0, By::Supervisor) == StandIn::Start(1);
                // The thread of the slot is seen to have moved.
                let _ = cover.uncover(0, By::Supervisor);
                found
            })
        };
        let found = cover.cover(0, By::Itself) == StandIn::Start(1);
        // It blocks now: whatever the supervisor believes, the spare must stay.
        assert!(!cover.linger(1));
        let told = cover.uncover(0, By::Itself) == 1;
        let found = found | supervisor.join().unwrap();
        assert!(found && cover.active() == 1);
        assert!(cover.has_surplus(), "a spare that nobody needs must see it: {cover:?}");
        assert!(told || cover.linger(1));
    });
}

/// A spare that finds itself surplus begins to linger as a slot is covered.
#[test]
fn a_slot_covered_while_the_spare_begins_to_linger_has_it_all_the_same() {
    check(3, || {
        let cover = Arc::new(Cover::new(1..2));
        let _ = cover.cover(0, By::Supervisor);
        assert_eq!(cover.uncover(0, By::Supervisor), 1);
        let spare = {
            let cover = Arc::clone(&cover);
            thread::spawn(move || cover.linger(1))
        };
        let stand_in = cover.cover(0, By::Supervisor);
        let expected = if spare.join().unwrap() { StandIn::Resume(1) } else { StandIn::Nobody };
        assert_eq!((stand_in, cover.active()), (expected, 1));
    });
}

/// A spare stops lingering as a slot is covered.
#[test]
fn a_slot_covered_while_the_spare_leaves_has_somebody_all_the_same() {
    check(3, || {
        let cover = Arc::new(Cover::new(1..2));
        let _ = cover.cover(0, By::Supervisor);
        assert_eq!(cover.uncover(0, By::Supervisor), 1);
        let spare = {
            let cover = Arc::clone(&cover);
            thread::spawn(move || {
                // True: its thread goes on working.
                if cover.linger(1) && cover.stop_lingering(1) {
                    cover.freed(1);
                    return false;
                }
                true
            })
        };
        let stand_in = cover.cover(0, By::Supervisor);
        let works = spare.join().unwrap();
        match stand_in {
            StandIn::Resume(1) => assert!(works),
            StandIn::Start(1) => assert!(!works),
            StandIn::Nobody if works => {}
            // Between the two its slot was not free yet: the supervisor tries again.
            StandIn::Nobody => assert_eq!(cover.retry(), StandIn::Start(1)),
            other => panic!("{other:?}"),
        }
        assert_eq!(cover.active(), 1);
    });
}
