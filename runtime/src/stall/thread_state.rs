//! What a thread is doing, as the kernel tells: no signal is sent to it, and nothing of it is unwound.
use std::fmt;

/// What a stuck thread was doing when it was looked at: Linux only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadState {
    /// The thread's number in the system, for debuggers and profilers.
    pub tid: u32,
    /// The letter of the state in `/proc`: `R` runs or wants to, `S` sleeps, `D` sleeps in the kernel and cannot be
    /// interrupted.
    pub state: char,
    /// The number of the system call that it is in, where the kernel tells.
    pub system_call: Option<u64>,
    /// The kernel's function that it waits in, where the kernel tells.
    pub waits_in: Option<String>,
}

impl ThreadState {
    /// The calling thread's number; zero where there is none to be had.
    pub(crate) fn tid_here() -> u32 {
        let link = std::fs::read_link("/proc/thread-self").ok();
        let tid = link.and_then(|link| link.file_name()?.to_str()?.parse().ok());
        tid.unwrap_or(0)
    }

    pub(crate) fn of(tid: u32) -> Option<ThreadState> {
        let read = |what| std::fs::read_to_string(format!("/proc/self/task/{tid}/{what}")).ok();
        Some(ThreadState {
            tid,
            state: state_in(&read("stat")?)?,
            system_call: read("syscall").and_then(|line| line.split(' ').next()?.parse().ok()),
            waits_in: read("wchan").filter(|name| !name.is_empty() && name != "0"),
        })
    }
}

/// Behind the name, which is in parentheses and may hold anything.
fn state_in(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Those that tasks block in most; the rest go by their numbers.
fn name_of(system_call: u64) -> Option<&'static str> {
    let names: &[(u64, &str)] = if cfg!(target_arch = "x86_64") {
        &[
            (0, "read"),
            (1, "write"),
            (7, "poll"),
            (35, "nanosleep"),
            (42, "connect"),
            (43, "accept"),
            (45, "recvfrom"),
            (61, "wait4"),
            (74, "fsync"),
            (202, "futex"),
            (230, "clock_nanosleep"),
            (232, "epoll_wait"),
            (257, "openat"),
        ]
    } else if cfg!(target_arch = "aarch64") {
        &[
            (22, "epoll_pwait"),
            (56, "openat"),
            (63, "read"),
            (64, "write"),
            (82, "fsync"),
            (98, "futex"),
            (101, "nanosleep"),
            (115, "clock_nanosleep"),
            (202, "accept"),
            (203, "connect"),
            (207, "recvfrom"),
            (260, "wait4"),
        ]
    } else {
        &[]
    };
    names.iter().find(|(number, _)| *number == system_call).map(|(_, name)| *name)
}

impl fmt::Display for ThreadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            'R' => f.write_str("it computes")?,
            'S' => f.write_str("it sleeps")?,
            'D' => f.write_str("it sleeps in the kernel")?,
            state => write!(f, "it is in state {state}")?,
        }
        if let Some(number) = self.system_call {
            match name_of(number) {
                Some(name) => write!(f, " in the system call `{name}`")?,
                None => write!(f, " in system call {number}")?,
            }
        }
        if let Some(name) = &self.waits_in {
            write!(f, " ({name})")?;
        }
        write!(f, " (thread {})", self.tid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_stands_behind_a_name_that_may_hold_anything() {
        assert_eq!(state_in("12 (a) R (b)) S 1 2 3"), Some('S'));
        assert_eq!(state_in("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_finds_itself_running() {
        let state = ThreadState::of(ThreadState::tid_here()).unwrap();
        assert_eq!(state.state, 'R');
        assert!(state.to_string().contains("computes"), "{state}");
        assert_eq!(ThreadState::of(0), None);
    }
}
