use std::cell::Cell;

use super::{Aside, State};

fn state(aside: &Aside<()>) -> (bool, bool) {
    let State { running, wanted } = *aside.state.lock();
    (running, wanted)
}

/// Counts how often the thread is started.
fn start(starts: &Cell<u32>) -> Result<(), ()> {
    starts.set(starts.get() + 1);
    Ok(())
}

#[test]
fn a_thread_is_started_once_however_often_it_is_wanted() {
    let aside = Aside::<()>::new();
    let starts = Cell::new(0);
    for _ in 0..2 {
        aside.want(|| start(&starts)).expect("it can be started");
    }
    assert_eq!((starts.get(), state(&aside)), (1, (true, true)));
    aside.end(|| {});
    assert_eq!(state(&aside), (true, false), "it is told to end, and has not looked");
    aside.want(|| start(&starts)).expect("it is there");
    assert_eq!((starts.get(), state(&aside)), (1, (true, true)), "it stays");
}

#[test]
fn a_thread_that_is_refused_is_started_when_it_is_wanted_again() {
    let aside = Aside::<()>::new();
    assert_eq!(aside.want(|| Err("none left")), Err("none left"));
    assert_eq!(state(&aside), (false, false));
    let starts = Cell::new(0);
    aside.want(|| start(&starts)).expect("now it can");
    assert_eq!((starts.get(), state(&aside)), (1, (true, true)));
}

#[test]
fn a_thread_that_is_not_wanted_gives_the_driver_back_unturned_and_unparks() {
    struct Token<'a>(&'a Cell<bool>);
    impl Drop for Token<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let (aside, given_back) = (Aside::<()>::new(), Cell::new(false));
    aside.want(|| Ok::<(), ()>(())).expect("it is started");
    aside.end(|| {});
    let mut unparked = false;
    let turned = |_: Token<'_>| panic!("it is not wanted");
    aside.turn_while_wanted(
        || false,
        || Some(Token(&given_back)),
        turned,
        || {
            assert!(given_back.get(), "whoever is unparked finds the driver free");
            unparked = true;
        },
    );
    assert_eq!((unparked, state(&aside)), (true, (false, false)));
}

#[test]
fn a_thread_of_a_closed_runtime_ends_although_it_is_wanted() {
    let aside = Aside::<()>::new();
    aside.want(|| Ok::<(), ()>(())).expect("it is started");
    aside.turn_while_wanted(|| true, || Some(()), |()| panic!("it is closed"), || {});
    assert_eq!(state(&aside), (false, true));
    let starts = Cell::new(0);
    aside.want(|| start(&starts)).expect("it can be started");
    assert_eq!(starts.get(), 1);
}
