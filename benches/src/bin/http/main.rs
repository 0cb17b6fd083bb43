//! Plaintext by hyper under wrk, ours and tokio: `cargo run --release -p benches --bin http`
//!
//! Two servers, each a process of its own with the same service, run all the time; wrk asks the one and then the other.
//! Who is asked first changes from round to round. A server that is not asked has nothing to do.
#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use benches::WORKERS;

mod options;
mod report;
mod serve;
mod server;
mod wrk;

use options::Options;
use report::Round;
use serve::Kind;
use server::Server;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match Options::parse(&arguments) {
        Ok(Options::Serve { kind, workers }) => serve::serve(kind, workers),
        Ok(Options::Measure(options)) => measure(&options),
        Err(error) => {
            eprintln!("{error}\n\n{}", options::USAGE);
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &options::Measure) -> io::Result<()> {
    let mut servers =
        [Server::start(Kind::Ours, options.workers)?, Server::start(Kind::Tokio, options.workers)?];
    let mut rounds = [Vec::new(), Vec::new()];
    // The first round warms up.
    for round in 0..=options.rounds {
        for place in 0..servers.len() {
            let index = (round + place) % servers.len();
            let server = &mut servers[index];
            let before = server.cpu()?;
            let answered = wrk::ask(&server.url, options.connections, options.seconds)?;
            let cpu = server.cpu()?.saturating_sub(before);
            if round > 0 {
                eprintln!("{}: {:.0} requests a second", server.kind.name(), answered.rate);
                rounds[index].push(Round { answered, cpu });
            }
        }
    }
    println!(
        "{} workers each, {} connections, {} rounds of {} s; medians.\n",
        options.workers, options.connections, options.rounds, options.seconds
    );
    println!("{}", report::table(&servers.map(|server| server.kind.name()), &rounds));
    Ok(())
}

#[cfg(test)]
mod tests;
