//! What the command line asks for.
use crate::WORKERS;
use crate::serve::Kind;

pub(crate) const USAGE: &str = "\
usage: http [--rounds N] [--seconds N] [--connections N] [--workers N]

Needs wrk. Each round asks either server for so many seconds; a first round is not counted.";

pub(crate) enum Options {
    Measure(Measure),
    /// Serve until the standard input ends: how this program starts itself.
    Serve {
        kind: Kind,
        workers: usize,
    },
}

#[derive(Debug, PartialEq)]
pub(crate) struct Measure {
    pub(crate) rounds: usize,
    pub(crate) seconds: usize,
    pub(crate) connections: usize,
    pub(crate) workers: usize,
}

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Options, String> {
        if let [command, kind, workers] = arguments
            && command == "serve"
        {
            let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
            return Ok(Options::Serve { kind: kind.ok_or("no such server")?, workers: positive(workers)? });
        }
        let mut options = Measure { rounds: 5, seconds: 2, connections: 64, workers: WORKERS };
        for pair in arguments.chunks(2) {
            let [option, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
            let field = match option.as_str() {
                "--rounds" => &mut options.rounds,
                "--seconds" => &mut options.seconds,
                "--connections" => &mut options.connections,
                "--workers" => &mut options.workers,
                _ => return Err(format!("no such option: {option}")),
            };
            *field = positive(value)?;
        }
        Ok(Options::Measure(options))
    }
}

fn positive(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("not a positive number: {value}"))
}
