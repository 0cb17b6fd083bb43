//! `pin!` with tokio's syntax.

/// Pins futures to the stack: each name then stands for a `Pin<&mut _>` to what it stood for.
///
/// That is `let mut name = std::pin::pin!(name)`. Without a reason to write it tokio's way, use
/// [`std::pin::pin!`] itself: it is an expression.
///
/// ```
/// # runtime::block_on(async {
/// let answer = async { 42 };
/// runtime::pin!(answer);
/// assert_eq!(answer.as_mut().await, 42);
///
/// runtime::pin! {
///     let first = async { 1 };
///     let second = async { 2 };
/// }
/// assert_eq!(first.await + second.await, 3);
/// # });
/// ```
#[macro_export]
macro_rules! pin {
    ($($name:ident),* $(,)?) => {
        $(
            #[allow(unused_mut)]
            let mut $name = ::std::pin::pin!($name);
        )*
    };
    ($(let $name:ident = $future:expr;)*) => {
        $(
            #[allow(unused_mut)]
            let mut $name = ::std::pin::pin!($future);
        )*
    };
}
