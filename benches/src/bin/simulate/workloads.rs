//! The workloads of the library, told to the simulation.
use benches::Workload;

use super::channel::Channel;
use super::job::Job;
use super::line::Time;
use super::model::Setup;

/// Those that are modelled: what the workers do by themselves.
pub(crate) const ALL: [Workload; 12] = [
    Workload::Spawn,
    Workload::SpawnJoin,
    Workload::SpawnAwait,
    Workload::Chained,
    Workload::Recursive,
    Workload::SpawnOutside,
    Workload::Yield,
    Workload::PingPong,
    Workload::Ring,
    Workload::RingOne,
    Workload::Mpsc,
    Workload::ForkJoin,
];

/// Tasks of a ring; senders of many to one, and what their channel holds; tasks that yield: as in the library.
const RING: usize = 300;
const SENDERS: usize = 16;
const CAPACITY: usize = 64;
const YIELDERS: usize = 200;

/// Puts it into `setup`, and returns how many operations the time is to be divided by.
pub(crate) fn begin(workload: Workload, setup: &mut Setup) -> usize {
    let count = workload.operations() as usize;
    let mut operations = count;
    let root = match workload {
        Workload::Spawn => Job::spread(count, Job::Arrive),
        Workload::SpawnJoin => Job::spawn_join(count, 1, 0),
        Workload::SpawnAwait => Job::InTurn { left: count, child: None },
        Workload::Chained => Job::Chain { left: count },
        Workload::Recursive => Job::Nest { left: count, child: None },
        Workload::SpawnOutside => {
            setup.outside = count;
            return operations;
        }
        Workload::Yield => Job::spread(YIELDERS, Job::Yielder { left: count / YIELDERS }),
        Workload::PingPong => Job::spread(count, Job::Ping { step: 0, channels: 0 }),
        Workload::Ring | Workload::RingOne => {
            let messages = if workload == Workload::Ring { RING } else { 1 };
            let hops = (count / messages) as u32;
            let first = |at| (at < messages).then_some(hops);
            setup.channels = (0..RING).map(|at| Channel::bounded(1, first(at))).collect();
            Job::ring(RING)
        }
        Workload::Mpsc => {
            setup.channels = vec![Channel::bounded(CAPACITY, None)];
            Job::Collect { senders: SENDERS, each: count / SENDERS, messages: count }
        }
        Workload::ForkJoin => {
            // One tree, where several are measured.
            operations = 3_193;
            Job::fork(24, (setup.machine.call * 1000.0) as Time)
        }
        _ => unreachable!("not among the modelled"),
    };
    setup.roots.push(root);
    operations
}
