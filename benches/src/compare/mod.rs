//! Runs the workloads on every runtime in turn, and says how they compare.
use std::io;

use benches::{Contender, Floor, Workload, contenders};

mod facts;
mod options;
mod plot;
mod processes;
mod progress;
mod record;
mod rounds;
mod table;
mod verdict;

pub(crate) use options::{Options, USAGE};

use facts::{Machine, commit};
use progress::Progress;
use record::{Measured, Record, Run, Samples, Taken};

/// Measures, prints, and writes what the options ask for. `allocator` is the name of the process's own.
pub(crate) fn compare(options: &Options, allocator: &str) -> io::Result<()> {
    let (machine, commit) = (Machine::here(allocator), commit());
    let runs = match options.workers[..] {
        [workers] => {
            let run = measure(options, workers);
            println!("{}", table::report(&machine, &run));
            vec![run]
        }
        _ => processes::measure(options)?,
    };
    let record = Record { machine, commit, runs };
    if let Some(path) = &options.json {
        record.write(path)?;
    }
    if let Some(path) = &options.svg {
        plot::write(&record, path)?;
    }
    Ok(())
}

fn measure(options: &Options, workers: usize) -> Run {
    let contenders = contenders(workers);
    let rounds = |workload: Workload| workload.rounds(options.rounds);
    // One more each, which is not kept.
    let progress = Progress::new(options.workloads.iter().map(|&workload| rounds(workload) + 1).sum());
    let measured = options.workloads.iter().map(|&workload| {
        progress.begin(workload.name(), rounds(workload));
        let floors = if options.floors { &Floor::ALL[..] } else { &[Floor::Own] };
        one(&contenders, workload, workers, floors, rounds(workload), &progress)
    });
    Run { workers, rounds: options.rounds, workloads: measured.collect() }
}

fn one(
    contenders: &[Box<dyn Contender>],
    workload: Workload,
    workers: usize,
    floors: &[Floor],
    rounds: usize,
    progress: &Progress,
) -> Measured {
    type Take<'a> = Box<dyn FnMut() -> Taken + 'a>;
    let floors = floors.iter().filter_map(|&floor| Some((floor.name(), workload.floor(workers, floor)?)));
    let mut names: Vec<_> = contenders.iter().map(|contender| contender.name()).collect();
    let mut takes: Vec<Take<'_>> = Vec::new();
    for contender in contenders {
        takes.push(Box::new(|| Taken::of(contender.run(workload))));
    }
    for (name, floor) in floors {
        names.push(name);
        takes.push(Box::new(move || Taken::of(floor())));
    }
    let samples = rounds::interleaved(&mut takes, rounds, || progress.round());
    let samples =
        names.into_iter().zip(samples).map(|(host, samples)| Samples { host: host.into(), samples });
    let mut samples: Vec<_> = samples.collect();
    let floors = samples.split_off(contenders.len());
    Measured::of(workload, samples, floors)
}
