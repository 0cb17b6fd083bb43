//! Where a task comes from: the place that spawned it, and its name if it has one; in one pointer.
//!
//! An unnamed task points at its `Location`, as it would without names. A named one points at an *interned* pair, with a
//! mark in the lowest bit: one pair for each place and name, which is never freed, so that whoever reads a task's label
//! without holding the task reads something that is there. That bounds how many names there may be.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;

// Not through `primitives`: a static, and no protocol depends on it.
use parking_lot::Mutex;

/// Pairs of place and name that a process keeps. A name is meant for a kind of task: a program has some hundreds.
const MOST: usize = 4096;

/// Bytes of a name that are kept.
const LONGEST: usize = 128;

/// In the pointer: it is a `Named`.
const NAMED: usize = 1;

struct Named {
    location: &'static Location<'static>,
    name: &'static str,
}

const _: () = assert!(align_of::<Location<'static>>() > NAMED && align_of::<Named>() > NAMED);

/// A `&'static Location` or a `&'static Named`, told apart by `NAMED`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Label(NonNull<()>);

// SAFETY: a reference to something that is never written again.
unsafe impl Send for Label {}
// SAFETY: as above.
unsafe impl Sync for Label {}

impl Label {
    /// That of an unnamed task spawned by the caller.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn caller() -> Label {
        Label::at(Location::caller())
    }

    #[inline(always)]
    pub(crate) fn at(location: &'static Location<'static>) -> Label {
        Label(NonNull::from(location).cast())
    }

    /// That of a task with a name; of one without when there are too many names already.
    pub(crate) fn named(location: &'static Location<'static>, name: &str) -> Label {
        static TABLE: Mutex<Option<HashMap<(&Location<'_>, &str), Label>>> = Mutex::new(None);
        let name = &name[..name.floor_char_boundary(LONGEST)];
        let mut table = TABLE.lock();
        let table = table.get_or_insert_default();
        if let Some(known) = table.get(&(location, name)) {
            return *known;
        }
        if table.len() >= MOST {
            return Label::at(location);
        }
        let name: &'static str = Box::leak(name.into());
        let named = NonNull::from(Box::leak(Box::new(Named { location, name })));
        let label = Label(named.cast().map_addr(|address| address | NAMED));
        table.insert((location, name), label);
        label
    }

    #[inline]
    pub(crate) fn as_ptr(self) -> *mut () {
        self.0.as_ptr()
    }

    /// # Safety
    ///
    /// `pointer` came from `as_ptr`.
    pub(crate) unsafe fn from_ptr(pointer: *mut ()) -> Label {
        // SAFETY: the caller's promise.
        Label(unsafe { NonNull::new_unchecked(pointer) })
    }

    fn as_named(self) -> Option<&'static Named> {
        let address = self.0.as_ptr().map_addr(|address| address & !NAMED);
        // SAFETY: the mark says what it points at: something leaked.
        (address != self.0.as_ptr()).then(|| unsafe { &*address.cast::<Named>() })
    }

    pub(crate) fn name(self) -> Option<&'static str> {
        self.as_named().map(|named| named.name)
    }

    pub(crate) fn location(self) -> &'static Location<'static> {
        match self.as_named() {
            Some(named) => named.location,
            // SAFETY: unmarked, so it was made from such a reference.
            None => unsafe { self.0.cast::<Location<'static>>().as_ref() },
        }
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Label").field("name", &self.name()).field("location", &self.location()).finish()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "`{name}`, spawned at {}", self.location()),
            None => write!(f, "spawned at {}", self.location()),
        }
    }
}

#[cfg(all(test, not(runtime_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_unnamed_label_is_its_location() {
        let location = Location::caller();
        let label = Label::at(location);
        assert_eq!((label.name(), label.location()), (None, location));
        assert_eq!(label.as_ptr().cast_const(), std::ptr::from_ref(location).cast());
    }

    #[test]
    fn a_name_is_kept_once_for_each_place() {
        let (here, there) = (Location::caller(), Location::caller());
        let label = Label::named(here, "reader");
        assert_eq!((label.name(), label.location()), (Some("reader"), here));
        assert_eq!(label, Label::named(here, &String::from("reader")));
        assert_ne!(label, Label::named(there, "reader"));
        assert_ne!(label, Label::named(here, "writer"));
        // SAFETY: it came from there.
        assert_eq!(unsafe { Label::from_ptr(label.as_ptr()) }, label);
    }

    #[test]
    fn a_name_may_be_empty_long_and_of_any_characters() {
        let here = Location::caller();
        assert_eq!(Label::named(here, "").name(), Some(""));
        let long = "ä".repeat(LONGEST);
        assert_eq!(Label::named(here, &long).name().map(str::len), Some(LONGEST));
        assert_eq!(Label::named(here, &format!("a{long}")).name().map(str::len), Some(LONGEST - 1));
    }

    /// In a process of its own: it fills the table.
    #[test]
    fn beyond_the_bound_a_task_goes_without_a_name() {
        const CHILD: &str = "RUNTIME_TEST_FILLS_THE_NAMES";
        if std::env::var_os(CHILD).is_none() {
            let name = "task::label::tests::beyond_the_bound_a_task_goes_without_a_name";
            let test = std::env::current_exe().unwrap();
            let ran =
                std::process::Command::new(test).args(["--exact", name]).env(CHILD, "").output().unwrap();
            assert!(ran.status.success(), "{ran:?}");
            return;
        }
        let here = Location::caller();
        let first = Label::named(here, "0");
        for number in 1..MOST {
            assert!(Label::named(here, &number.to_string()).name().is_some());
        }
        assert_eq!(Label::named(here, "one too many"), Label::at(here));
        assert_eq!(Label::named(here, "0"), first);
    }
}
