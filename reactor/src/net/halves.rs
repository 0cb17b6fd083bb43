//! The halves of a stream: TCP and Unix streams have the same.

/// Writes the four half types, and the error of putting two together, for `$stream` with `$addr` as its address.
macro_rules! stream_halves {
    ($stream:ident, $socket:ty, $addr:ty) => {
        /// The reading half of a stream that both halves borrow; see `split`.
        #[derive(Debug)]
        pub struct ReadHalf<'a> {
            pub(super) stream: &'a $stream,
        }

        /// The writing half of a stream that both halves borrow; see `split`. Dropping it shuts nothing down.
        #[derive(Debug)]
        pub struct WriteHalf<'a> {
            pub(super) stream: &'a $stream,
        }

        /// The reading half of a stream that both halves own; see `into_split`.
        #[derive(Debug)]
        pub struct OwnedReadHalf {
            pub(super) stream: std::sync::Arc<$stream>,
        }

        /// The writing half of a stream that both halves own; see `into_split`. Dropping it ends the writing
        /// direction, so that the peer reads to the end, unless it is [forgotten](Self::forget).
        #[derive(Debug)]
        pub struct OwnedWriteHalf {
            pub(super) stream: std::sync::Arc<$stream>,
            pub(super) shut_down_on_drop: bool,
        }

        impl ReadHalf<'_> {
            half_methods!($addr);
            read_methods!();
            readable_methods!(stream.io);
            try_read_methods!(stream.io);
        }

        impl WriteHalf<'_> {
            half_methods!($addr);
            write_methods!();
            writable_methods!(stream.io);
            try_write_methods!(stream.io);
        }

        impl OwnedReadHalf {
            half_methods!($addr);
            read_methods!();
            readable_methods!(stream.io);
            try_read_methods!(stream.io);

            /// Puts the two halves of a stream together again.
            ///
            /// # Errors
            ///
            /// They are not of the same stream; the error gives both back.
            pub fn reunite(self, other: OwnedWriteHalf) -> Result<$stream, ReuniteError> {
                reunite(self, other)
            }
        }

        impl OwnedWriteHalf {
            half_methods!($addr);
            write_methods!();
            writable_methods!(stream.io);
            try_write_methods!(stream.io);

            /// Puts the two halves of a stream together again.
            ///
            /// # Errors
            ///
            /// They are not of the same stream; the error gives both back.
            pub fn reunite(self, other: OwnedReadHalf) -> Result<$stream, ReuniteError> {
                reunite(other, self)
            }

            /// Drops the half without ending the writing direction.
            pub fn forget(mut self) {
                self.shut_down_on_drop = false;
            }
        }

        fn reunite(read: OwnedReadHalf, write: OwnedWriteHalf) -> Result<$stream, ReuniteError> {
            if !std::sync::Arc::ptr_eq(&read.stream, &write.stream) {
                return Err(ReuniteError(read, write));
            }
            write.forget();
            Ok(std::sync::Arc::into_inner(read.stream)
                .expect("a stream has one reading and one writing half"))
        }

        impl Drop for OwnedWriteHalf {
            fn drop(&mut self) {
                if self.shut_down_on_drop {
                    let _ = self.stream.shut_down_writing();
                }
            }
        }

        /// Two halves that are not of the same stream, handed back.
        #[derive(Debug)]
        pub struct ReuniteError(
            /// The reading half.
            pub OwnedReadHalf,
            /// The writing half.
            pub OwnedWriteHalf,
        );

        impl std::fmt::Display for ReuniteError {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("these halves are not of the same stream")
            }
        }

        impl std::error::Error for ReuniteError {}

        half_ends!(ReadEnd, read_io, $socket, ReadHalf<'_>, {});
        half_ends!(ReadEnd, read_io, $socket, OwnedReadHalf, {});
        half_ends!(WriteEnd, write_io, $socket, WriteHalf<'_>, {
            fn close_writing(&mut self) -> std::io::Result<()> {
                self.stream.shut_down_writing()
            }
        });
        half_ends!(WriteEnd, write_io, $socket, OwnedWriteHalf, {
            fn close_writing(&mut self) -> std::io::Result<()> {
                let outcome = self.stream.shut_down_writing();
                self.shut_down_on_drop &= outcome.is_err();
                outcome
            }
        });

        half_as_ref!($stream, ReadHalf<'_>);
        half_as_ref!($stream, WriteHalf<'_>);
        half_as_ref!($stream, OwnedReadHalf);
        half_as_ref!($stream, OwnedWriteHalf);
    };
}

/// What every half has.
macro_rules! half_methods {
    ($addr:ty) => {
        ready_methods!(stream.io);

        /// The address of the other end.
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn peer_addr(&self) -> std::io::Result<$addr> {
            self.stream.peer_addr()
        }

        /// The address of this end.
        ///
        /// # Errors
        ///
        /// The operating system's.
        pub fn local_addr(&self) -> std::io::Result<$addr> {
            self.stream.local_addr()
        }
    };
}

macro_rules! half_ends {
    ($end:ident, $io:ident, $socket:ty, $half:ty, {$($more:tt)*}) => {
        impl $crate::net::bytes::$end for $half {
            type Socket = $socket;

            fn $io(&self) -> &$crate::io::Io<$socket> {
                &self.stream.io
            }

            $($more)*
        }
    };
}

macro_rules! half_as_ref {
    ($stream:ident, $half:ty) => {
        impl AsRef<$stream> for $half {
            fn as_ref(&self) -> &$stream {
                &self.stream
            }
        }
    };
}
