//! Futures of which many wait and few are ready: polling costs the ready ones only.
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;
use reactor_hook::budget;
use slab::Slab;

/// A set of futures, each with a waker of its own that puts it on a list of those to be polled.
pub(super) struct ReadySet<H: Future + Unpin> {
    entries: Slab<Entry<H>>,
    ready: Arc<Ready>,
}

struct Entry<H: Future> {
    future: H,
    /// Of a future that was ready when it was put in. Never locked: it makes the set shareable where outputs are not.
    output: Mutex<Option<H::Output>>,
    waker: Waker,
}

#[derive(Default)]
struct Ready {
    list: Mutex<List>,
}

#[derive(Default)]
struct List {
    /// Keys of the entries to be polled, in the order of their wake-ups. It may hold the key of an entry that is gone, or
    /// has been taken by another, which is then polled once in vain.
    keys: VecDeque<usize>,
    /// By key: whether it is in `keys`. It never shrinks: a waker may come late.
    queued: Vec<bool>,
    /// Who polls the set.
    waker: Option<Waker>,
}

impl List {
    fn push(&mut self, key: usize) {
        if !std::mem::replace(&mut self.queued[key], true) {
            self.keys.push_back(key);
        }
    }

    /// A wake-up from now on queues the entry again: to be called before it is polled.
    fn pop(&mut self) -> Option<usize> {
        let key = self.keys.pop_front()?;
        self.queued[key] = false;
        Some(key)
    }
}

struct EntryWaker {
    ready: Arc<Ready>,
    key: usize,
}

