//! Which thread runs which job: the protocol of the README, without threads, clocks and closures.
// Public for the model only.
#![cfg_attr(not(runtime_loom), allow(unreachable_pub))]

use std::collections::VecDeque;
use std::fmt;
use std::ops::DerefMut;
use std::sync::Arc;

use super::seat::Seat;
use crate::primitives::Mutex;

/// Jobs that the memory of an empty queue has room for at most: a burst's is given back.
const KEPT: usize = 1024;

/// The queue, the idle stack and the count of workers, behind one lock.
pub struct Core<J> {
    state: Mutex<State<J>>,
    cap: usize,
}

struct State<J> {
    queue: VecDeque<J>,
    first: u64,
    idle: Vec<Arc<Seat>>,
    workers: usize,
    waking: bool,
    creating: bool,
    closed: bool,
}

/// Serial number of a job that was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// Whom to send for, after the unlock.
#[derive(Debug)]
#[must_use]
pub enum Summon {
    /// Nobody: there is no job left, somebody is on the way, or every thread there may be is busy and will look.
    Nobody,
    /// Unpark this one.
    Wake(Arc<Seat>),
    /// Create a thread: it starts with [`Arrival::Created`], or [`Core::not_created`] is called.
    Create,
}

/// What became of a job.
#[derive(Debug)]
#[must_use]
pub enum Submitted<J> {
    /// It is in the queue.
    Queued(Ticket, Summon),
    /// The pool is closed: drop the job.
    Closed(J),
}

/// Where a thread that looks at the queue comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was created, and looks for the first time.
    Created,
    /// It was idle, and somebody raised its flag.
    Woken,
    /// It has run a job.
    Finished,
}

/// What a thread does next.
#[derive(Debug)]
#[must_use]
pub enum Next<J> {
    /// Send for somebody, then run the job, then look again.
    Run(J, Summon),
    /// Wait for the flag of its seat, which is on the stack.
    Idle,
    /// End: it is not counted any more.
    Leave,
}

/// What a thread whose keep-alive has passed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Expired {
    /// End: it is off the stack, and not counted any more.
    Leave,
    /// Look at the queue: somebody has raised its flag.
    Woken,
}

/// Jobs that nobody would ever run: to be dropped after the unlock.
#[derive(Debug)]
#[must_use]
pub struct Orphans<J> {
    jobs: VecDeque<J>,
    first: u64,
}

impl<J> Orphans<J> {
    /// Whether the job with this ticket is among them. If not, a thread had taken it, or the closing of the pool.
    pub fn include(&self, ticket: Ticket) -> bool {
        !self.jobs.is_empty() && ticket.0 >= self.first
    }

    /// The jobs, oldest first.
    pub fn into_jobs(self) -> VecDeque<J> {
        self.jobs
    }
}

/// What closing the pool left to do.
#[derive(Debug)]
#[must_use]
pub struct Closing<J> {
    /// To be dropped.
    pub jobs: VecDeque<J>,
    /// To be unparked.
    pub seats: Vec<Arc<Seat>>,
}

/// A moment's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Threads that will look at the queue again, those being created included.
    pub threads: usize,
    /// Those of them that wait.
    pub idle: usize,
    /// Jobs that no thread has taken.
    pub queued: usize,
}

impl<J> Core<J> {
    /// An open pool without threads.
    ///
    /// # Panics
    ///
    /// When `cap` is zero: no job would ever run.
    pub fn new(cap: usize) -> Core<J> {
        assert!(cap > 0, "a blocking pool needs room for one thread at least");
        let state = State {
            queue: VecDeque::new(),
            first: 0,
            idle: Vec::new(),
            workers: 0,
            waking: false,
            creating: false,
            closed: false,
        };
        Core { state: Mutex::new(state), cap }
    }

    /// Queues a job and says whom to send for.
    pub fn submit(&self, job: J) -> Submitted<J> {
        let mut state = self.lock();
        if state.closed {
            return Submitted::Closed(job);
        }
        let ticket = Ticket(state.first.wrapping_add(state.queue.len() as u64));
        state.queue.push_back(job);
        let summon = state.summon(self.cap);
        state.check(self.cap);
        Submitted::Queued(ticket, summon)
    }

