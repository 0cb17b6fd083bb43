//! What the steps of a scheduler cost where nobody is in the way: instructions and locked operations, counted, times what
//! one of them takes on this machine.
use super::clock::Clock;
use super::machine::Machine;
use super::policy::Policy;

/// Counted by `locked --record`.
const COUNTED: &str = include_str!("../../../steps.tsv");

/// What an operation executes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) instructions: f64,
    /// Locked operations and fences, on whatever line.
    pub(crate) locked: f64,
}

impl Counted {
    /// Of a kind of the program `instructions`.
    pub(crate) fn of(host: &str, kind: &str) -> Counted {
        let counted = Counted::in_table(COUNTED, host, kind);
        counted.unwrap_or_else(|| panic!("{kind} on {host} is not in steps.tsv: locked --record"))
    }

    fn in_table(table: &str, host: &str, kind: &str) -> Option<Counted> {
        table.lines().find_map(|line| {
            let mut fields = line.split('\t');
            let is_it = fields.next() == Some(kind) && fields.next() == Some(host);
            let figures: Vec<f64> = fields.map_while(|field| field.parse().ok()).collect();
            let (instructions, locked) = figures.split_first().filter(|_| is_it)?;
            Some(Counted { instructions: *instructions, locked: locked.iter().sum() })
        })
    }

    pub(crate) fn nanos(self, machine: &Machine) -> f64 {
        self.instructions * machine.instruction + self.locked * machine.rmw
    }
}

/// Nanoseconds. The lines that come over from other cores are added to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// A spawn into an empty LIFO slot.
    pub(crate) spawn: f64,
    /// What is displaced from there goes to the queue, and comes out of it.
    pub(crate) displace: f64,
    /// The one poll of an empty task, to its end.
    pub(crate) run: f64,
    /// Awaiting a task that is complete.
    pub(crate) join: f64,
    /// Awaiting one that is not: leaving the waker, being woken, and polled again.
    pub(crate) wait: f64,
    /// A wake and the poll that comes of it.
    pub(crate) wake: f64,
    /// A task yields and is polled again.
    pub(crate) again: f64,
    /// Through the injector, and not through the own queue.
    pub(crate) spill: f64,
    /// A message through a channel with room, sent and received.
    pub(crate) message: f64,
    /// What it takes more when the channel is full with it.
    pub(crate) full: f64,
    /// Waiting for a message: leaving the waker, being woken, and polled again.
    pub(crate) await_message: f64,
    /// A message through a oneshot channel, made, sent and received.
    pub(crate) oneshot: f64,
    /// A detached spawn from a thread outside, by that thread.
    pub(crate) spawn_outside: f64,
    /// The poll of such a task, with its way through the injector.
    pub(crate) run_injected: f64,
}

impl Steps {
    pub(crate) fn of(policy: &Policy, machine: &Machine, clock: &Clock) -> Steps {
        let cost = |kind| Counted::of(policy.host, kind).nanos(machine);
        let more = |kind, than: f64| (cost(kind) - than).max(0.0);
        // A spawn and its poll, with nothing displaced.
        let both = cost("chain");
        let displace = more("spawn", both);
        let spawn = (clock.share * (both + displace) - displace).clamp(0.1 * both, 0.9 * both);
        let wake = cost("wake");
        Steps {
            spawn,
            displace,
            run: both - spawn,
            join: clock.join,
            wait: more("spawn_await", both),
            wake,
            again: cost("yield_many"),
            spill: more("spawn_many", cost("spawn")),
            message: cost("channel"),
            full: more("channel_one", cost("channel")),
            await_message: more("hop", cost("channel_one")),
            // There are two for a pair of tasks, one of which waits once.
            oneshot: more("oneshot", cost("spawn") + wake / 2.0),
            spawn_outside: clock.spawn_outside,
            run_injected: clock.run_injected,
        }
    }

    /// Each with what it is.
    pub(crate) fn table(&self) -> [(&'static str, f64); 14] {
        [
            ("spawn into an empty LIFO slot", self.spawn),
            ("displaced from there, through the queue", self.displace),
            ("poll of an empty task", self.run),
            ("join of a complete task", self.join),
            ("join of a task that is not", self.wait),
            ("wake, and a poll", self.wake),
            ("yield, and a poll", self.again),
            ("through the injector instead", self.spill),
            ("message, sent and received", self.message),
            ("the same, filling the channel", self.full),
            ("waiting for a message", self.await_message),
            ("oneshot, made, sent and received", self.oneshot),
            ("spawn from outside", self.spawn_outside),
            ("poll of such a task", self.run_injected),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_table_is_found_by_kind_and_host() {
        let table =
            "kind\thost\tinstructions\ttask\tfence\nspawn\tours\t10.5\t1.00\t0.50\nspawn\ttokio\t20\t2\t3\n";
        let ours = Counted { instructions: 10.5, locked: 1.5 };
        assert_eq!(Counted::in_table(table, "ours", "spawn"), Some(ours));
        assert_eq!(Counted::in_table(table, "tokio", "spawn").map(|counted| counted.locked), Some(5.0));
        assert_eq!(Counted::in_table(table, "ours", "yield"), None);
    }

    #[test]
    fn instructions_and_locked_operations_are_added() {
        let machine = Machine { instruction: 0.1, rmw: 5.0, ..Machine::TYPICAL };
        let nanos = Counted { instructions: 200.0, locked: 3.0 }.nanos(&machine);
        assert!((nanos - 35.0).abs() < 1e-9, "{nanos}");
    }
}
