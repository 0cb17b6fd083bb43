//! What the command line asks for.
use std::path::PathBuf;

use benches::{Group, WORKERS, Workload};

use super::record::group_name;

pub(crate) const USAGE: &str = "\
usage: benches compare [--rounds N] [--only NAME]... [--group userland|wake|kernel|other]... [--workers N[,N]...]
                       [--floors] [--json FILE] [--svg FILE]

Each round runs a workload once on each runtime; who begins changes, and so does the direction. A first round is not
counted. Printed are the median over the rounds of wall and CPU time an operation, and of each peer's time in units of
the first runtime's in the same round, with the quartiles of that ratio: above 1 the first one is faster.

--only and --group choose workloads. Several counts of workers run in a process of their own each. --json writes every
sample, --svg a plot of the ratios to the best peer. --floors has raw threads wait in other ways, too, where they do the same.

For figures worth keeping, let nothing else run.";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) workloads: Vec<Workload>,
    /// Worker counts; several have a process each.
    pub(crate) workers: Vec<usize>,
    /// All that are known, and not only the lowest.
    pub(crate) floors: bool,
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        match arguments.next() {
            Some(command) if command == "compare" => {}
            Some(command) => return Err(format!("no such command: {command}")),
            None => return Err("a command is missing".into()),
        }
        let mut options = Options {
            rounds: 15,
            workloads: Vec::new(),
            workers: vec![WORKERS],
            floors: false,
            json: None,
            svg: None,
        };
        let mut chosen = Vec::new();
        while let Some(option) = arguments.next() {
            if option == "--floors" {
                options.floors = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--rounds" => options.rounds = positive(&value)?,
                "--only" => chosen.push(workload(&value)?),
                "--group" => {
                    let group = group(&value)?;
                    chosen.extend(Workload::ALL.into_iter().filter(|workload| workload.group() == group));
                }
                "--workers" => {
                    options.workers = value.split(',').map(positive).collect::<Result<_, _>>()?;
                }
                "--json" => options.json = Some(value.into()),
                "--svg" => options.svg = Some(value.into()),
                _ => return Err(format!("no such option: {option}")),
            }
        }
        // In the order of the tables, each once.
        options.workloads = Workload::ALL.into();
        if !chosen.is_empty() {
            options.workloads.retain(|workload| chosen.contains(workload));
        }
        Ok(options)
    }

    /// The arguments of a process that does the same with one count of workers.
    pub(crate) fn arguments(&self, workers: usize, json: &str) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["compare", "--rounds", &self.rounds.to_string()].map(Into::into).into();
        arguments.extend(["--workers".into(), workers.to_string(), "--json".into(), json.into()]);
        arguments.extend(self.floors.then(|| "--floors".into()));
        for workload in &self.workloads {
            arguments.extend(["--only".into(), workload.name().into()]);
        }
        arguments
    }
}

fn positive(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("not a positive number: {value}"))
}

fn workload(name: &str) -> Result<Workload, String> {
    let found = Workload::ALL.into_iter().find(|workload| workload.name() == name);
    found.ok_or_else(|| format!("no such workload: {name}"))
}

fn group(name: &str) -> Result<Group, String> {
    let found = Group::ALL.into_iter().find(|group| group_name(*group) == name);
    found.ok_or_else(|| format!("no such group: {name}"))
}

#[cfg(test)]
mod tests;
