use super::*;

#[test]
fn a_pause_ends_and_the_next_one_ends_too() {
    for _ in 0..2 {
        futures::executor::block_on(pause());
    }
}

#[test]
fn a_pause_ends_where_no_thread_can_be_had() {
    // Another test's thread may be ticking; then none is asked for, and that one ends it.
    let pause = Pause::new();
    futures::executor::block_on(std::future::poll_fn(|cx| {
        pause.poll_with(cx, || Err(io::ErrorKind::WouldBlock.into()))
    }));
}

#[test]
fn only_running_out_of_descriptors_is_paced() {
    let exhaustion = Exhaustion::default();
    exhaustion.note::<()>(&Err(std::io::ErrorKind::ConnectionAborted.into()));
    exhaustion.note(&Ok(()));
    assert_eq!(exhaustion.since.load(Ordering::Relaxed), 0);
    exhaustion.note::<()>(&Err(std::io::Error::from_raw_os_error(libc::EMFILE)));
    assert_ne!(exhaustion.since.load(Ordering::Relaxed), 0);
    futures::executor::block_on(std::future::poll_fn(|cx| exhaustion.poll_over(cx)));
    assert_eq!(exhaustion.since.load(Ordering::Relaxed), 0);
}
