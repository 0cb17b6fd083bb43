use super::*;

/// Worker 0 of two, and what both have done: polls.
#[derive(Default)]
struct Worker {
    helps: Helps,
    now: Time,
    did: [Did; 2],
}

fn polls(polls: u64) -> Did {
    Did { polls, spawns: 0 }
}

impl Worker {
    /// Takes a task for each step that it makes, in the time of a probe; the other one makes so many.
    fn take_part(&mut self, own: u64, other: u64) -> bool {
        self.now += HELP.probe.0;
        self.did[0].polls += own;
        self.did[1].polls += other;
        self.helps.took(own as usize);
        self.helps.is_due(&HELP) && self.helps.asked(&HELP, self.now, 0, &self.did)
    }

    /// Stays away, while the other one makes so many steps in the time of a probe.
    fn stay_away(&mut self, other: u64) -> Time {
        assert_eq!(self.helps.take_to(), 1 << 1);
        let nap = self.helps.begin_nap(&HELP, &self.did);
        self.now += nap;
        self.did[1].polls += other * nap / HELP.probe.0;
        self.helps.end_nap(&HELP, self.now, nap, 0, &self.did);
        nap
    }
}

#[test]
fn who_is_no_help_naps_and_each_nap_is_twice_as_long_up_to_the_most() {
    let mut worker = Worker::default();
    assert!(!worker.take_part(100, 100), "the probe begins");
    let nap = |()| {
        assert!(worker.take_part(100, 100));
        worker.stay_away(200) / MICRO
    };
    // The first was to see what the other does alone.
    assert_eq!([(); 6].map(nap), [50, 100, 200, 400, 400, 400]);
}

#[test]
fn who_helps_is_not_asked_for_some_time() {
    let mut worker = Worker::default();
    assert!(!worker.take_part(100, 100), "the probe begins");
    assert!(worker.take_part(100, 100));
    worker.stay_away(100);
    assert!(!worker.take_part(100, 100), "twice as much");
    let sure_until = worker.now + HELP.sure;
    while worker.now + HELP.probe.0 < sure_until {
        assert!(!worker.take_part(1_000, 10));
    }
}

#[test]
fn who_makes_steps_quickly_or_slowly_or_for_nobody_is_not_judged() {
    let done = |own, others, busy| Done { time: MILLI, own: polls(own), others: polls(others), busy };
    let verdict = |own, others, busy| done(own, others, busy).verdict(&HELP, Some(&done(0, 1_000_000, 0b10)));
    assert_eq!(verdict(1_000, 1_000, 0b10), Verdict::Hinders);
    assert_eq!(verdict(7_000, 1_000, 0b10), Verdict::Moot);
    assert_eq!(verdict(5_000, 25_000, 0b10), Verdict::Moot);
    assert_eq!(verdict(40, 2_000, 0b10), Verdict::Moot);
    assert_eq!(verdict(1_000, 2_000, 0), Verdict::Moot);
}

#[test]
fn like_is_compared_with_like_and_who_spawns_is_only_not_to_be_held_up() {
    let done = |own, polls, spawns, busy| Done {
        time: MILLI,
        own: self::polls(own),
        others: Did { polls, spawns },
        busy,
    };
    let alone = done(0, 0, 4_000, 0b10);
    let verdict = |now: Done| now.verdict(&HELP, Some(&alone));
    assert_eq!(verdict(done(1_000, 0, 2_001, 0b10)), Verdict::Helps);
    assert_eq!(verdict(done(1_000, 0, 2_000, 0b10)), Verdict::Hinders);
    assert_eq!(verdict(done(1_000, 4_000, 0, 0b10)), Verdict::Unknown);
    let two = done(0, 0, 8_000, 0b110);
    assert_eq!(done(1_000, 0, 4_000, 0b10).verdict(&HELP, Some(&two)), Verdict::Unknown);
}

#[test]
fn a_wait_ends_the_probe() {
    let mut worker = Worker::default();
    assert!(!worker.take_part(100, 100));
    worker.helps.waited(&HELP, HELP.probe.0);
    assert!(!worker.take_part(100, 100), "another begins");
    assert!(worker.take_part(100, 100));
}
