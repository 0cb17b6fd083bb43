//! Size classes.
use std::alloc::Layout;

/// Sizes of recycled cells, in bytes. The smallest is that of a header and a result without an output, for futures of no more
/// than that; steps of a half or a third keep the slack of a cell under a third.
#[cfg(not(runtime_loom))]
pub(in crate::task) const SIZES: [usize; 11] = [88, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048];
/// loom's atomics are larger.
#[cfg(runtime_loom)]
pub(in crate::task) const SIZES: [usize; 1] = [2048];

/// What the address of every page is a multiple of. It costs nothing there, and keeps the larger cells on lines of their own.
pub(super) const PAGE_ALIGN: usize = LINE;

/// A cache line.
const LINE: usize = 64;

/// Bytes of the pages of a class, at most, whose cells are whole lines apart.
///
/// PERFORMANCE: of two cells that share a line one is with the other worker half of the time, and each poll takes the line from
/// the other. Where both took part a detached spawn took 119 ns with all cells side by side, and 56 with a line for each; a yield 17.8 and 11.5. But
/// crowds of tasks that wait are not polled: what is beyond this is as dense as it can be. More than this is in no core's own cache.
const WIDE: usize = 2 << 20;

/// The strictest alignment of a recycled cell.
const ALIGN: usize = 16;

/// Cells in a page, and in a full chain. PERFORMANCE: chains of 64 measured about twice as fast as `malloc` each.
#[cfg(not(runtime_loom))]
pub(in crate::task) const CHAIN: usize = 64;
#[cfg(runtime_loom)]
pub(in crate::task) const CHAIN: usize = 2;

/// Chains of each class that a depot keeps for good: 64 KiB, or one.
pub(in crate::task) const KEPT: [usize; SIZES.len()] = {
    let (mut kept, mut class) = ([0; SIZES.len()], 0);
    while class < SIZES.len() && !cfg!(runtime_loom) {
        let fit = (64 << 10) / (SIZES[class] * CHAIN);
        kept[class] = if fit > 0 { fit } else { 1 };
        class += 1;
    }
    kept
};

/// Index into `SIZES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::task) struct Class(pub(in crate::task) usize);

impl Class {
    #[inline]
    pub(in crate::task) const fn size(self) -> usize {
        SIZES[self.0]
    }

    /// How far a cell is from the next where none is to share a line with another.
    pub(super) const fn wide(self) -> usize {
        self.size().next_multiple_of(LINE)
    }

    /// Pages of such cells, at most.
    pub(super) const fn wide_pages(self) -> usize {
        WIDE / (self.wide() * CHAIN)
    }
}

/// Where a type's cells come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::task) enum Home {
    /// Recycled, in pages.
    Class(Class),
    /// An allocation of its own, listed: too large or too strictly aligned, or recycling is off. The key of the list
    /// follows the cell, at this offset.
    Alone { layout: Layout, key_at: usize },
}

impl Home {
    pub(in crate::task) const fn of(size: usize, align: usize) -> Home {
        let mut class = 0;
        while class < SIZES.len() {
            // Cells lie side by side, so that each is aligned as the first two are.
            let fits = size <= SIZES[class] && align <= ALIGN && SIZES[class].is_multiple_of(align);
            if fits && !cfg!(runtime_no_recycle) {
                return Home::Class(Class(class));
            }
            class += 1;
        }
        let key_at = size.next_multiple_of(align_of::<usize>());
        let align = if align < align_of::<usize>() { align_of::<usize>() } else { align };
        match Layout::from_size_align(key_at + size_of::<usize>(), align) {
            Ok(layout) => Home::Alone { layout, key_at },
            Err(_) => panic!("the future is larger than an address space"),
        }
    }
}