impl Wake for EntryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut list = self.ready.list.lock();
        list.push(self.key);
        let waker = list.waker.take();
        drop(list);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<H: Future + Unpin> ReadySet<H> {
    pub(super) fn new() -> ReadySet<H> {
        ReadySet { entries: Slab::new(), ready: Arc::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Polls the future once, so that it leaves its waker, and keeps it.
    pub(super) fn insert(&mut self, mut future: H) {
        let vacant = self.entries.vacant_entry();
        let key = vacant.key();
        {
            let mut list = self.ready.list.lock();
            if list.queued.len() <= key {
                list.queued.resize(key + 1, false);
            }
        }
        let waker = Waker::from(Arc::new(EntryWaker { ready: Arc::clone(&self.ready), key }));
        // Whoever puts it in may be at the end of his budget; the future is none of his operations yet.
        let polled = budget::with_budget(budget::UNLIMITED, || {
            Pin::new(&mut future).poll(&mut Context::from_waker(&waker))
        });
        match polled {
            Poll::Pending => drop(vacant.insert(Entry { future, output: Mutex::new(None), waker })),
            Poll::Ready(output) => {
                let entry = vacant.insert(Entry { future, output: Mutex::new(Some(output)), waker });
                entry.waker.wake_by_ref();
            }
        }
    }

    /// The next future to complete, or `Ready(None)` when the set is empty.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(H, H::Output)>> {
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        let mut fresh: Option<Waker> = None;
        loop {
            let mut list = self.ready.list.lock();
            if let Some(key) = list.pop() {
                drop(list);
                match self.poll_entry(key) {
                    Polled::Complete(complete) => return Poll::Ready(Some(complete)),
                    Polled::Absent => continue,
                    // Out of budget, which woke it, so that it is on the list again; or woken in vain.
                    Polled::Pending => {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
            }
            if list.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            // Cloning and dropping a waker is user code: not under the lock.
            let Some(waker) = fresh.take() else {
                drop(list);
                fresh = Some(cx.waker().clone());
                continue;
            };
            let former = list.waker.replace(waker);
            drop(list);
            drop(former);
            return Poll::Pending;
        }
    }

    /// A future that has completed, if there is one.
    pub(super) fn try_next(&mut self) -> Option<(H, H::Output)> {
        budget::with_budget(budget::UNLIMITED, || {
            // One that wakes itself in vain is not to keep this from returning.
            let attempts = self.ready.list.lock().keys.len();
            for _ in 0..attempts {
                let key = self.ready.list.lock().pop()?;
                if let Polled::Complete(complete) = self.poll_entry(key) {
                    return Some(complete);
                }
            }
            None
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &H> {
        self.entries.iter().map(|(_, entry)| &entry.future)
    }

    /// Drops the futures, and the outputs nobody took.
    pub(super) fn clear(&mut self) {
        // Out of the set first: dropping them is user code, which may panic.
        drop(std::mem::take(&mut self.entries));
    }

    fn poll_entry(&mut self, key: usize) -> Polled<H> {
        let Some(entry) = self.entries.get_mut(key) else { return Polled::Absent };
        let output = match entry.output.get_mut().take() {
            Some(output) => Poll::Ready(output),
            None => Pin::new(&mut entry.future).poll(&mut Context::from_waker(&entry.waker)),
        };
        match output {
            Poll::Pending => Polled::Pending,
            Poll::Ready(output) => Polled::Complete((self.entries.remove(key).future, output)),
        }
    }
}

enum Polled<H: Future> {
    Complete((H, H::Output)),
    Pending,
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    type Shared = Arc<Mutex<(Option<u32>, Option<Waker>)>>;

    /// Completes when its slot is filled; counts its polls.
    struct Slot {
        shared: Shared,
        polls: Arc<AtomicUsize>,
    }

    impl Future for Slot {
        type Output = u32;

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
            self.polls.fetch_add(1, Ordering::Relaxed);
            let mut shared = self.shared.lock();
            if let Some(value) = shared.0.take() {
                return Poll::Ready(value);
            }
            shared.1 = Some(cx.waker().clone());
            Poll::Pending
        }
    }

    struct Fixture {
        set: ReadySet<Slot>,
        polls: Arc<AtomicUsize>,
        slots: Vec<Shared>,
    }

    impl Fixture {
        fn new(count: usize) -> Fixture {
            let mut fixture = Fixture { set: ReadySet::new(), polls: Arc::default(), slots: Vec::new() };
            for _ in 0..count {
                fixture.insert(None);
            }
            fixture
        }

        fn insert(&mut self, value: Option<u32>) {
            let shared = Arc::new(Mutex::new((value, None)));
            self.slots.push(Arc::clone(&shared));
            self.set.insert(Slot { shared, polls: Arc::clone(&self.polls) });
        }

        fn complete(&self, index: usize, value: u32) {
            let waker = {
                let mut slot = self.slots[index].lock();
                slot.0 = Some(value);
                slot.1.take()
            };
            waker.expect("was polled").wake();
        }

        fn poll(&mut self, waker: &Arc<Count>) -> Poll<Option<u32>> {
            let waker = Waker::from(Arc::clone(waker));
            self.set.poll_next(&mut Context::from_waker(&waker)).map(|next| next.map(|(_, value)| value))
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_completion_costs_one_poll_however_many_wait() {
        let mut fixture = Fixture::new(1000);
        let waker = Arc::new(Count::default());
        assert_eq!(fixture.poll(&waker), Poll::Pending);
        assert_eq!(fixture.polls.load(Ordering::Relaxed), 1000, "one each when they were put in");
        fixture.complete(700, 7);
        fixture.complete(3, 8);
        assert_eq!(waker.get(), 1, "one wake-up for both");
        assert_eq!(fixture.poll(&waker), Poll::Ready(Some(7)));
        assert_eq!(fixture.poll(&waker), Poll::Ready(Some(8)));
        assert_eq!(fixture.poll(&waker), Poll::Pending);
        assert_eq!(fixture.polls.load(Ordering::Relaxed), 1002);
        assert_eq!(fixture.set.len(), 998);
    }

    #[test]
    fn one_that_is_ready_at_once_is_not_polled_again() {
        let mut fixture = Fixture::new(0);
        let waker = Arc::new(Count::default());
        assert_eq!(fixture.poll(&waker), Poll::Ready(None));
        fixture.insert(Some(5));
        assert_eq!(fixture.polls.load(Ordering::Relaxed), 1);
        assert_eq!(fixture.set.try_next().map(|(_, value)| value), Some(5));
        assert_eq!(fixture.polls.load(Ordering::Relaxed), 1);
        assert_eq!(fixture.poll(&waker), Poll::Ready(None));
    }

    #[test]
    fn only_the_latest_waker_is_woken() {
        let mut fixture = Fixture::new(1);
        let (former, latest) = (Arc::new(Count::default()), Arc::new(Count::default()));
        assert_eq!(fixture.poll(&former), Poll::Pending);
        assert_eq!(fixture.poll(&latest), Poll::Pending);
        assert_eq!(Arc::strong_count(&former), 1);
        fixture.complete(0, 1);
        assert_eq!((former.get(), latest.get()), (0, 1));
    }

    #[test]
    fn a_wake_up_in_vain_loses_nothing() {
        let mut fixture = Fixture::new(1);
        let waker = Arc::new(Count::default());
        assert_eq!(fixture.poll(&waker), Poll::Pending);
        let in_vain = fixture.slots[0].lock().1.clone().unwrap();
        in_vain.wake_by_ref();
        in_vain.wake();
        assert!(fixture.set.try_next().is_none());
        assert_eq!(fixture.poll(&waker), Poll::Pending);
        let woken = waker.get();
        fixture.complete(0, 4);
        assert_eq!(waker.get(), woken + 1);
        assert_eq!(fixture.poll(&waker), Poll::Ready(Some(4)));
    }

    #[test]
    fn a_late_wake_up_of_one_that_is_gone_does_not_disturb_its_successor() {
        let mut fixture = Fixture::new(1);
        let waker = Arc::new(Count::default());
        let late = fixture.slots[0].lock().1.clone().unwrap();
        fixture.complete(0, 1);
        assert_eq!(fixture.poll(&waker), Poll::Ready(Some(1)));
        late.wake_by_ref();
        assert_eq!(fixture.poll(&waker), Poll::Ready(None));
        fixture.insert(None);
        late.wake();
        assert!(fixture.set.try_next().is_none());
        fixture.complete(1, 2);
        assert_eq!(fixture.poll(&waker), Poll::Ready(Some(2)));
    }

    #[test]
    fn clearing_drops_the_futures_and_leaves_the_set_usable() {
        let mut fixture = Fixture::new(3);
        let late = fixture.slots[2].lock().1.clone().unwrap();
        fixture.set.clear();
        assert!(fixture.set.is_empty());
        assert_eq!(Arc::strong_count(&fixture.slots[0]), 1);
        late.wake();
        fixture.insert(Some(9));
        assert_eq!(fixture.poll(&Arc::default()), Poll::Ready(Some(9)));
    }
}
