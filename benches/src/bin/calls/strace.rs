//! System calls of a process and its threads, counted by strace.
use std::path::Path;
use std::process::Command;

use crate::{Counts, Result};

/// Which calls are counted. The others are not slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traced {
    /// Those by which threads wait for and wake one another: who writes to a descriptor, other than to a socket, wakes.
    Waits,
    All,
}

/// Runs it, and says how often each call was made, and besides how often in vain.
pub(crate) fn run(program: &Path, arguments: &[String], traced: Traced) -> Result<Counts> {
    let mut command = Command::new("strace");
    command.args(["--follow-forks", "--summary-only", "--summary-columns=calls,errors,name"]);
    if traced == Traced::Waits {
        // Without the filter in the kernel each call is stopped, counted or not.
        command.args([
            "--seccomp-bpf",
            "--trace=futex,epoll_wait,epoll_pwait,epoll_pwait2,epoll_ctl,write,ppoll,poll",
        ]);
    }
    let output = command.arg("--").arg(program).args(arguments).output()?;
    let summary = String::from_utf8(output.stderr)?;
    if !output.status.success() {
        return Err(format!("strace: {summary}").into());
    }
    Ok(parse(&summary))
}

/// Lines of `calls errors name`, where errors may be missing.
fn parse(summary: &str) -> Counts {
    let mut counts = Counts::new();
    for line in summary.lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (calls, errors, name) = match fields.as_slice() {
            [calls, name] => (calls, None, name),
            [calls, errors, name] => (calls, Some(errors), name),
            _ => continue,
        };
        if *name == "total" {
            continue;
        }
        let Ok(calls) = calls.parse() else { continue };
        counts.insert((*name).to_owned(), calls);
        if let Some(Ok(errors)) = errors.map(|errors| errors.parse()) {
            counts.insert(format!("{name} in vain"), errors);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn calls_and_failures_are_told_apart() {
        let counts = parse(
            "    calls    errors syscall\n--------- --------- ----------------\n     1200        40 futex\n       \
             7           write\n--------- --------- ----------------\n     1207        40 total\n",
        );
        let of = |name: &str| counts.get(name).copied();
        assert_eq!((of("futex"), of("futex in vain"), of("write")), (Some(1200.0), Some(40.0), Some(7.0)));
        assert_eq!(counts.len(), 3);
    }
}
