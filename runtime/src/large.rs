//! Futures that are too large to be handed on by value.
//!
//! A call that is not inlined copies its argument, and in a build without optimization none is: on its way from `spawn` to
//! its cell a future would lie on the stack half a dozen times. A large one is put into a box where it comes in.

/// Bytes of the largest future that is handed on by value. Tokio's figures (`BOX_FUTURE_THRESHOLD`).
const LIMIT: usize = if cfg!(debug_assertions) { 2 << 10 } else { 16 << 10 };

pub(crate) const fn is_large<F>() -> bool {
    size_of::<F>() > LIMIT
}

/// `unless_large!(future: F => expression)`: the expression, where `future` is in a box if `F` is large. Known when it is
/// compiled: small futures pay nothing.
macro_rules! unless_large {
    ($future:ident: $type:ty => $handed_on:expr) => {
        if const { $crate::large::is_large::<$type>() } {
            let $future = ::std::boxed::Box::pin($future);
            $handed_on
        } else {
            $handed_on
        }
    };
}
pub(crate) use unless_large;
