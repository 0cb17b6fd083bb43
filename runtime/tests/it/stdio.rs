//! The standard streams of a process whose ends are pipes.
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use runtime::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use runtime::io::{stderr, stdin, stdout};
use runtime::time::timeout;

use crate::support::{child, pool, watchdog};

/// Every line back in capitals.
async fn capitals() -> std::io::Result<usize> {
    let (mut lines, mut output) = (BufReader::new(stdin()).lines(), stdout());
    let mut count = 0;
    // The harness has begun a line.
    output.write_all(b"\n").await?;
    while let Some(line) = lines.next_line().await? {
        output.write_all(line.to_uppercase().as_bytes()).await?;
        output.write_all(b"\n").await?;
        count += 1;
    }
    output.flush().await?;
    let mut errors = stderr();
    errors.write_all(format!("{count} lines\n").as_bytes()).await?;
    errors.shutdown().await?;
    Ok(count)
}

/// Starts the child, gives it `lines` lines, and answers what it wrote to its output and its error stream.
fn feed(test: &str, lines: usize) -> (String, String) {
    let mut command = child::command(test);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let writer = thread::spawn(move || {
        for line in 0..lines {
            writeln!(input, "line {line} {}", "x".repeat(line % 300)).unwrap();
        }
    });
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    writer.join().unwrap();
    let errors = child.wait_with_output().unwrap();
    assert!(errors.status.success(), "{text}");
    (text, String::from_utf8(errors.stderr).unwrap())
}

fn assert_capitals(text: &str, lines: usize) {
    let mut expected = 0;
    for line in text.lines().filter(|line| line.starts_with("LINE")) {
        assert_eq!(line, format!("LINE {expected} {}", "X".repeat(expected % 300)));
        expected += 1;
    }
    assert_eq!(expected, lines);
}

#[test]
fn a_filter_between_pipes_keeps_every_line_in_order() {
    const TEST: &str = "stdio::a_filter_between_pipes_keeps_every_line_in_order";
    let _watchdog = watchdog();
    if child::is(TEST) {
        assert_eq!(pool(2).block_on(capitals()).unwrap(), 5_000);
        return;
    }
    let (text, errors) = feed(TEST, 5_000);
    assert_capitals(&text, 5_000);
    assert!(errors.contains("5000 lines\n"), "{errors}");
}

#[test]
fn a_filter_needs_no_runtime() {
    const TEST: &str = "stdio::a_filter_needs_no_runtime";
    let _watchdog = watchdog();
    if child::is(TEST) {
        assert_eq!(futures::executor::block_on(capitals()).unwrap(), 100);
        return;
    }
    assert_capitals(&feed(TEST, 100).0, 100);
}

#[test]
fn a_runtime_ends_although_a_read_waits_for_input_that_does_not_come() {
    const TEST: &str = "stdio::a_runtime_ends_although_a_read_waits_for_input_that_does_not_come";
    let _watchdog = watchdog();
    if child::is(TEST) {
        let runtime = pool(1);
        runtime.block_on(async {
            let mut input = stdin();
            let given_up = timeout(Duration::from_millis(20), input.read_u8()).await;
            assert!(given_up.is_err());
        });
        // It waits for all of this, so that everybody else has ended, as the thread sanitizer wants it.
        let report = runtime.shutdown(Duration::from_millis(500));
        assert_eq!(report.blocking, 1);
        return;
    }
    let mut command = child::command(TEST);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // The other end stays open until the child is gone.
    let input = child.stdin.take().unwrap();
    assert!(child.wait().unwrap().success());
    drop(input);
}
