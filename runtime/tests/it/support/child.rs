//! Tests that need a process of their own run themselves again in a child.
use std::process::{Command, Output, Stdio};

/// Set to the name of the test that the child is to run.
const ENV: &str = "RUNTIME_TEST_CHILD";

/// Whether this process is the child that runs `test`.
pub(crate) fn is(test: &str) -> bool {
    std::env::var_os(ENV).is_some_and(|name| name == test)
}

/// The command that runs `test` ("module::name") alone in a child, which sees `is(test)`.
pub(crate) fn command(test: &str) -> Command {
    wrapped(&[], test)
}

/// As `command`, started by another program.
pub(crate) fn wrapped(program: &[&str], test: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match program {
        [] => Command::new(this),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(this);
            command
        }
    };
    command.args([test, "--exact", "--test-threads=1", "--nocapture"]);
    command.env(ENV, test).env_remove("RUNTIME_WORKER_THREADS").stdin(Stdio::null());
    command
}

/// Runs the child; it must pass. Answers its standard output.
#[track_caller]
pub(crate) fn pass(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "the child failed: {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    assert!(stdout.contains("1 passed"), "the child ran no test:\n{stdout}");
    stdout.into_owned()
}

/// Runs `body` in a child process.
#[track_caller]
pub(crate) fn run(test: &str, body: impl FnOnce()) {
    if is(test) {
        body();
    } else {
        pass(&mut command(test));
    }
}
