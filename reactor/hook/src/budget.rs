//! Cooperative scheduling: a leaf future that is always ready gives way after so many operations.
//!
//! The executor grants each poll a number of operations; a leaf future takes one with [`poll_proceed`] before it
//! makes progress. The idea and the number are tokio's (`tokio::task::coop`).
use std::cell::Cell;
use std::task::{Context, Poll};

use crate::frame;

/// Operations granted to one poll of a task.
pub const PER_POLL: u16 = 128;

/// No limit: outside of a frame, and inside `unconstrained`.
pub const UNLIMITED: u16 = u16::MAX;

/// Gives the operation back on drop, unless progress was made.
#[derive(Debug)]
#[must_use = "call made_progress when the operation completed"]
pub struct Charge {
    refund: Cell<bool>,
}

impl Charge {
    /// The operation completed: it stays charged.
    #[inline]
    pub fn made_progress(&self) {
        self.refund.set(false);
    }
}

impl Drop for Charge {
    #[inline]
    fn drop(&mut self) {
        if self.refund.get() {
            frame::with_budget_of_frame(|budget| {
                if let Some(budget) = budget
                    && budget.get() != UNLIMITED
                {
                    budget.set(budget.get() + 1);
                }
            });
        }
    }
}

/// Charges one operation. When nothing is left the task is woken, so that it runs again after its neighbours, and
/// `Pending` is returned.
#[inline]
pub fn poll_proceed(cx: &Context<'_>) -> Poll<Charge> {
    let left = frame::with_budget_of_frame(|budget| match budget {
        None => UNLIMITED,
        Some(budget) => {
            let left = budget.get();
            if left != UNLIMITED && left > 0 {
                budget.set(left - 1);
            }
            left
        }
    });
    match left {
        0 => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        UNLIMITED => Poll::Ready(Charge { refund: Cell::new(false) }),
        _ => Poll::Ready(Charge { refund: Cell::new(true) }),
    }
}

/// Whether an operation would be granted now.
#[inline]
pub fn has_remaining() -> bool {
    frame::with_budget_of_frame(|budget| budget.is_none_or(|budget| budget.get() > 0))
}

/// Runs `f` with the budget set to `budget`, and puts the former one back afterwards.
pub fn with_budget<R>(budget: u16, f: impl FnOnce() -> R) -> R {
    struct Restore(u16);
    impl Drop for Restore {
        fn drop(&mut self) {
            frame::with_frame(|frame| {
                if let Some(frame) = frame {
                    frame.budget().set(self.0);
                }
            });
        }
    }
    let _restore = frame::with_frame(|frame| frame.map(|frame| Restore(frame.budget().replace(budget))));
    f()
}
