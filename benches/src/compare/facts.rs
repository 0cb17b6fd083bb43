//! What a figure depends on besides the code.
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, thread};

use serde::{Deserialize, Serialize};

/// Where it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// As many as this process may use.
    pub(crate) cores: usize,
    pub(crate) processor: Option<String>,
    pub(crate) kernel: String,
    pub(crate) allocator: String,
    pub(crate) rustc: String,
}

impl Machine {
    pub(crate) fn here(allocator: &str) -> Machine {
        let system = rustix::system::uname();
        let kernel =
            [system.sysname(), system.release(), system.machine()].map(|part| part.to_string_lossy());
        Machine {
            cores: thread::available_parallelism().map_or(1, Into::into),
            processor: processor(),
            kernel: kernel.join(" "),
            allocator: allocator.into(),
            rustc: env!("BENCHES_RUSTC").into(),
        }
    }
}

/// The kernel's name for the first one.
fn processor() -> Option<String> {
    let all = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = all.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().into())
}

/// The commit of the source, with `-dirty` behind it when the source differs, if there is git and it knows.
pub(crate) fn commit() -> Option<String> {
    let describe = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output =
        Command::new("git").args(describe).current_dir(source).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::Machine;

    #[test]
    fn the_facts_of_this_machine_are_found() {
        let machine = Machine::here("malloc");
        assert!(machine.cores > 0);
        assert!(!machine.kernel.trim().is_empty());
        assert!(machine.rustc.starts_with("rustc 1."), "{}", machine.rustc);
        assert_eq!(machine.allocator, "malloc");
    }
}
