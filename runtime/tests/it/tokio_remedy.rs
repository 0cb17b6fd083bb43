//! A future that needs tokio's reactor where there is none: the panic's report says what to do. In other words for a crate
//! built without the feature: `runtime/src/remedy/tests.rs`, and the job `.ci/jobs/remedy.sh`.
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{child, message_of, pool, watchdog};

const REMEDY: &str = "`Builder::tokio_compat(true)`";

async fn needs_tokio() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[test]
fn the_error_of_a_task_that_lacks_tokios_reactor_names_the_remedy() {
    let _watchdog = watchdog();
    let runtime = pool(1);
    let error = runtime.block_on(runtime.spawn(needs_tokio())).unwrap_err();
    assert!(error.is_panic());
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(text.contains("there is no reactor running") && text.contains(REMEDY), "{text}");
    }
    // The payload is tokio's own.
    assert!(message_of(error.into_panic().as_ref()).starts_with("there is no reactor running"));
    let other = runtime.block_on(runtime.spawn(async { panic!("no reactor of mine") })).unwrap_err();
    assert!(!other.to_string().contains(REMEDY));
}

/// Runs in a child, whose standard error is looked at.
#[test]
fn the_report_of_a_panic_that_lacks_tokios_reactor_says_what_to_do_once_a_place() {
    const NAME: &str =
        "tokio_remedy::the_report_of_a_panic_that_lacks_tokios_reactor_says_what_to_do_once_a_place";
    if child::is(NAME) {
        let _watchdog = watchdog();
        let runtime = pool(2);
        for _ in 0..3 {
            assert!(runtime.block_on(runtime.spawn(needs_tokio())).is_err());
        }
        for _ in 0..3 {
            assert!(catch_unwind(AssertUnwindSafe(|| runtime.block_on(needs_tokio()))).is_err());
            assert!(catch_unwind(|| runtime::block_on(needs_tokio())).is_err());
        }
        assert!(runtime.block_on(runtime.spawn_blocking(|| drop(tokio::spawn(async {})))).is_err());
        return;
    }
    let output = child::command(NAME).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(
        said.matches("there is no reactor running").count(),
        10,
        "the panic hook's own reports: {said}"
    );
    // A task, two `block_on`, a closure: four places.
    let help: Vec<_> = said.lines().filter(|line| line.starts_with("  help: ")).collect();
    assert_eq!(help.len(), 8, "{said}");
    assert_eq!(help.iter().filter(|line| line.contains(REMEDY)).count(), 4, "{said}");
    assert_eq!(said.matches("the future of `block_on`, at ").count(), 2, "{said}");
    assert_eq!(
        said.lines().filter(|line| line.starts_with("task ") && line.contains(file!())).count(),
        2,
        "{said}"
    );
}

/// A report is written as a task's panic is caught, in the middle of what must not be left half done.
#[test]
fn a_report_that_nobody_reads_any_more_harms_nobody() {
    const NAME: &str = "tokio_remedy::a_report_that_nobody_reads_any_more_harms_nobody";
    if !child::is(NAME) {
        let mut command = child::command(NAME);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stderr.take());
        child.stdin.take().unwrap().write_all(b"standard error is closed\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let _watchdog = watchdog();
    struct NeedsTokio;
    impl Drop for NeedsTokio {
        fn drop(&mut self) {
            drop(tokio::spawn(async {}));
        }
    }
    let needs_tokio_when_dropped = || {
        let held = NeedsTokio;
        async move {
            let _held = held;
            std::future::pending::<()>().await;
        }
    };
    let set = runtime::task::LocalSet::new();
    let pending = set.spawn_local(needs_tokio_when_dropped());
    let other = set.spawn_local(async { 7 });
    drop(set);
    assert!(pending.is_finished() && other.is_finished());

    let sole = runtime::Builder::new_current_thread().build().unwrap();
    let spawned = sole.spawn(needs_tokio_when_dropped());
    let local = sole.block_on(async { runtime::task::spawn_local(needs_tokio_when_dropped()) });
    drop(sole);
    assert!(spawned.is_finished() && local.is_finished());

    let pool = pool(1);
    assert!(pool.block_on(pool.spawn(needs_tokio())).unwrap_err().is_panic());
    let spawned = pool.spawn(needs_tokio_when_dropped());
    drop(pool);
    assert!(spawned.is_finished());
}
