//! The supervisor's thread: what it does at each sample.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::driver::Driver;
use crate::idle::Idle;
use crate::primitives::barrier;
use crate::stall::StallReport;
use crate::supervisor::alarm::Alarm;
use crate::supervisor::births::{Births, Taken};
use crate::supervisor::exhausted::Exhausted;
use crate::supervisor::stalls::Stalls;
use crate::supervisor::timer::SystemTimer;
use crate::supervisor::watch::{Seen, Watch};
use crate::task::Sight;

/// How long all must be idle before the supervisor sleeps, where it costs whoever is awake next an unpark, some 5 µs: ten a
/// second at most.
const QUIET: Duration = Duration::from_millis(100);

/// The longest time without a sample while anything goes on, however often it is put off.
const LONGEST: Duration = Duration::from_secs(1);

/// How long the report of a panic excuses a poll: a backtrace takes some 100 ms in a debug build.
pub(crate) const EXCUSED: Duration = Duration::from_secs(1);

/// How old the supervisor must be to do what takes the system some time, once a process: what ends sooner does not wait for that.
const SETTLE: Duration = Duration::from_secs(1);

/// The time between two tries to get a thread that was refused: long enough for somebody else's to end.
const RETRY: Duration = Duration::from_millis(100);

/// The time between two turns of the driver while the last workers leave: a tick of the timers.
const CLOSING_TURN: Duration = Duration::from_millis(1);

/// How long the last workers may take to leave before somebody sees to what they may be waiting for: long against a poll.
const PATIENCE: Duration = Duration::from_millis(10);

/// A runtime as its supervisor sees it; the scheduler implements it.
pub(crate) trait Supervised {
    fn supervisor(&self) -> &Supervisor;
    fn driver(&self) -> &Driver;
    fn idle(&self) -> &Idle;

    /// How long a poll may last while others wait; `Duration::MAX`: for ever.
    fn stall_threshold(&self) -> Duration;

    /// The slots that a spare can stand in for. Not the guest's: the workers are there for what it leaves.
    fn slots(&self) -> impl Iterator<Item = usize>;

    /// Counts the beginnings and ends of the slot's polls.
    fn heartbeat(&self, slot: usize) -> u64;

    /// Which task identifiers are handed out.
    fn taken(&self, at: Instant) -> Taken;

    /// The task of the slot's poll, if that is the one with this beat.
    fn polled_task(&self, slot: usize, beat: u64) -> Option<Sight>;

    /// Whether the slot's thread has said itself that it blocks, or may be reporting a panic in the poll with this beat, which has lasted so long.
    fn has_excuse(&self, slot: usize, beat: u64, lasted: Duration) -> bool;

    /// Tells whoever wants to know of a stall. The user's code runs in there.
    fn report(&self, report: StallReport);

    /// Whether the stuck slots, so many, are all that there are, and no other can be had.
    fn has_no_thread_left(&self, stuck: usize) -> bool;

    /// Says that no thread is left: so many are blocked, all spares among them, and this task for longest of all.
    fn say_exhausted(&self, blocked: usize, longest: Option<(Sight, Duration)>);

    /// Puts what only the slot's own thread would run where others find it.
    fn expose(&self, slot: usize);

    /// Whether something is queued.
    fn work_waits(&self) -> bool;

    /// Finds somebody to stand in for the slot, unless somebody does.
    fn cover(&self, slot: usize);

    /// The slot's thread is back.
    fn uncover(&self, slot: usize);

    /// Tries once more to find a thread for slots that are covered in the books only.
    fn retry_cover(&self);

    /// The runtime is shutting down.
    fn is_closed(&self) -> bool;

    /// Threads that still take part, the supervisor's included.
    fn members(&self) -> usize;

    /// Starts a thread, a member, that cancels what nobody runs. False if it was refused.
    fn start_clearing(&self) -> bool;

    /// Calls a parked worker, which will find work, and the driver free. False if none is parked.
    fn call_parked(&self) -> bool;

    /// Asks the next worker between two polls to turn the driver.
    fn set_driver_overdue(&self);

    /// Does a step towards giving back what a burst has left, and says after what time the next is due, if any.
    fn tidy(&self, now: Instant) -> Option<Duration>;

    /// Whether `tidy` has something to do, now or later.
    fn is_untidy(&self) -> bool;
}

pub(crate) struct Supervisor {
    /// Called by who knows nothing of the thread, perhaps before there is one.
    alarm: Alarm<SystemTimer>,
    rescues: AtomicU64,
    stalls: AtomicU64,
    stalled: AtomicUsize,
    memory: Mutex<Memory>,
}

