//! Says how far it is.
use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, elsewhere a line a workload. Nothing draws while something is measured: the bar has no thread.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of so many rounds in all.
    pub(crate) fn new(rounds: usize) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {elapsed}/{duration} {msg}");
            ProgressBar::new(rounds as u64).with_style(style.expect("the template is right"))
        });
        Progress { bar }
    }

    pub(crate) fn begin(&self, workload: &str, rounds: usize) {
        match &self.bar {
            Some(bar) => bar.set_message(workload.to_owned()),
            None => eprintln!("{workload}: {rounds} rounds"),
        }
    }

    pub(crate) fn round(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
