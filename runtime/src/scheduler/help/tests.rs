use super::*;

const MS: Duration = Duration::from_millis(1);

/// What was done in a millisecond, the others being worker 1, and more if there are more.
fn done(own: u64, all: u64, others: u32) -> Done {
    Done { time: MS, own, all, busy: ((1 << others) - 1) << 1 }
}

#[test]
fn it_helps_if_all_do_more_than_the_others_do_alone() {
    assert_eq!(done(1_000, 2_000, 1).verdict(Some(1_000)), Verdict::Helps);
    assert_eq!(done(1_000, 1_101, 1).verdict(Some(1_000)), Verdict::Helps);
    assert_eq!(done(1_000, 1_100, 1).verdict(Some(1_000)), Verdict::Hinders(1 << 1));
    assert_eq!(done(1_000, 1_100, 1).verdict(Some(2_000)), Verdict::Hinders(1 << 1));
}

#[test]
fn of_many_each_is_to_add_a_tenth_of_what_one_does() {
    assert_eq!(done(1_000, 5_000, 4).verdict(Some(4_000)), Verdict::Helps);
    assert_eq!(done(1_000, 4_101, 4).verdict(Some(4_000)), Verdict::Helps);
    assert_eq!(done(1_000, 4_100, 4).verdict(Some(4_000)), Verdict::Hinders(0b11110));
}

#[test]
fn what_the_others_do_alone_is_to_be_seen_first() {
    assert_eq!(done(1_000, 2_000, 1).verdict(None), Verdict::Unknown);
}

#[test]
fn who_makes_steps_quickly_or_slowly_is_not_judged() {
    let alone = Some(1_000_000);
    let quick = rate(1, QUICK.0);
    assert_eq!(done(quick + 100, quick + 200, 1).verdict(alone), Verdict::Moot);
    assert_eq!(done(quick, quick + 100, 1).verdict(alone), Verdict::Hinders(1 << 1));
    let all = 2 * rate(1, QUICK.1);
    assert_eq!(done(quick, all + 100, 1).verdict(alone), Verdict::Moot);
    assert_eq!(done(quick, all, 1).verdict(alone), Verdict::Hinders(1 << 1));
    let slow = rate(1, SLOW);
    assert_eq!(done(slow, 1_000, 1).verdict(alone), Verdict::Hinders(1 << 1));
    assert_eq!(done(slow - 1, 1_000, 1).verdict(alone), Verdict::Moot);
    assert_eq!(done(0, 1_000, 1).verdict(alone), Verdict::Moot);
}

#[test]
fn nothing_is_left_to_nobody() {
    assert_eq!(done(1_000, 1_000, 0).verdict(None), Verdict::Moot);
    assert_eq!(done(1_000, 1_000, 0).verdict(Some(5_000)), Verdict::Moot);
}

/// Worker 0 of two, with a clock, and what both have done.
struct Worker {
    help: Help,
    now: Instant,
    steps: [u64; 2],
}

impl Worker {
    fn new() -> Worker {
        Worker { help: Help::new(2), now: Instant::now(), steps: [0; 2] }
    }

    /// Takes a task for each step that it makes, in the time of a probe; the other one makes so many.
    fn take_part(&mut self, own: u64, other: u64) -> bool {
        self.steps[0] += own;
        self.steps[1] += other;
        self.now += PROBE;
        self.help.took(usize::try_from(own).unwrap());
        self.ask()
    }

    fn ask(&self) -> bool {
        let steps = self.steps;
        self.help.is_due() && self.help.asked(self.now, 0, |worker| steps[worker])
    }

    /// Stays away, while the other one makes so many steps in the time of a probe.
    fn stay_away(&mut self, other: u64) -> Duration {
        let steps = self.steps;
        let nap = self.help.begin_nap(|worker| steps[worker]);
        self.now += nap;
        self.steps[1] += other * nanos(nap) / nanos(PROBE);
        let steps = self.steps;
        self.help.end_nap(self.now, nap, 0, |worker| steps[worker]);
        nap
    }
}

#[test]
fn it_takes_part_looks_on_and_takes_part_before_it_knows() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100), "the probe begins");
    assert!(worker.take_part(100, 100));
    assert_eq!(worker.help.to(), 1 << 1);
    assert_eq!(worker.stay_away(100), NAPS.0);
    assert_eq!(worker.help.to(), 0);
    assert!(!worker.take_part(100, 100), "twice as much");
    // It is sure of it, whatever comes, for some time.
    assert!(!worker.take_part(100, 0));
    assert!(!worker.take_part(100, 10));
}

#[test]
fn naps_grow_while_it_hinders_are_bounded_and_begin_anew() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    let mut nap = |own| worker.take_part(own, 100).then(|| worker.stay_away(200));
    let naps: Vec<_> = (0..10).filter_map(|_| nap(100)).collect();
    assert!(naps.is_sorted());
    assert_eq!((naps.len(), naps[0], naps[1], naps[9]), (10, NAPS.0, 2 * NAPS.0, NAPS.1));
    assert_eq!(nap(200), None, "half as much again");
    assert_eq!(worker.naps_in_a_row(), 0);
}

impl Worker {
    fn naps_in_a_row(&self) -> u32 {
        self.help.naps.get()
    }
}

#[test]
fn who_is_stuck_meanwhile_is_left_nothing_the_next_time() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    assert!(worker.take_part(100, 100));
    worker.stay_away(0);
    assert!(worker.help.probe.get().unwrap().alone.is_none(), "a nap beside one who is stuck tells nothing");
    assert!(!worker.take_part(100, 0));
    assert_eq!(worker.naps_in_a_row(), 0);
}

#[test]
fn a_nap_that_was_cut_short_tells_nothing() {
    let worker = Worker::new();
    worker.help.end_nap(worker.now, NAPS.0 / 4, 0, |worker| [0, 1_000][worker]);
    assert!(worker.help.probe.get().unwrap().alone.is_none());
}

#[test]
fn a_few_tasks_are_not_asked_about() {
    let mut worker = Worker::new();
    worker.help.took(ENOUGH as usize - 1);
    assert!(!worker.help.is_due());
    worker.help.took(1);
    assert!(worker.help.is_due());
    // And as long as the time is too short to tell, again when twice as many were taken.
    assert!(!worker.ask(), "the probe begins");
    worker.help.took(ENOUGH as usize);
    worker.now += PROBE / 2;
    assert!(!worker.ask());
    assert!(!worker.help.is_due());
    worker.help.took(ENOUGH as usize);
    assert!(worker.help.is_due());
}

#[test]
fn a_wait_ends_the_probe() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    worker.help.waited(PROBE);
    assert!(!worker.take_part(100, 100), "another begins");
    worker.help.waited(PROBE / 8);
    assert!(worker.take_part(100, 100));
}