    /// The thread of `seat` looks at the queue.
    pub fn look(&self, seat: &Arc<Seat>, arrival: Arrival) -> Next<J> {
        let mut state = self.lock();
        match arrival {
            Arrival::Created => state.creating = false,
            Arrival::Woken => state.waking = false,
            Arrival::Finished => {}
        }
        if state.closed {
            state.workers -= 1;
            return Next::Leave;
        }
        let next = match state.queue.pop_front() {
            Some(job) => {
                state.first = state.first.wrapping_add(1);
                Next::Run(job, state.summon(self.cap))
            }
            None => {
                if state.queue.capacity() > KEPT {
                    state.queue = VecDeque::new();
                }
                seat.lower_flag();
                state.idle.push(Arc::clone(seat));
                Next::Idle
            }
        };
        state.check(self.cap);
        next
    }

    /// The keep-alive of the thread of `seat` has passed.
    pub fn expire(&self, seat: &Arc<Seat>) -> Expired {
        let mut state = self.lock();
        if seat.is_woken() {
            return Expired::Woken;
        }
        // The longest idle are at the bottom, and expire first.
        let place = state.idle.iter().position(|idle| Arc::ptr_eq(idle, seat));
        state.idle.remove(place.expect("a seat whose flag is down is on the stack"));
        seat.raise_flag();
        state.workers -= 1;
        state.check(self.cap);
        Expired::Leave
    }

    /// The thread that [`Summon::Create`] asked for does not come.
    pub fn not_created(&self) -> Orphans<J> {
        let mut state = self.lock();
        state.creating = false;
        state.workers -= 1;
        let first = state.first;
        let jobs = if state.workers == 0 { state.take_queue() } else { VecDeque::new() };
        state.check(self.cap);
        Orphans { jobs, first }
    }

    /// Takes no more jobs, and lets every thread leave.
    pub fn close(&self) -> Closing<J> {
        let mut state = self.lock();
        state.closed = true;
        let jobs = state.take_queue();
        let seats = std::mem::take(&mut state.idle);
        for seat in &seats {
            seat.raise_flag();
        }
        state.check(self.cap);
        Closing { jobs, seats }
    }

    /// What is there at the moment.
    pub fn counts(&self) -> Counts {
        let state = self.lock();
        Counts { threads: state.workers, idle: state.idle.len(), queued: state.queue.len() }
    }

    fn lock(&self) -> impl DerefMut<Target = State<J>> {
        self.state.lock()
    }
}

impl<J> State<J> {
    fn summon(&mut self, cap: usize) -> Summon {
        if self.queue.is_empty() || self.waking {
            return Summon::Nobody;
        }
        if let Some(seat) = self.idle.pop() {
            seat.raise_flag();
            self.waking = true;
            return Summon::Wake(seat);
        }
        if self.creating || self.workers == cap {
            return Summon::Nobody;
        }
        self.workers += 1;
        self.creating = true;
        Summon::Create
    }

    fn take_queue(&mut self) -> VecDeque<J> {
        self.first = self.first.wrapping_add(self.queue.len() as u64);
        std::mem::take(&mut self.queue)
    }

    /// The README's invariant, as far as these fields tell.
    fn check(&self, cap: usize) {
        debug_assert!(self.workers <= cap);
        debug_assert!(self.idle.len() <= self.workers);
        debug_assert!(!self.closed || (self.queue.is_empty() && self.idle.is_empty()));
        debug_assert!(
            self.queue.is_empty()
                || self.waking
                || self.creating
                || (self.idle.is_empty() && self.workers > 0),
            "a job is queued and nobody will look"
        );
    }
}