/// What the supervisor has seen, for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) births: Births,
    /// By slot: the beat of the poll that was under way at the last sample, and how long it had been.
    polls: Vec<(u64, Duration)>,
}

impl Memory {
    /// How long that poll has lasted, if it was under way at two samples.
    pub(crate) fn polled_for(&self, slot: usize, beat: u64) -> Option<Duration> {
        self.polls.get(slot).filter(|(seen, age)| *seen == beat && !age.is_zero()).map(|(_, age)| *age)
    }
}

impl Supervisor {
    /// `threshold`: `None` for one that does not sample.
    pub(crate) fn new(threshold: Option<Duration>) -> Supervisor {
        let timer = if threshold.is_some() { SystemTimer::new() } else { SystemTimer::plain() };
        let period = threshold.map_or(u64::MAX, |threshold| nanos(threshold / 2).max(1));
        Supervisor {
            alarm: Alarm::new(timer, period, nanos(LONGEST)),
            rescues: AtomicU64::new(0),
            stalls: AtomicU64::new(0),
            stalled: AtomicUsize::new(0),
            memory: Mutex::default(),
        }
    }

    /// Ends its sleep, or else its next.
    #[cold]
    pub(crate) fn call(&self) {
        self.alarm.call();
    }

    /// Somebody is awake, who has taken the flag down that says that the supervisor is not.
    #[cold]
    pub(crate) fn arm(&self) {
        self.alarm.arm(self.alarm.timer().nanos(Instant::now()));
    }

    /// Nobody was awake at `now`, and the caller has become so since. True: the next sample was put off for that, and what
    /// it would have noted is the caller's to note.
    #[inline]
    pub(crate) fn postpone(&self, now: Instant) -> bool {
        self.alarm.postpone(self.alarm.timer().nanos(now))
    }

    pub(crate) fn rescues(&self) -> u64 {
        // Relaxed: a figure.
        self.rescues.load(Ordering::Relaxed)
    }

    pub(crate) fn stalls(&self) -> u64 {
        // Relaxed: a figure.
        self.stalls.load(Ordering::Relaxed)
    }

    /// Workers that are stuck now.
    pub(crate) fn stalled(&self) -> usize {
        // Relaxed: a figure.
        self.stalled.load(Ordering::Relaxed)
    }

    /// As `remember`, unless somebody else is looking, who may take long over it.
    pub(crate) fn remember_if_free(&self, look: impl FnOnce(&mut Memory)) {
        if let Some(mut memory) = self.memory.try_lock() {
            look(&mut memory);
        }
    }

