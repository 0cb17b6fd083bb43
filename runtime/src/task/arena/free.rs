//! Free cells, linked through their own memory.
//!
//! The face stays as it is, with a word of zero, readable by anybody at any time; the rest is poisoned under
//! `runtime_poison`.
#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use super::class::Class;
use crate::task::face::Face;
use crate::task::header::Header;

/// A cell while it is free.
#[repr(C)]
pub(in crate::task) struct FreeCell {
    pub(super) face: Face,
    next: *mut FreeCell,
    /// In the first cell of a chain in the depot: the next chain, and this one.
    pub(super) next_chain: *mut FreeCell,
    pub(super) chain: FreeList,
}

const _: () =
    assert!(size_of::<FreeCell>() <= super::class::SIZES[0], "a free cell of the least class holds this");

/// Stacks in a list. PERFORMANCE: a cell that is long free is a cache miss, and one stack a chain of them, each of which has to
/// be over before the next cell is known.
const STRIPES: usize = 4;

/// A list of free cells of one class; a value, moved about by whoever owns it. The cell that is pushed on `len` others goes onto the
/// stack `len` modulo their number: so the last that was pushed is popped first, as from a single one.
#[derive(Clone, Copy, Debug)]
pub(super) struct FreeList {
    heads: [*mut FreeCell; STRIPES],
    pub(super) len: usize,
}

impl FreeList {
    pub(super) const EMPTY: FreeList = FreeList { heads: [ptr::null_mut(); STRIPES], len: 0 };

    /// The cell that is popped next; null if there is none.
    pub(super) fn first(&self) -> *mut FreeCell {
        self.heads[self.len.wrapping_sub(1) % STRIPES]
    }

    /// Has those that are popped next brought here.
    pub(super) fn prefetch(&self, class: Class) {
        self.heads.iter().for_each(|head| prefetch(*head, class.size()));
    }

    /// # Safety
    ///
    /// The cell is of the list's class, free, with nobody else knowing of it.
    #[inline]
    pub(super) unsafe fn push(&mut self, class: Class, cell: NonNull<Header>) {
        let cell = cell.as_ptr().cast::<FreeCell>();
        let head = &mut self.heads[self.len % STRIPES];
        // SAFETY: the cell is the caller's, and larger than a `FreeCell`.
        unsafe { (*cell).next = *head };
        // SAFETY: as above.
        unsafe { poison(cell, class.size()) };
        *head = cell;
        self.len += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self, class: Class) -> Option<NonNull<Header>> {
        let cell = NonNull::new(self.first())?;
        self.len -= 1;
        let head = &mut self.heads[self.len % STRIPES];
        // SAFETY: a cell in the list, which is ours: the promise of `push`.
        unsafe { unpoison(cell.as_ptr(), class.size()) };
        // SAFETY: as above.
        *head = unsafe { (*cell.as_ptr()).next };
        // Its turn comes after those of the other stacks.
        prefetch(*head, class.size());
        Some(cell.cast())
    }
}

/// Has the lines of a cell brought to this core, to be written soon: a hint.
#[inline(always)]
fn prefetch(_cell: *mut FreeCell, _size: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        prefetch_line::<0>(_cell);
        // Header, and a future of some size. What is written without being read first is worth less: so of a small cell one line.
        if _size >= 128 {
            prefetch_line::<64>(_cell);
        }
        if _size >= 192 {
            prefetch_line::<128>(_cell);
        }
    }
}

/// Not the intrinsic: where the target is any x86-64 that is a `prefetcht0`, which brings a line only to be read if others have it. A
/// processor that does not know `prefetchw` takes it for a no-op.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn prefetch_line<const OFFSET: usize>(cell: *mut FreeCell) {
    // SAFETY: a hint: it neither reads nor faults, whatever the address.
    unsafe {
        std::arch::asm!(
            "prefetchw [{cell} + {offset}]",
            cell = in(reg) cell,
            offset = const OFFSET,
            options(nostack, preserves_flags, readonly)
        );
    }
}

/// Forbids access to a free cell behind its face, where AddressSanitizer watches.
///
/// # Safety
///
/// The cell of `size` bytes is the caller's, and free.
#[inline(always)]
pub(super) unsafe fn poison(_cell: *mut FreeCell, _size: usize) {
    #[cfg(runtime_poison)]
    {
        let face = std::mem::size_of::<Face>();
        // SAFETY: within the cell.
        let behind = unsafe { _cell.byte_add(face) };
        // SAFETY: marks shadow memory of bytes that are the caller's.
        unsafe { asan::__asan_poison_memory_region(behind.cast(), _size - face) };
    }
}

/// Undoes `poison`.
///
/// # Safety
///
/// As for `poison`.
#[inline(always)]
pub(super) unsafe fn unpoison(_cell: *mut FreeCell, _size: usize) {
    #[cfg(runtime_poison)]
    // SAFETY: marks shadow memory of bytes that are the caller's.
    unsafe {
        asan::__asan_unpoison_memory_region(_cell.cast(), _size)
    };
}

/// Linked in by `-Zsanitizer=address`.
#[cfg(runtime_poison)]
mod asan {
    unsafe extern "C" {
        pub(super) fn __asan_poison_memory_region(address: *const std::ffi::c_void, size: usize);
        pub(super) fn __asan_unpoison_memory_region(address: *const std::ffi::c_void, size: usize);
        #[cfg(test)]
        pub(super) fn __asan_address_is_poisoned(address: *const std::ffi::c_void) -> std::ffi::c_int;
    }
}

#[cfg(all(test, runtime_poison))]
mod tests {
    use super::*;
    use crate::task::arena::SIZES;

    fn is_poisoned<T>(address: *const T, offset: usize) -> bool {
        // SAFETY: asks of shadow memory, for any address.
        unsafe { asan::__asan_address_is_poisoned(address.wrapping_byte_add(offset).cast()) != 0 }
    }

    #[test]
    fn a_free_cell_is_poisoned_behind_its_face() {
        for (class, size) in SIZES.into_iter().enumerate() {
            let mut memory = vec![0_u64; size / 8];
            let cell = NonNull::new(memory.as_mut_ptr().cast::<Header>()).unwrap();
            let mut list = FreeList::EMPTY;
            // SAFETY: large enough, and nobody else's.
            unsafe { list.push(Class(class), cell) };
            assert!(!is_poisoned(cell.as_ptr(), 0) && !is_poisoned(cell.as_ptr(), size_of::<Face>() - 1));
            assert!(is_poisoned(cell.as_ptr(), size_of::<Face>()) && is_poisoned(cell.as_ptr(), size - 1));
            assert_eq!(list.pop(Class(class)), Some(cell));
            assert!(!is_poisoned(cell.as_ptr(), size_of::<Face>()) && !is_poisoned(cell.as_ptr(), size - 1));
        }
    }
}