impl<J> fmt::Debug for Core<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Core")
            .field("queued", &state.queue.len())
            .field("workers", &state.workers)
            .field("idle", &state.idle.len())
            .field("waking", &state.waking)
            .field("creating", &state.creating)
            .field("closed", &state.closed)
            .field("cap", &self.cap)
            .finish()
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests {
    use super::*;

    fn queued(submitted: Submitted<u8>) -> (Ticket, Summon) {
        match submitted {
            Submitted::Queued(ticket, summon) => (ticket, summon),
            Submitted::Closed(job) => panic!("{job} was refused"),
        }
    }

    fn idle(core: &Core<u8>) -> Arc<Seat> {
        let (_, summon) = queued(core.submit(0));
        assert!(matches!(summon, Summon::Create));
        let seat = Seat::new();
        assert!(matches!(core.look(&seat, Arrival::Created), Next::Run(0, Summon::Nobody)));
        seat
    }

    /// Threads that have run a job each, and are idle, the last on top.
    fn idlers<const N: usize>(core: &Core<u8>) -> [Arc<Seat>; N] {
        let seats = std::array::from_fn(|_| idle(core));
        for seat in &seats {
            assert!(matches!(core.look(seat, Arrival::Finished), Next::Idle));
            assert!(!seat.is_woken());
        }
        seats
    }

    fn wakes(summon: Summon, seat: &Arc<Seat>) {
        assert!(matches!(summon, Summon::Wake(woken) if Arc::ptr_eq(&woken, seat)));
        assert!(seat.is_woken());
    }

    #[test]
    #[should_panic(expected = "room for one thread")]
    fn a_cap_of_zero_is_refused() {
        let _ = Core::<u8>::new(0);
    }

    #[test]
    fn submit_wakes_the_latest_idle_and_nobody_while_it_is_on_its_way() {
        let core = Core::new(4);
        let [below, top] = idlers(&core);
        wakes(queued(core.submit(1)).1, &top);
        assert!(matches!(queued(core.submit(2)).1, Summon::Nobody));
        // The woken thread takes the first job and passes the summons on.
        let Next::Run(1, summon) = core.look(&top, Arrival::Woken) else { panic!() };
        wakes(summon, &below);
        assert!(matches!(core.look(&below, Arrival::Woken), Next::Run(2, Summon::Nobody)));
        assert_eq!(core.counts(), Counts { threads: 2, idle: 0, queued: 0 });
    }

    #[test]
    fn submit_creates_one_thread_at_a_time_up_to_the_cap() {
        let core = Core::new(2);
        assert!(matches!(queued(core.submit(1)).1, Summon::Create));
        assert!(matches!(queued(core.submit(2)).1, Summon::Nobody));
        assert!(matches!(queued(core.submit(3)).1, Summon::Nobody));
        let (first, second) = (Seat::new(), Seat::new());
        assert!(matches!(core.look(&first, Arrival::Created), Next::Run(1, Summon::Create)));
        assert!(matches!(core.look(&second, Arrival::Created), Next::Run(2, Summon::Nobody)));
        assert!(matches!(core.look(&second, Arrival::Finished), Next::Run(3, Summon::Nobody)));
    }

    #[test]
    fn an_idle_thread_is_woken_even_while_another_is_being_created() {
        let core = Core::new(4);
        let busy = idle(&core);
        assert!(matches!(queued(core.submit(1)).1, Summon::Create));
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Run(1, Summon::Nobody)));
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Idle));
        wakes(queued(core.submit(2)).1, &busy);
        // Whoever of the two comes first takes it; the other sits down.
        assert!(matches!(core.look(&Seat::new(), Arrival::Created), Next::Run(2, Summon::Nobody)));
        assert!(matches!(core.look(&busy, Arrival::Woken), Next::Idle));
    }

    #[test]
    fn an_expired_thread_leaves_only_if_nobody_has_woken_it() {
        let core = Core::new(1);
        let [seat] = idlers(&core);
        wakes(queued(core.submit(1)).1, &seat);
        assert_eq!(core.expire(&seat), Expired::Woken);
        assert!(matches!(core.look(&seat, Arrival::Woken), Next::Run(1, Summon::Nobody)));
        assert!(matches!(core.look(&seat, Arrival::Finished), Next::Idle));
        assert_eq!(core.expire(&seat), Expired::Leave);
        assert_eq!(core.counts(), Counts::default());
        assert!(matches!(queued(core.submit(2)).1, Summon::Create), "there is room again at the cap");
    }

    #[test]
    fn a_thread_in_the_middle_of_the_stack_may_expire() {
        let core = Core::new(3);
        let [bottom, middle, top] = idlers(&core);
        assert_eq!(core.expire(&middle), Expired::Leave);
        wakes(queued(core.submit(1)).1, &top);
        assert_eq!(core.expire(&bottom), Expired::Leave);
        assert_eq!(core.counts(), Counts { threads: 1, idle: 0, queued: 1 });
    }

    #[test]
    fn a_thread_that_is_not_created_leaves_its_job_to_another_worker() {
        let core = Core::new(2);
        let busy = idle(&core);
        let (ticket, summon) = queued(core.submit(1));
        assert!(matches!(summon, Summon::Create));
        let orphans = core.not_created();
        assert!(!orphans.include(ticket));
        assert!(orphans.into_jobs().is_empty());
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Run(1, Summon::Nobody)));
        // Others remain: whoever takes a job tries again.
        assert!(matches!(queued(core.submit(2)).1, Summon::Create));
        assert!(matches!(queued(core.submit(3)).1, Summon::Nobody));
        assert!(core.not_created().into_jobs().is_empty());
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Run(2, Summon::Create)));
        assert!(core.not_created().into_jobs().is_empty());
    }

    #[test]
    fn a_thread_that_is_not_created_orphans_the_queue_if_it_was_the_only_one() {
        let core = Core::new(2);
        let (first, summon) = queued(core.submit(1));
        assert!(matches!(summon, Summon::Create));
        let (second, _) = queued(core.submit(2));
        let orphans = core.not_created();
        assert!(orphans.include(first) && orphans.include(second));
        assert_eq!(orphans.into_jobs(), [1, 2]);
        assert_eq!(core.counts(), Counts::default());
    }

    #[test]
    fn a_job_that_ran_meanwhile_is_not_among_the_orphans() {
        let core = Core::new(2);
        let busy = idle(&core);
        let (ticket, summon) = queued(core.submit(1));
        assert!(matches!(summon, Summon::Create));
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Run(1, Summon::Nobody)));
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Idle));
        assert_eq!(core.expire(&busy), Expired::Leave);
        let (late, summon) = queued(core.submit(2));
        assert!(matches!(summon, Summon::Nobody), "one is being created");
        let orphans = core.not_created();
        assert!(!orphans.include(ticket) && orphans.include(late));
        assert_eq!(orphans.into_jobs(), [2]);
    }

    #[test]
    fn closing_takes_the_jobs_and_lets_everybody_leave() {
        let core = Core::new(3);
        let [sleeper] = idlers(&core);
        let busy = idle_beside(&core, &sleeper);
        wakes(queued(core.submit(1)).1, &sleeper);
        let closing = core.close();
        assert_eq!(closing.jobs, [1]);
        assert!(closing.seats.is_empty(), "the sleeper was woken before");
        assert!(matches!(core.submit(2), Submitted::Closed(2)));
        assert!(matches!(core.look(&sleeper, Arrival::Woken), Next::Leave));
        assert!(matches!(core.look(&busy, Arrival::Finished), Next::Leave));
        assert_eq!(core.counts(), Counts::default());
        let again = core.close();
        assert!(again.jobs.is_empty() && again.seats.is_empty());
    }

    /// A second thread, busy, beside one that is idle again.
    fn idle_beside(core: &Core<u8>, sleeper: &Arc<Seat>) -> Arc<Seat> {
        wakes(queued(core.submit(8)).1, sleeper);
        assert!(matches!(core.look(sleeper, Arrival::Woken), Next::Run(8, Summon::Nobody)));
        let busy = idle(core);
        assert!(matches!(core.look(sleeper, Arrival::Finished), Next::Idle));
        busy
    }

    #[test]
    fn closing_wakes_the_idle_and_a_thread_that_was_being_created_leaves() {
        let core = Core::new(3);
        let [first, second] = idlers(&core);
        let closing = core.close();
        assert_eq!(closing.seats.len(), 2);
        assert!(first.is_woken() && second.is_woken());
        assert_eq!(core.expire(&first), Expired::Woken);
        assert!(matches!(core.look(&first, Arrival::Woken), Next::Leave));
        assert!(matches!(core.look(&second, Arrival::Woken), Next::Leave));

        let core = Core::new(1);
        let (ticket, summon) = queued(core.submit(1));
        assert!(matches!(summon, Summon::Create));
        assert_eq!(core.close().jobs, [1]);
        let orphans = core.not_created();
        assert!(!orphans.include(ticket), "it was cancelled, not refused");
        assert_eq!(core.counts(), Counts::default());
    }
}
