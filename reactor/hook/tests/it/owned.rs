//! Executors that wait by means of their own, and make way for a local driver.
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use reactor_hook::{
    DriveError, Driver, Frame, LocalPlace, Parker, Unpark as _, drive_local, is_driven_here, with_owners,
};

use crate::reactors::{Anywhere, Here};
use crate::support::{poll, watchdog};

/// Makes way, or says why not.
#[derive(Default)]
struct Owner {
    asked: RefCell<Vec<&'static str>>,
    refuses: Cell<bool>,
}

impl LocalPlace for Owner {
    fn make_way(&self, name: &'static str) -> Result<(), DriveError> {
        self.asked.borrow_mut().push(name);
        if self.refuses.get() { Err(DriveError::unable(name, "it is told not to")) } else { Ok(()) }
    }
}

#[test]
fn an_owner_is_asked_once_and_blocks_in_what_came() {
    let _watchdog = watchdog();
    let owner = Rc::new(Owner::default());
    let shared = Anywhere::new("its own");
    let key = Arc::as_ptr(&shared).cast();
    let frame = Frame::builder()
        .driver(Arc::clone(&shared) as Arc<dyn Driver>)
        .local_place(Rc::clone(&owner) as Rc<dyn LocalPlace>)
        .build();
    let _entered = frame.enter();
    assert!(is_driven_here(key));
    let local = Here::new("local");
    let mut next = pin!(local.next());
    assert!(poll(next.as_mut(), Waker::noop()).is_pending());
    assert!(poll(next.as_mut(), Waker::noop()).is_pending());
    assert_eq!(*owner.asked.borrow(), ["local"]);
    assert!(frame.has_local_driver() && frame.local_unblocker().is_some());
    assert!(!is_driven_here(key), "who is driven by the owner's means is driven elsewhere");
    assert!(drive_local(&Here::new("another")).unwrap_err().is_conflict());

    local.events.happen();
    frame.block_in_local_driver(None);
    assert!(poll(next.as_mut(), Waker::noop()).is_ready());
    assert!(!frame.has_local_driver(), "nobody waits for it any more");
    assert!(is_driven_here(key), "as before");
}

#[test]
fn an_owner_that_refuses_says_why() {
    let owner = Rc::new(Owner::default());
    owner.refuses.set(true);
    let frame = Frame::builder().local_place(Rc::clone(&owner) as Rc<dyn LocalPlace>).build();
    let _entered = frame.enter();
    let error = drive_local(&Here::new("local")).unwrap_err();
    assert!(error.to_string().contains("it is told not to"), "{error}");
    assert!(!frame.has_local_driver());
}

#[test]
fn a_context_that_waits_blocks_in_a_local_driver_and_keeps_no_time() {
    let _watchdog = watchdog();
    let local = Here::new("local");
    let owner: Rc<dyn LocalPlace> = Rc::new(Owner::default());
    let frame = Frame::builder().context_only().waits_by(Parker::new()).local_place(owner).build();
    let _entered = frame.enter();
    let mut next = pin!(local.next());
    assert!(poll(next.as_mut(), Waker::noop()).is_pending());
    assert!(is_driven_here(Rc::as_ptr(&local).cast()));
    local.events.happen_soon();
    frame.wait();
    assert!(poll(next.as_mut(), Waker::noop()).is_ready());
    // Without one it parks.
    frame.parker().unpark();
    frame.wait();
}

#[test]
fn owners_are_visited_from_the_innermost_on() {
    let [outer, inner] = ["outer", "inner"].map(|name| Frame::builder().owner(Rc::new(name)).build());
    let _outer = outer.enter();
    let _other = Frame::builder().owner(Rc::new(7)).build().enter();
    let _inner = inner.enter();
    let mut seen = Vec::new();
    with_owners(|name: &&str| seen.push(*name));
    assert_eq!(seen, ["inner", "outer"]);
}

#[test]
fn no_owner_of_a_frame_that_was_left_is_visited() {
    let [outer, inner] = ["outer", "inner"].map(|name| Frame::builder().owner(Rc::new(name)).build());
    let outer_entered = outer.enter();
    let mut entered = vec![inner.enter(), outer_entered];
    let mut seen = Vec::new();
    with_owners(|name: &&str| {
        entered.clear();
        seen.push(*name);
    });
    assert_eq!(seen, ["inner"]);
}
