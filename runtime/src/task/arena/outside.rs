//! What threads that are no workers share, and the gate that closes.
#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use slab::Slab;

use super::Arena;
use super::cache::Cache;
use super::class::Home;
use crate::primitives::Arc;
use crate::task::face::{Face, Sight};
use crate::task::header::{Header, RawTask};
use crate::task::state::{Shut, State};

pub(in crate::task) struct Outside<S> {
    /// Never closed itself: a release may still use it.
    pub(super) cache: Cache,
    pub(super) closed: bool,
    pub(super) retired: Option<Retired<S>>,
    /// The cells that have an allocation each. A key is taken before the cell is written, so the word says whether
    /// there is a task.
    alone: Slab<Alone>,
}

/// The arena waits for its last cells.
pub(super) struct Retired<S> {
    pub(super) left: usize,
    pub(super) keep: Option<Arc<S>>,
}

/// Cells that the memory of an empty list has room for at most: a burst's is given back.
const KEPT: usize = 1024;

struct Alone(NonNull<Header>);

// SAFETY: a listed cell is shared; what is done to it is for its word to say.
unsafe impl Send for Alone {}

impl<S> Outside<S> {
    pub(super) fn new() -> Self {
        Outside { cache: Cache::new(), closed: false, retired: None, alone: Slab::new() }
    }

    /// A free cell. It must become a task before the lock is let go.
    pub(in crate::task) fn take(&mut self, arena: &Arena<S>, home: Home) -> NonNull<Header> {
        match home {
            Home::Class(class) => loop {
                if let Some(cell) = self.cache.take(class) {
                    return cell;
                }
                arena.load(&self.cache, class);
            },
            Home::Alone { layout, key_at } => self.take_alone(layout, key_at),
        }
    }

    fn take_alone(&mut self, layout: Layout, key_at: usize) -> NonNull<Header> {
        // SAFETY: the size is not zero, there is a header in it.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(memory) = NonNull::new(memory) else { alloc::handle_alloc_error(layout) };
        let cell = memory.cast::<Header>();
        // SAFETY: the face is the first field of the new cell.
        unsafe { cell.as_ptr().cast::<Face>().write(Face::free()) };
        let key = self.alone.insert(Alone(cell));
        // SAFETY: `Home::of` made room for the key there, aligned.
        let key_slot = unsafe { memory.add(key_at) }.cast::<usize>();
        // SAFETY: as above.
        unsafe { key_slot.write(key) };
        cell
    }

    /// Takes a cell off the list and frees it.
    ///
    /// # Safety
    ///
    /// The cell came from `take` with this home, and nobody can reach it but through the list.
    pub(super) unsafe fn free_alone(&mut self, task: RawTask, layout: Layout, key_at: usize) {
        let memory = task.as_ptr().cast::<u8>();
        // SAFETY: within the allocation, by `Home::of`.
        let key_slot = unsafe { memory.add(key_at) }.cast::<usize>();
        // SAFETY: written by `take_alone`.
        let key = unsafe { key_slot.read() };
        let listed = self.alone.remove(key);
        debug_assert_eq!(listed.0, task.as_ptr(), "the key is the cell's own");
        if self.alone.is_empty() && self.alone.capacity() > KEPT {
            self.alone = Slab::new();
        }
        // SAFETY: allocated with this layout, and out of the list now.
        unsafe { alloc::dealloc(memory.as_ptr(), layout) };
    }

    /// A scan over the listed cells: what it takes goes to `taken`; says how many are on their way.
    pub(super) fn shut_alone(&self, shut: fn(&State) -> Shut, taken: &mut Vec<RawTask>) -> usize {
        let mut in_flight = 0;
        for (_, alone) in &self.alone {
            // SAFETY: a listed cell is there: it is freed under the lock that we are under.
            let task = unsafe { RawTask::new(alone.0) };
            match shut(task.state()) {
                Shut::Nothing => {}
                Shut::Take => taken.push(task),
                Shut::InFlight => in_flight += 1,
            }
        }
        in_flight
    }

    pub(super) fn look_at_tasks(&self, see: impl FnMut(Sight)) {
        // SAFETY: a listed cell is there: it is freed under the lock that we are under. Its face may always be read.
        let faces = self.alone.iter().map(|(_, alone)| unsafe { &(*alone.0.as_ptr()).face });
        faces.filter_map(Face::look).for_each(see);
    }

    pub(super) fn look_at(&self, cell: *const Header) -> Option<Sight> {
        let (_, alone) = self.alone.iter().find(|(_, alone)| std::ptr::eq(alone.0.as_ptr(), cell))?;
        // SAFETY: as in `look_at_tasks`.
        unsafe { &(*alone.0.as_ptr()).face }.look()
    }

    pub(super) fn for_each_word(&self, mut f: impl FnMut(&State)) {
        for (_, alone) in &self.alone {
            // SAFETY: as in `shut_alone`.
            f(unsafe { &(*alone.0.as_ptr()).face.state });
        }
    }
}
