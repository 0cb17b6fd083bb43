//! The LIFO slot: its owner, who takes by plain stores between two polls, and those who rescue what is in it during one never get the same item,
//! none is lost, each is whole. See `runtime/src/queue/README.md`.
#![cfg(runtime_loom)]

use loom::sync::Arc;
use loom::thread;
use runtime::model::queue::LifoSlot;
use runtime::model::supervisor::Pulse;

#[path = "support/item.rs"]
mod item;

use item::Item;

/// A slot, and what its owner tells of its polls.
struct Slot {
    lifo: LifoSlot<Item>,
    pulse: Pulse,
}

impl Slot {
    fn put(&self, number: u32) -> Option<u32> {
        self.put_back(Item::new(number)).map(Item::value)
    }

    fn put_back(&self, item: Item) -> Option<Item> {
        // SAFETY: the main thread is the owner, or has waited for who is.
        unsafe { self.lifo.put(item) }
    }

    /// By the owner, in its loop.
    fn take(&self) -> Option<Item> {
        // SAFETY: the main thread is the owner, and takes between two polls.
        unsafe { self.lifo.take_if(|| true) }
    }

    /// The owner polls something that does this.
    fn poll<R>(&self, poll: impl FnOnce() -> R) -> R {
        self.pulse.begin(1, std::ptr::null());
        let done = poll();
        self.pulse.end();
        done
    }

    fn share(&self) {
        // SAFETY: the main thread is the owner.
        unsafe { self.lifo.share() };
    }

    fn withdraw(&self) -> Option<u32> {
        // SAFETY: as above.
        unsafe { self.lifo.withdraw() }.map(Item::value)
    }

    fn rescue(&self) -> Option<Item> {
        // SAFETY: the pulse publishes what was done before a poll, and the owner takes when it has stored the end.
        unsafe { self.lifo.rescue(|| self.pulse.is_inside()) }
    }
}

/// `owner` returns what it has got; together with what the rescuers get and what is left that must be the numbers below `items`.
fn check(
    preemptions: usize,
    rescuers: usize,
    items: u32,
    owner: impl Fn(&Slot) -> Vec<u32> + Send + Sync + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let slot = Arc::new(Slot { lifo: LifoSlot::new(), pulse: Pulse::default() });
        let rescuer = |_| {
            let slot = Arc::clone(&slot);
            thread::spawn(move || slot.rescue().map(Item::value))
        };
        let rescuers: Vec<_> = (0..rescuers).map(rescuer).collect();
        let mut seen = owner(&slot);
        seen.extend(rescuers.into_iter().filter_map(|rescuer| rescuer.join().unwrap()));
        seen.extend(slot.withdraw());
        seen.sort_unstable();
        assert_eq!(seen, (0..items).collect::<Vec<_>>());
        assert!(slot.lifo.is_empty());
    });
}

/// The owner has come to its loop, and once found something.
fn keep(slot: &Slot) {
    // SAFETY: by the owner.
    unsafe { slot.lifo.keep() };
}

#[test]
fn what_is_put_in_during_a_poll_is_rescued_or_taken_after_it() {
    check(3, 1, 2, |slot| {
        keep(slot);
        slot.poll(|| assert!(slot.put(0).is_none()));
        let first = slot.take().map(Item::value);
        let displaced = slot.poll(|| slot.put(1));
        first.into_iter().chain(displaced).chain(slot.take().map(Item::value)).collect()
    });
}

/// As where somebody's waker is called between two polls.
#[test]
fn what_is_there_while_the_owner_is_away_is_rescued_or_taken_after_it() {
    check(3, 1, 2, |slot| {
        keep(slot);
        slot.poll(|| assert!(slot.put(0).is_none()));
        slot.pulse.away(|| ());
        let first = slot.take().map(Item::value);
        let displaced = slot.pulse.away(|| slot.put(1));
        first.into_iter().chain(displaced).chain(slot.take().map(Item::value)).collect()
    });
}

/// The rescuer may have seen the poll before, in which the item was put in first.
#[test]
fn an_item_that_comes_back_is_rescued_or_taken_once() {
    check(3, 1, 1, |slot| {
        keep(slot);
        slot.poll(|| assert!(slot.put(0).is_none()));
        let Some(item) = slot.take() else { return Vec::new() };
        slot.poll(|| assert!(slot.put_back(item).is_none()));
        slot.take().map(Item::value).into_iter().collect()
    });
}

#[test]
fn what_is_displaced_during_a_poll_is_rescued_or_comes_out() {
    check(3, 1, 3, |slot| {
        keep(slot);
        slot.poll(|| (0..3).filter_map(|number| slot.put(number)).collect())
    });
}

