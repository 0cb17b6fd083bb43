use super::verdict::{QUICK, SLOW};
use super::*;

const MS: Duration = Duration::from_millis(1);

fn polls(polls: u64) -> Steps {
    Steps { polls, spawns: 0 }
}

fn spawns(spawns: u64) -> Steps {
    Steps { polls: 0, spawns }
}

/// What was done in a millisecond, the others being worker 1, and more if there are more.
fn done(own: u64, others: Steps, busy: u32) -> Done {
    Done { time: MS, own: polls(own), others, busy: ((1 << busy) - 1) << 1 }
}

/// In which so many others polled so much.
fn alone(others: u64, busy: u32) -> Option<Done> {
    Some(done(0, polls(others), busy))
}

fn verdict(probe: Done, alone: Option<Done>) -> Verdict {
    probe.verdict(alone.as_ref())
}

#[test]
fn it_helps_if_all_do_more_than_the_others_do_alone() {
    assert_eq!(verdict(done(1_000, polls(1_000), 1), alone(1_000, 1)), Verdict::Helps);
    assert_eq!(verdict(done(1_000, polls(101), 1), alone(1_000, 1)), Verdict::Helps);
    assert_eq!(verdict(done(1_000, polls(100), 1), alone(1_000, 1)), Verdict::Hinders);
    assert_eq!(verdict(done(1_000, polls(100), 1), alone(2_000, 1)), Verdict::Hinders);
}

#[test]
fn of_many_each_is_to_add_a_tenth_of_what_one_does() {
    assert_eq!(verdict(done(1_000, polls(4_000), 4), alone(4_000, 4)), Verdict::Helps);
    assert_eq!(verdict(done(1_000, polls(3_101), 4), alone(4_000, 4)), Verdict::Helps);
    assert_eq!(verdict(done(1_000, polls(3_100), 4), alone(4_000, 4)), Verdict::Hinders);
}

#[test]
fn what_the_others_do_alone_is_to_be_seen_first() {
    assert_eq!(verdict(done(1_000, polls(1_000), 1), None), Verdict::Unknown);
}

#[test]
fn nothing_is_told_by_a_nap_beside_more_than_are_busy_now() {
    // Where each works for himself: three were busy, and two of them nap now.
    assert_eq!(verdict(done(1_000, polls(1_000), 1), alone(3_000, 3)), Verdict::Unknown);
}

#[test]
fn it_hinders_who_does_less_beside_it_than_beside_more() {
    // All share in what one does faster: one was at work, another came by now and then, and one of them is here now.
    assert_eq!(verdict(done(100, polls(100), 1), alone(1_000, 2)), Verdict::Hinders);
}

#[test]
fn those_who_have_come_back_since_are_reckoned_in() {
    // Each works for himself: one was busy, and three are now.
    assert_eq!(verdict(done(1_000, polls(3_000), 3), alone(1_000, 1)), Verdict::Helps);
    // All share in what one does faster.
    assert_eq!(verdict(done(100, polls(300), 3), alone(1_000, 1)), Verdict::Hinders);
}

#[test]
fn a_poll_is_not_held_against_a_spawn() {
    let spawner = Some(done(0, spawns(20_000), 1));
    // What is spawned takes 1 µs, and a spawn 50 ns: all together make fewer steps, and yet the spawner makes as many.
    assert_eq!(verdict(done(1_000, spawns(18_000), 1), spawner), Verdict::Helps);
    assert_eq!(verdict(done(1_000, spawns(10_001), 1), spawner), Verdict::Helps);
    assert_eq!(verdict(done(5_000, spawns(10_000), 1), spawner), Verdict::Hinders);
    // Two others have come to poll what he spawns. Or of two who spawned one does.
    assert_eq!(verdict(done(1_000, Steps { polls: 2_000, spawns: 10_001 }, 3), spawner), Verdict::Helps);
    assert_eq!(verdict(done(1_000, spawns(10_001), 1), Some(done(0, spawns(40_000), 2))), Verdict::Unknown);
    // He has gone on to polls since, or did not spawn then.
    assert_eq!(verdict(done(1_000, polls(1_000), 1), spawner), Verdict::Unknown);
    assert_eq!(verdict(done(1_000, spawns(10_000), 1), alone(1_000, 1)), Verdict::Unknown);
}

#[test]
fn who_spawns_and_polls_by_turns_is_judged_by_both() {
    let both = Steps { polls: 500, spawns: 500 };
    assert_eq!(verdict(done(1_000, both, 1), Some(done(0, both, 1))), Verdict::Helps);
    assert_eq!(verdict(done(50, both, 1), Some(done(0, both, 1))), Verdict::Hinders);
}

#[test]
fn who_makes_steps_quickly_or_slowly_is_not_judged() {
    let rate = |time: Duration| MS.as_nanos() as u64 / time.as_nanos() as u64;
    let alone = alone(1_000_000, 1);
    let quick = rate(QUICK.0);
    assert_eq!(verdict(done(quick + 100, polls(100), 1), alone), Verdict::Moot);
    assert_eq!(verdict(done(quick, polls(100), 1), alone), Verdict::Hinders);
    let all = 2 * rate(QUICK.1);
    assert_eq!(verdict(done(quick, polls(all + 100 - quick), 1), alone), Verdict::Moot);
    assert_eq!(verdict(done(quick, polls(all - quick), 1), alone), Verdict::Hinders);
    let slow = rate(SLOW);
    assert_eq!(verdict(done(slow, polls(1_000), 1), alone), Verdict::Hinders);
    assert_eq!(verdict(done(slow - 1, polls(1_000), 1), alone), Verdict::Moot);
    assert_eq!(verdict(done(0, polls(1_000), 1), alone), Verdict::Moot);
}

