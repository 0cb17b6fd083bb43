//! A process of its own for each count of workers: none inherits another's threads and memory.
use std::process::Command;
use std::{env, fs, io, process};

use super::record::{Record, Run};
use super::{Options, table};

/// Each one prints its own report; what it measured comes back through a file.
pub(crate) fn measure(options: &Options) -> io::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for &workers in &options.workers {
        let path = env::temp_dir().join(format!("benches-{}-{workers}.json", process::id()));
        let name = path
            .to_str()
            .ok_or_else(|| io::Error::other("the directory for temporary files has no plain name"))?;
        eprintln!("{}:", table::workers(workers));
        let status = Command::new(env::current_exe()?).args(options.arguments(workers, name)).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("the process with {workers} workers: {status}")));
        }
        runs.extend(Record::read(&path)?.runs);
        fs::remove_file(&path)?;
    }
    Ok(runs)
}