    /// Lets the caller look at what the supervisor has seen. Nothing in `look` may take another lock.
    pub(crate) fn remember<R>(&self, look: impl FnOnce(&mut Memory) -> R) -> R {
        look(&mut self.memory.lock())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The life of the supervisor's thread.
pub(crate) fn run(shared: &impl Supervised) {
    let alarm = &shared.supervisor().alarm;
    let patience = if alarm.timer().is_quiet() { Duration::ZERO } else { QUIET };
    let mut sampler = Sampler::new(shared);
    let (mut in_order, mut tidies, mut quiet) = (true, false, Duration::ZERO);
    let mut period = sampler.coarse();
    let began = Instant::now();
    while !shared.is_closed() {
        let until_settled = SETTLE.saturating_sub(began.elapsed());
        if until_settled.is_zero() {
            barrier::register();
        }
        if shared.stall_threshold() == Duration::MAX {
            // Nothing is sampled: it waits for its end, and is called for that.
            set_after(alarm, until_settled);
            let _ = alarm.wait();
            continue;
        }
        let has_slept = quiet > patience && sleep_while_idle(shared, until_settled);
        if has_slept {
            quiet = Duration::ZERO;
        } else {
            // While a slot is stuck or covered, or memory is being given back, others may not move the sample.
            let longest = if in_order && !tidies { LONGEST } else { period };
            pause(alarm, period, longest, || shared.is_closed());
        }
        in_order = sampler.sample(period);
        // Until that is done it does not sleep, which is a matter of seconds.
        let tidying = shared.tidy(Instant::now());
        tidies = tidying.is_some();
        quiet = if in_order && is_quiet(shared) { quiet.saturating_add(period) } else { Duration::ZERO };
        period = if in_order { sampler.coarse() } else { sampler.fine() };
        period = tidying.map_or(period, |after| period.min(after));
    }
    see_them_out(shared, &mut sampler);
}

/// Lets a period pass, all of it: a sample counts for one, whoever calls meanwhile. Others may make it longer, up to `longest`.
pub(super) fn pause(
    alarm: &Alarm<SystemTimer>,
    period: Duration,
    longest: Duration,
    is_closed: impl Fn() -> bool,
) {
    let timer = alarm.timer();
    let began = timer.nanos(Instant::now());
    let due = began.saturating_add(nanos(period));
    while !is_closed() && timer.nanos(Instant::now()) < due {
        alarm.set(due, began.saturating_add(nanos(longest)));
        // What it is called for is looked at before the next sleep.
        let _ = alarm.wait();
    }
}

/// A wait that is about to begin ends after `time`, unless that is none.
fn set_after(alarm: &Alarm<SystemTimer>, time: Duration) {
    if !time.is_zero() {
        let at = alarm.timer().nanos(Instant::now() + time);
        alarm.set(at, at);
    }
}

/// Sleeps until a period after a slot has become awake; while the supervisor is young, no longer than it is. False: somebody was awake.
fn sleep_while_idle(shared: &impl Supervised, until_settled: Duration) -> bool {
    let (idle, supervisor) = (shared.idle(), shared.supervisor());
    let alarm = &supervisor.alarm;
    // All before the flag is up: from then on others set it.
    alarm.fall_asleep();
    set_after(alarm, until_settled);
    // Whoever woke up before is seen here; whoever does so later lowers the flag.
    let sleeps = idle.supervisor_sleep() && is_quiet(shared) && !shared.is_closed() && !shared.is_untidy();
    let woken = if sleeps { alarm.wait() } else { alarm.get_up() };
    idle.supervisor_awake();
    if sleeps {
        // Whoever spawns has it armed: nothing was spawned until then.
        let rested = woken.since.map_or_else(Instant::now, |since| alarm.timer().instant(since));
        supervisor.remember(|memory| memory.births.rested(rested));
    }
    sleeps
}

/// What the supervisor remembers from one sample to the next.
struct Sampler<'a, S> {
    shared: &'a S,
    /// By slot; the guest's is never used.
    watches: Vec<Watch>,
    /// Turns of the driver at the last sample.
    turns: u64,
    /// When that was.
    sampled: Instant,
    since_retry: Duration,
    stalls: Stalls,
    exhausted: Exhausted,
}

impl<'a, S: Supervised> Sampler<'a, S> {
    fn new(shared: &'a S) -> Sampler<'a, S> {
        let slots = shared.slots().max().map_or(0, |last| last + 1);
        let watches = vec![Watch::default(); slots];
        let sampler = Sampler {
            shared,
            watches,
            turns: shared.driver().turns(),
            sampled: Instant::now(),
            since_retry: Duration::ZERO,
            stalls: Stalls::default(),
            exhausted: Exhausted::default(),
        };
        sampler.memorize();
        sampler
    }

    fn memorize(&self) {
        let taken = self.shared.taken(Instant::now());
        self.shared.supervisor().remember(|memory| {
            memory.births.add(taken);
            memory.polls.clear();
            memory.polls.extend(self.watches.iter().map(Watch::poll));
        });
    }

    fn coarse(&self) -> Duration {
        self.shared.stall_threshold() / 2
    }

    fn fine(&self) -> Duration {
        self.shared.stall_threshold() / 4
    }

    /// Looks at all slots and the driver and acts. The polls seen before are `passed` older now. True: all is in order.
    fn sample(&mut self, passed: Duration) -> bool {
        let elapsed = self.elapsed();
        let stuck = self.look_at_slots(passed, elapsed);
        self.memorize();
        let neglected = self.look_at_driver();
        if (neglected || stuck > 0 && self.shared.work_waits()) && !self.shared.call_parked() {
            if stuck > 0 {
                // One thread is enough to hold the driver.
                let most = if self.shared.work_waits() { stuck } else { 1 };
                self.cover_stuck(most, passed);
            }
            if neglected {
                self.shared.set_driver_overdue();
            }
        }
        // Last of all: the user's code may take its time.
        self.report();
        let is_so = self.shared.has_no_thread_left(stuck) && (neglected || self.shared.work_waits());
        if self.exhausted.sample(is_so, passed, elapsed) {
            self.shared.say_exhausted(stuck, self.longest());
        }
        !neglected && self.watches.iter().all(Watch::is_in_order)
    }

    /// As `sample`, where nobody stands in for anybody any more: to be able to say who keeps the runtime from ending.
    fn sample_the_last(&mut self, passed: Duration) {
        let elapsed = self.elapsed();
        self.look_at_slots(passed, elapsed);
        self.memorize();
        self.report();
    }

    /// Since the last sample.
    fn elapsed(&mut self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(std::mem::replace(&mut self.sampled, now))
    }

    fn report(&mut self) {
        for report in self.stalls.take_due() {
            self.shared.report(report);
        }
    }

    /// The poll that has lasted for longest, if it is not over.
    fn longest(&self) -> Option<(Sight, Duration)> {
        let slot = self.shared.slots().max_by_key(|&slot| self.watches[slot].poll().1)?;
        let (beat, lasted) = self.watches[slot].poll();
        Some((self.shared.polled_task(slot, beat)?, lasted))
    }

    /// How many slots are stuck.
    fn look_at_slots(&mut self, passed: Duration, elapsed: Duration) -> usize {
        let (shared, threshold) = (self.shared, self.shared.stall_threshold());
        let mut stuck = 0;
        self.stalls.pass(elapsed);
        for slot in shared.slots() {
            let watch = &mut self.watches[slot];
            match watch.sample(shared.heartbeat(slot), passed, threshold) {
                Seen::Moved => {
                    self.stalls.end(slot);
                    if watch.take_covered() {
                        shared.uncover(slot);
                    }
                }
                Seen::Slow => {}
                Seen::Stuck { first } => {
                    let (beat, lasted) = watch.poll();
                    if first {
                        // Relaxed: a figure.
                        shared.supervisor().stalls.fetch_add(1, Ordering::Relaxed);
                    }
                    // What had an excuse at first need not have one for ever.
                    if (first || lasted >= EXCUSED && !self.stalls.is_open(slot))
                        && !shared.has_excuse(slot, beat, lasted)
                        && let Some(task) = shared.polled_task(slot, beat)
                    {
                        self.stalls.begin(slot, task.id, task.label, lasted);
                    }
                    self.stalls.go_on(slot, lasted);
                    // At each sample: the poll may have woken another task meanwhile.
                    shared.expose(slot);
                    stuck += 1;
                }
            }
        }
        // Relaxed: a figure.
        shared.supervisor().stalled.store(self.stalls.open(), Ordering::Relaxed);
        stuck
    }

    /// Whether the driver was left alone since the last sample although somebody waits for it.
    fn look_at_driver(&mut self) -> bool {
        let driver = self.shared.driver();
        let turns = driver.turns();
        let forgotten = turns == self.turns && !driver.is_held();
        self.turns = turns;
        if forgotten && driver.somebody_waits() {
            // Relaxed: a figure.
            self.shared.supervisor().rescues.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        // Nobody needs it yet; but who registers next may be a thread that wakes no worker.
        if !driver.is_held() && self.shared.idle().awake() == 0 {
            self.shared.call_parked();
        }
        false
    }

    fn cover_stuck(&mut self, most: usize, passed: Duration) {
        let mut left = most;
        for slot in self.shared.slots() {
            let watch = &mut self.watches[slot];
            if !watch.is_stuck() {
                continue;
            }
            if watch.is_covered() {
                // Again: a task that has blocked in place meanwhile has taken the wish over, and with it away.
                self.shared.cover(slot);
            } else if left > 0 {
                watch.set_covered();
                self.shared.cover(slot);
                left -= 1;
            }
        }
        self.since_retry += passed;
        if self.since_retry >= RETRY {
            self.since_retry = Duration::ZERO;
            self.shared.retry_cover();
        }
    }
}

/// Workers leave one by one. One that is still inside a poll may wait there for a socket or a timer (in a destructor, say):
/// until it has left, this thread is the one that turns the driver. Or for a task, which nobody runs any more: another thread cancels
/// these, whose destructors may wait for a socket or a timer in turn.
fn see_them_out<S: Supervised>(shared: &S, sampler: &mut Sampler<'_, S>) {
    let alarm = &shared.supervisor().alarm;
    let began = Instant::now();
    let mut sampled = began;
    let mut clearing = false;
    while shared.members() > 1 {
        // What it wakes goes to the injector: this thread holds no slot.
        if let Some(token) = shared.driver().try_take() {
            // Somebody's waker may panic.
            drop(catch_unwind(AssertUnwindSafe(|| token.turn(reactor_hook::now()))));
        }
        if !clearing && began.elapsed() >= PATIENCE {
            clearing = shared.start_clearing();
        }
        if shared.stall_threshold() != Duration::MAX && sampled.elapsed() >= sampler.fine() {
            sampled = Instant::now();
            sampler.sample_the_last(sampler.fine());
        }
        set_after(alarm, CLOSING_TURN);
        let _ = alarm.wait();
    }
    // Who came out of a long poll last has done so.
    sampler.sample_the_last(Duration::ZERO);
}

/// Nothing runs, and somebody waits in the driver.
fn is_quiet(shared: &impl Supervised) -> bool {
    shared.idle().awake() == 0 && shared.driver().is_held()
}