#[test]
fn nothing_is_left_to_nobody() {
    assert_eq!(verdict(done(1_000, polls(0), 0), None), Verdict::Moot);
    assert_eq!(verdict(done(1_000, polls(0), 0), alone(5_000, 1)), Verdict::Moot);
}

#[test]
fn who_makes_no_step_in_20_us_does_not_get_on() {
    let of = |steps: [u64; 3]| Done::of(MS, 0, steps.into_iter().map(polls)).busy;
    assert_eq!(of([0, 50, 49]), 0b010);
    assert_eq!(of([1_000, 0, 50]), 0b100, "nor is it itself one of the others");
}

/// Worker 0 of two or more, with a clock, and what all have done.
struct Worker {
    help: Help,
    now: Instant,
    steps: Vec<Steps>,
}

impl Worker {
    fn of(workers: usize) -> Worker {
        Worker { help: Help::new(workers), now: Instant::now(), steps: vec![Steps::default(); workers] }
    }

    fn new() -> Worker {
        Worker::of(2)
    }

    fn passes(&mut self, time: Duration, own: u64, other: u64) {
        self.now += time;
        self.steps[0].polls += own;
        self.steps[1].polls += other;
    }

    /// Takes a task for each step that it makes, in the time of a probe; the other one makes so many.
    fn take_part(&mut self, own: u64, other: u64) -> bool {
        self.passes(PROBE, own, other);
        self.help.took(usize::try_from(own).unwrap());
        self.ask()
    }

    fn ask(&self) -> bool {
        self.help.is_due() && self.help.asked(self.now, 0, |worker| self.steps[worker])
    }

    /// Stays away, while the other one makes so many steps in the time of a probe.
    fn stay_away(&mut self, other: u64) -> Duration {
        assert_eq!(self.help.take_to().map(NonZero::get), Some(1 << 1));
        let nap = self.help.begin_nap(|worker| self.steps[worker]);
        self.passes(
            nap,
            0,
            other * u64::try_from(nap.as_nanos()).unwrap() / u64::try_from(PROBE.as_nanos()).unwrap(),
        );
        self.help.end_nap(self.now, nap, 0, |worker| self.steps[worker]);
        nap
    }

    /// For how long it is not asked whatever it takes.
    fn rests(&self) -> Duration {
        self.help.until.get().expect("it is asked").saturating_duration_since(self.now)
    }
}

#[test]
fn it_takes_part_looks_on_and_takes_part_before_it_knows() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100), "the probe begins");
    assert!(worker.take_part(100, 100));
    assert_eq!(worker.stay_away(100), NAPS.0);
    assert_eq!(worker.help.take_to(), None);
    assert!(!worker.take_part(100, 100), "twice as much");
    // It is sure of it, whatever comes, for some time.
    assert_eq!(worker.rests(), SURE);
    assert!(!worker.take_part(100, 0));
    assert!(!worker.take_part(600, 10));
    assert!(!worker.take_part(600, 10));
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
    assert_eq!(worker.help.naps.get(), 0);
}

#[test]
fn who_is_stuck_meanwhile_is_left_nothing_for_some_time() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    assert!(worker.take_part(100, 100));
    worker.stay_away(0);
    assert_eq!(worker.rests(), SURE, "a nap beside one who is stuck tells nothing");
    assert!(!worker.take_part(100, 0));
}

#[test]
fn who_was_not_to_nap_is_asked_anew() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    assert!(worker.take_part(100, 100));
    assert!(worker.help.take_to().is_some());
    worker.help.stays();
    assert!(!worker.take_part(100, 100), "the probe begins");
    assert!(worker.take_part(100, 100));
}

#[test]
fn after_a_nap_that_was_cut_short_it_is_not_asked_for_some_time() {
    let mut worker = Worker::new();
    worker.steps[1].polls = 1_000;
    worker.help.end_nap(worker.now, NAPS.0 / 4, 0, |worker_| worker.steps[worker_]);
    assert_eq!(worker.rests(), SURE);
}

#[test]
fn what_cannot_be_told_by_three_naps_is_not_asked_for_some_time() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    for _ in 0..UNKNOWN {
        assert!(worker.take_part(100, 100));
        let before = worker.steps[1];
        assert_eq!(worker.stay_away(100), NAPS.0, "not longer either");
        // Only spawns are seen in each nap, and only polls in each probe.
        let seen = worker.steps[1].since(before);
        let probe = worker.help.probe.get().unwrap();
        worker.help.probe.set(Some(Probe {
            alone: Some(Done { others: spawns(seen.polls), ..probe.alone.unwrap() }),
            ..probe
        }));
    }
    assert!(!worker.take_part(100, 100));
    assert_eq!(worker.rests(), SURE);
}

#[test]
fn where_there_is_nothing_to_be_told_all_are_looked_at_the_less_often_the_more_there_are() {
    for workers in [2, 8] {
        let mut worker = Worker::of(workers);
        assert!(!worker.take_part(100, 100));
        assert!(!worker.take_part(100, 0), "nobody else got on");
        assert_eq!(worker.rests(), MOOT * u32::try_from(workers).unwrap());
    }
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

#[test]
fn what_was_said_is_good_for_the_next_park_and_no_other() {
    let mut worker = Worker::new();
    assert!(!worker.take_part(100, 100));
    assert!(worker.take_part(100, 100));
    assert!(worker.help.take_to().is_some());
    assert_eq!(worker.help.take_to(), None);
}