/// As a task that blocks in place does.
#[test]
fn what_the_owner_withdraws_inside_of_a_poll_is_not_rescued_as_well() {
    check(3, 1, 2, |slot| {
        keep(slot);
        let withdrawn = slot.poll(|| {
            assert!(slot.put(0).is_none());
            slot.withdraw()
        });
        slot.poll(|| assert!(slot.put(1).is_none()));
        withdrawn.into_iter().chain(slot.take().map(Item::value)).collect()
    });
}

/// As where the system has no heavy barrier, and as before the owner comes to its loop.
#[test]
fn of_a_shared_slot_owner_and_rescuer_get_different_items() {
    check(3, 1, 2, |slot| {
        assert!(slot.put(0).is_none());
        let withdrawn = slot.withdraw();
        withdrawn.into_iter().chain(slot.put(1)).collect()
    });
}

/// The rescuer may have found it shared, and not come to its exchange yet.
#[test]
fn what_is_in_the_slot_when_its_owner_comes_to_its_loop_is_rescued_or_taken() {
    check(3, 1, 2, |slot| {
        assert!(slot.put(0).is_none());
        let first = slot.take().map(Item::value);
        slot.poll(|| assert!(slot.put(1).is_none()));
        first.into_iter().chain(slot.take().map(Item::value)).collect()
    });
}

/// A thread that ends: what its last destructors wake is for others.
#[test]
fn what_is_in_the_slot_when_its_owner_leaves_its_loop_is_rescued_or_withdrawn() {
    check(3, 1, 2, |slot| {
        keep(slot);
        let displaced: Vec<_> = slot.poll(|| slot.put(0)).into_iter().collect();
        slot.share();
        let displaced = displaced.into_iter().chain(slot.put(1));
        displaced.chain(slot.withdraw()).collect()
    });
}

/// The next to hold the slot keeps it anew, while somebody rescues what its forerunner has left.
#[test]
fn a_slot_that_changes_hands_gives_each_item_out_once() {
    check(2, 1, 2, |slot| {
        keep(slot);
        slot.poll(|| assert!(slot.put(0).is_none()));
        slot.share();
        let first = slot.take().map(Item::value);
        slot.poll(|| assert!(slot.put(1).is_none()));
        first.into_iter().chain(slot.take().map(Item::value)).collect()
    });
}

/// As where a spare's thread ends, and another is started for its slot.
#[test]
fn two_threads_that_hold_a_slot_in_turn_and_a_rescuer_get_different_items() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let slot = Arc::new(Slot { lifo: LifoSlot::new(), pulse: Pulse::default() });
        let (rescuer, former) = (Arc::clone(&slot), Arc::clone(&slot));
        let rescuer = thread::spawn(move || rescuer.rescue().map(Item::value));
        let former = thread::spawn(move || {
            keep(&former);
            former.poll(|| assert!(former.put(0).is_none()));
            former.share();
            former.put(1)
        });
        // The hold's Release and Acquire.
        let mut seen: Vec<_> = former.join().unwrap().into_iter().collect();
        seen.extend(slot.take().map(Item::value));
        seen.extend(slot.poll(|| slot.put(2)));
        seen.extend(slot.take().map(Item::value));
        seen.extend(rescuer.join().unwrap());
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
        assert!(slot.lifo.is_empty());
    });
}

/// The former holder has taken what was in it when others could, too.
#[test]
fn a_slot_that_was_emptied_while_it_was_shared_gives_each_item_out_once() {
    check(3, 1, 2, |slot| {
        assert!(slot.put(0).is_none());
        let withdrawn = slot.withdraw();
        slot.poll(|| assert!(slot.put(1).is_none()));
        withdrawn.into_iter().chain(slot.take().map(Item::value)).collect()
    });
}

#[test]
fn two_rescuers_get_different_items() {
    check(2, 2, 2, |slot| {
        keep(slot);
        slot.poll(|| assert!(slot.put(0).is_none()));
        let first = slot.take().map(Item::value);
        let displaced = slot.poll(|| slot.put(1));
        first.into_iter().chain(displaced).collect()
    });
}

/// The first may be late, with a look at an earlier poll, when the second marks the same item anew.
#[test]
fn two_rescuers_and_an_item_that_comes_back() {
    check(3, 2, 1, |slot| {
        keep(slot);
        slot.poll(|| assert!(slot.put(0).is_none()));
        let Some(item) = slot.take() else { return Vec::new() };
        slot.poll(|| assert!(slot.put_back(item).is_none()));
        slot.take().map(Item::value).into_iter().collect()
    });
}
