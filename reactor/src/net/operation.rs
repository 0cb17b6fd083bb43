//! Operations on datagram sockets, each in three forms, for a type with the field `io: Io<_>`.

/// The three forms of an operation: `async`, poll, and without waiting.
macro_rules! operation {
    (
        $(#[$doc:meta])*
        $name:ident, $poll:ident, $try:ident: $direction:ident $interest:ident
        ($($arg:ident: $type:ty),*) -> $out:ty, |$socket:ident| $call:expr
    ) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// The operating system's.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing was sent or received when it is dropped unresolved.
        pub async fn $name(&self, $($arg: $type),*) -> std::io::Result<$out> {
            self.io.io($crate::Direction::$direction, |$socket| $call).await
        }

        operation!(@poll $name, $poll: $direction ($($arg: $type),*) -> $out, |$socket| $call);
        operation!(@try $name, $try: $interest ($($arg: $type),*) -> $out, |$socket| $call);
    };
    (@poll $name:ident, $poll:ident: $direction:ident
        ($($arg:ident: $type:ty),*) -> $out:ty, |$socket:ident| $call:expr
    ) => {
        #[doc = concat!("[`", stringify!($name), "`](Self::", stringify!($name), ") as a poll function.")]
        /// Of several tasks that call one of this direction, only the last one is woken.
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn $poll(&self, cx: &mut std::task::Context<'_>, $($arg: $type),*) -> std::task::Poll<std::io::Result<$out>> {
            self.io.poll_io(cx, $crate::Direction::$direction, |$socket| $call)
        }
    };
    (@try $name:ident, $try:ident: $interest:ident
        ($($arg:ident: $type:ty),*) -> $out:ty, |$socket:ident| $call:expr
    ) => {
        #[doc = concat!("[`", stringify!($name), "`](Self::", stringify!($name), ") without waiting.")]
        ///
        /// # Errors
        ///
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when it would have to wait; otherwise the operating system's.
        pub fn $try(&self, $($arg: $type),*) -> std::io::Result<$out> {
            self.io.try_io($crate::Interest::$interest, |$socket| $call)
        }
    };
}
