use super::super::queue::Executor;

#[test]
fn a_task_runs_and_is_joined() {
    let executor = Executor::new();
    let handle = executor.spawn(async { 7 });
    let joined = executor.spawn(async move { handle.await.unwrap() });
    assert_eq!(executor.run_all(), 2);
    assert!(joined.is_finished());
    drop(joined);
    assert_eq!(executor.live(), 0);
    executor.close_and_drain();
    executor.retire();
}
