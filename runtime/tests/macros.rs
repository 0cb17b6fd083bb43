//! What `#[runtime::main]` and `#[runtime::test]` expand to.
#![cfg(feature = "macros")]

mod face {
    pub(crate) mod inner {
        pub(crate) use runtime::Builder;
    }
}

#[runtime::test]
async fn a_test_runs_on_a_current_thread_runtime() {
    let this = std::thread::current().id();
    assert_eq!(runtime::spawn(async { std::thread::current().id() }).await.unwrap(), this);
}

#[runtime::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_may_have_workers() {
    assert_eq!(runtime::Handle::current().metrics().workers.len(), 2);
}

#[runtime::test(worker_threads = 3, crate = "crate::face::inner")]
async fn the_crate_may_be_elsewhere() {
    assert_eq!(runtime::Handle::current().metrics().workers.len(), 3);
}

#[runtime::test]
async fn a_test_may_return_a_result() -> Result<(), std::num::ParseIntError> {
    let number: u8 = "7".parse()?;
    assert_eq!(number, 7);
    Ok(())
}

#[runtime::test]
#[should_panic(expected = "as announced")]
async fn attributes_pass_through() {
    panic!("as announced");
}

#[runtime::main(flavor = "current_thread")]
async fn trailing_comma() -> u32 {
    runtime::spawn(async { 5 }).await.unwrap()
}

#[runtime::test]
async fn tasks_that_are_not_send_run_in_a_test() {
    let shared = std::rc::Rc::new(2);
    let task = runtime::task::spawn_local({
        let shared = std::rc::Rc::clone(&shared);
        async move { *shared }
    });
    assert_eq!(task.await.unwrap() + *shared, 4);
}

#[runtime::main(shutdown_timeout = std::time::Duration::from_secs(3600), worker_threads = 1)]
async fn waits_for_its_closure() {
    let (started, starts) = std::sync::mpsc::channel();
    drop(runtime::task::spawn_blocking(move || {
        started.send(()).unwrap();
        // Longer than the closure is waited for by default.
        std::thread::sleep(std::time::Duration::from_millis(1500));
        ENDED.store(true, std::sync::atomic::Ordering::Relaxed);
    }));
    starts.recv().unwrap();
}

static ENDED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

#[test]
fn main_waits_for_closures_as_long_as_it_is_told_to() {
    waits_for_its_closure();
    assert!(ENDED.load(std::sync::atomic::Ordering::Relaxed));
}

#[runtime::main(worker_threads = 2)]
async fn main_body() -> Result<u32, String> {
    if runtime::Handle::current().metrics().workers.len() == 2 {
        return Ok(1);
    }
    Err("wrong number of workers".into())
}

#[test]
fn main_runs_its_body_and_returns_its_value() {
    assert_eq!(trailing_comma(), 5);
    assert_eq!(main_body(), Ok(1));
}

#[runtime::test(tokio_compat = true)]
async fn a_test_may_have_tokios_world() {
    runtime::spawn(tokio::time::sleep(std::time::Duration::from_millis(1))).await.unwrap();
}

#[runtime::test(tokio_compat = false)]
async fn a_test_may_say_that_it_has_not() {
    assert!(tokio::runtime::Handle::try_current().is_err());
}
