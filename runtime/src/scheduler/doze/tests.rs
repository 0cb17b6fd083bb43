use super::*;

/// A worker with a clock.
struct Worker {
    doze: Doze,
    now: Instant,
    polls: u64,
}

impl Worker {
    fn new() -> Worker {
        let now = Instant::now();
        Worker { doze: Doze::new(now), now, polls: 0 }
    }

    /// The nap after a call for so much work.
    fn called_for(&mut self, work: Duration) -> Option<Duration> {
        self.doze.woken(self.now, self.polls, true);
        self.doze.stole();
        self.polls += 1;
        self.wait_after(work)
    }

    fn wait_after(&mut self, work: Duration) -> Option<Duration> {
        self.now += work;
        self.doze.nap(self.polls, || self.now)
    }
}

#[test]
fn nobody_naps_before_three_calls_in_a_row_were_for_little() {
    let mut worker = Worker::new();
    for _ in 0..2 {
        assert_eq!(worker.called_for(WORTH), None);
        assert_eq!(worker.called_for(WORTH), None);
        assert_eq!(worker.called_for(2 * WORTH), None);
    }
    assert_eq!(worker.called_for(WORTH), None);
    assert_eq!(worker.called_for(WORTH), None);
    assert_eq!(worker.called_for(WORTH), Some(NAPS.0));
}

#[test]
fn naps_grow_and_are_bounded() {
    let mut worker = Worker::new();
    let naps: Vec<_> = (0..1000).filter_map(|_| worker.called_for(WORTH)).collect();
    assert!(naps.is_sorted());
    assert_eq!((naps[0], naps[1], naps[naps.len() - 1]), (NAPS.0, 2 * NAPS.0, NAPS.1));
}

#[test]
fn work_that_was_worth_it_ends_the_naps() {
    let mut worker = Worker::new();
    for _ in 0..100 {
        worker.called_for(WORTH);
    }
    assert_eq!(worker.called_for(2 * WORTH), None);
    assert_eq!(worker.called_for(WORTH), None);
}

#[test]
fn who_comes_by_himself_and_finds_nothing_waits_to_be_called() {
    let mut worker = Worker::new();
    while worker.called_for(WORTH).is_none() {}
    worker.doze.woken(worker.now, worker.polls, false);
    assert_eq!(worker.wait_after(WORTH), None);
    // What he finds by himself counts as if he had been called for it.
    worker.doze.woken(worker.now, worker.polls, false);
    worker.doze.stole();
    assert!(worker.wait_after(WORTH).is_some());
}

#[test]
fn a_call_for_nothing_was_for_little_and_one_for_what_the_injector_held_is_no_reason() {
    let mut worker = Worker::new();
    worker.called_for(WORTH);
    for _ in 0..100 {
        worker.doze.woken(worker.now, worker.polls, true);
        worker.polls += 1;
        assert_eq!(worker.wait_after(WORTH), None);
    }
    worker.doze.woken(worker.now, worker.polls, true);
    assert_eq!(worker.wait_after(WORTH), None);
    worker.doze.woken(worker.now, worker.polls, true);
    assert!(worker.wait_after(WORTH).is_some());
}

#[test]
fn waits_for_sockets_and_timers_are_no_calls() {
    let mut worker = Worker::new();
    worker.doze.stole();
    for _ in 0..100 {
        worker.doze.woken(worker.now, worker.polls, false);
        assert_eq!(worker.wait_after(WORTH), None);
    }
}
