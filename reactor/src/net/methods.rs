//! Inherent methods that several types share, so that a newcomer needs no trait.
//!
//! Each macro is written into an `impl` block. They take `&mut self` where the extension traits of `tokio` and
//! `futures` do, so that with one of those imported the inherent method is the one chosen, and it behaves alike.

/// Reads through `ReadEnd`.
macro_rules! read_methods {
    () => {
        /// Reads some bytes into `buf`; zero is the end of the stream (or an empty `buf`).
        ///
        /// # Errors
        ///
        /// The operating system's.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing was read when it is dropped unresolved.
        pub async fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let io = $crate::net::bytes::ReadEnd::read_io(self);
            std::future::poll_fn(|cx| $crate::net::bytes::poll_read(io, cx, buf)).await
        }

        /// Reads some bytes into several buffers, one after the other filled.
        ///
        /// # Errors
        ///
        /// The operating system's.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing was read when it is dropped unresolved.
        pub async fn read_vectored(
            &mut self,
            bufs: &mut [std::io::IoSliceMut<'_>],
        ) -> std::io::Result<usize> {
            let io = $crate::net::bytes::ReadEnd::read_io(self);
            std::future::poll_fn(|cx| $crate::net::bytes::poll_read_vectored(io, cx, bufs)).await
        }

        /// Reads until `buf` is full, and returns its length.
        ///
        /// # Errors
        ///
        /// [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) when the stream ends before; otherwise the operating
        /// system's. How much was read is then unspecified.
        ///
        /// # Cancel safety
        ///
        /// Not safe: what was read so far is in `buf`, and nobody knows how much.
        pub async fn read_exact(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let mut filled = 0;
            while filled < buf.len() {
                match self.read(&mut buf[filled..]).await? {
                    0 => return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "early eof")),
                    n => filled += n,
                }
            }
            Ok(filled)
        }

        /// Appends everything up to the end of the stream to `buf`, and returns how much that was.
        ///
        /// # Errors
        ///
        /// The operating system's; what came before is in `buf`.
        ///
        /// # Cancel safety
        ///
        /// What was read so far is in `buf`, and nothing else.
        pub async fn read_to_end(&mut self, buf: &mut Vec<u8>) -> std::io::Result<usize> {
            let io = $crate::net::bytes::ReadEnd::read_io(self);
            let mut total = 0;
            std::future::poll_fn(|cx| $crate::net::uninit::poll_read_to_end(io, cx, buf, &mut total)).await
        }

        /// Appends everything up to the end of the stream to `buf`, and returns how many bytes that was.
        ///
        /// # Errors
        ///
        /// [`InvalidData`](std::io::ErrorKind::InvalidData) when it is no UTF-8; otherwise the operating system's.
        /// `buf` is then as it was.
        ///
        /// # Cancel safety
        ///
        /// Not safe: what was read so far is lost.
        pub async fn read_to_string(&mut self, buf: &mut String) -> std::io::Result<usize> {
            let mut bytes = Vec::new();
            let n = self.read_to_end(&mut bytes).await?;
            let text = String::from_utf8(bytes)
                .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))?;
            buf.push_str(&text);
            Ok(n)
        }
    };
}

/// Writes through `WriteEnd`.
macro_rules! write_methods {
    () => {
        /// Writes some bytes of `buf`, and returns how many.
        ///
        /// # Errors
        ///
        /// The operating system's.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing was written when it is dropped unresolved.
        pub async fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
            let io = $crate::net::bytes::WriteEnd::write_io(self);
            std::future::poll_fn(|cx| $crate::net::bytes::poll_write(io, cx, buf)).await
        }

        /// Writes some bytes of several buffers, in one system call.
        ///
        /// # Errors
        ///
        /// The operating system's.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing was written when it is dropped unresolved.
        pub async fn write_vectored(&mut self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            let io = $crate::net::bytes::WriteEnd::write_io(self);
            std::future::poll_fn(|cx| $crate::net::bytes::poll_write_vectored(io, cx, bufs)).await
        }

        /// Writes all of `buf`.
        ///
        /// # Errors
        ///
        /// The operating system's; [`WriteZero`](std::io::ErrorKind::WriteZero) when nothing more is taken.
        ///
        /// # Cancel safety
        ///
        /// Not safe: nobody knows how much was written so far.
        pub async fn write_all(&mut self, buf: &[u8]) -> std::io::Result<()> {
            let mut rest = buf;
            while !rest.is_empty() {
                match self.write(rest).await? {
                    0 => return Err(std::io::ErrorKind::WriteZero.into()),
                    n => rest = &rest[n..],
                }
            }
            Ok(())
        }

        /// Does nothing: what was written is the kernel's already.
        ///
        /// # Errors
        ///
        /// None.
        pub async fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }

        /// Ends the writing direction: the peer reads to the end.
        ///
        /// # Errors
        ///
        /// The operating system's. That the peer is gone is no error.
        pub async fn shutdown(&mut self) -> std::io::Result<()> {
            $crate::net::bytes::WriteEnd::close_writing(self)
        }
    };
}

/// The readiness of an `Io` at `self.$io`, whole.
macro_rules! ready_methods {
    ($($io:tt)+) => {
        /// Waits until the socket is ready in one of the ways of `interest`, and says in which.
        ///
        /// An operation may still fail with [`WouldBlock`](std::io::ErrorKind::WouldBlock): wait again then.
        ///
        /// # Errors
        ///
        /// The operating system's, when nobody can be found to wait.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing is consumed.
        pub async fn ready(&self, interest: $crate::Interest) -> std::io::Result<$crate::Ready> {
            self.$($io)+.readiness(interest).await
        }
    };
}

/// Waiting until it may be read.
macro_rules! readable_methods {
    ($($io:tt)+) => {
        /// Waits until it may be read: data, the end or an error has come.
        ///
        /// # Errors
        ///
        /// The operating system's, when nobody can be found to wait.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing is consumed.
        pub async fn readable(&self) -> std::io::Result<()> {
            self.$($io)+.readiness($crate::Interest::READABLE).await.map(drop)
        }
    };
}

/// Waiting until it may be written.
macro_rules! writable_methods {
    ($($io:tt)+) => {
        /// Waits until it may be written: there is room, the peer has gone or an error has come.
        ///
        /// # Errors
        ///
        /// The operating system's, when nobody can be found to wait.
        ///
        /// # Cancel safety
        ///
        /// Safe: nothing is consumed.
        pub async fn writable(&self) -> std::io::Result<()> {
            self.$($io)+.readiness($crate::Interest::WRITABLE).await.map(drop)
        }
    };
}

/// Reading a byte stream without waiting.
macro_rules! try_read_methods {
    ($($io:tt)+) => {
        /// Reads what is there into `buf`, without waiting; zero is the end of the stream.
        ///
        /// # Errors
        ///
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when nothing is there; otherwise the operating system's.
        pub fn try_read(&self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.$($io)+.try_io($crate::Interest::READABLE, |socket| {
                $crate::net::bytes::ByteStream::recv(socket, buf)
            })
        }

        /// Reads what is there into several buffers, without waiting.
        ///
        /// # Errors
        ///
        /// As [`try_read`](Self::try_read).
        pub fn try_read_vectored(&self, bufs: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
            self.$($io)+.try_io($crate::Interest::READABLE, |socket| {
                $crate::net::bytes::ByteStream::recv_vectored(socket, bufs)
            })
        }
    };
}

/// Writing a byte stream without waiting.
macro_rules! try_write_methods {
    ($($io:tt)+) => {
        /// Writes what there is room for, without waiting, and returns how much.
        ///
        /// # Errors
        ///
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) when there is no room; otherwise the operating system's.
        pub fn try_write(&self, buf: &[u8]) -> std::io::Result<usize> {
            self.$($io)+.try_io($crate::Interest::WRITABLE, |socket| {
                $crate::net::bytes::ByteStream::send(socket, buf)
            })
        }

        /// Writes what there is room for of several buffers, without waiting.
        ///
        /// # Errors
        ///
        /// As [`try_write`](Self::try_write).
        pub fn try_write_vectored(&self, bufs: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
            self.$($io)+.try_io($crate::Interest::WRITABLE, |socket| {
                $crate::net::bytes::ByteStream::send_vectored(socket, bufs)
            })
        }
    };
}

/// The user's own operation on the descriptor at `self.io`.
macro_rules! io_methods {
    () => {
        /// Runs `f`, the user's own non-blocking operation on this descriptor, if it is ready in a way of `interest`.
        /// When `f` returns [`WouldBlock`](std::io::ErrorKind::WouldBlock), the readiness is taken as used up: it must
        /// not return that for another reason.
        ///
        /// # Errors
        ///
        /// `WouldBlock` when it is not ready; otherwise those of `f`.
        pub fn try_io<R>(
            &self,
            interest: $crate::Interest,
            f: impl FnOnce() -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            self.io.try_io(interest, |_| f())
        }

        /// Runs `f`, the user's own non-blocking operation on this descriptor, each time it is ready in a way of
        /// `interest`, until it returns something else than [`WouldBlock`](std::io::ErrorKind::WouldBlock).
        ///
        /// # Errors
        ///
        /// Those of `f`, and the operating system's when nobody can be found to wait.
        ///
        /// # Cancel safety
        ///
        /// As safe as `f` is when it is not called again.
        pub async fn async_io<R>(
            &self,
            interest: $crate::Interest,
            mut f: impl FnMut() -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            self.io.async_io(interest, |_| f()).await
        }
    };
}

/// Waits in the form of poll functions.
macro_rules! poll_ready_method {
    ($(#[$doc:meta])* $name:ident, $direction:ident) => {
        $(#[$doc])*
        ///
        /// Of several tasks that call it, only the last one is woken: use the `async` form to share the socket.
        ///
        /// # Errors
        ///
        /// The operating system's, when nobody can be found to wait.
        pub fn $name(
            &self,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            self.io.poll_ready(cx, $crate::Direction::$direction).map_ok(drop)
        }
    };
}

/// From and to std, descriptor traits and `Debug`, for a type with the field `io: Io<$std>` and a function `over` that
/// puts one around a socket known to be non-blocking.
macro_rules! std_conversions {
    ($type:ident, $std:ty) => {
        impl $type {
            /// Takes over a socket of std, which must be in non-blocking mode.
            ///
            /// # Errors
            ///
            /// It is in blocking mode, or is no open descriptor.
            pub fn from_std(socket: $std) -> std::io::Result<$type> {
                $crate::io::check_nonblocking(std::os::fd::AsRawFd::as_raw_fd(&socket))?;
                $type::over(socket)
            }

            /// Gives the socket back to std, still in non-blocking mode.
            ///
            /// # Errors
            ///
            /// The operating system's, when it can't be taken out of the reactor.
            pub fn into_std(self) -> std::io::Result<$std> {
                self.io.into_inner()
            }
        }

        impl TryFrom<$std> for $type {
            type Error = std::io::Error;

            /// As `from_std`.
            fn try_from(socket: $std) -> std::io::Result<$type> {
                $type::from_std(socket)
            }
        }

        descriptor!($type);
    };
}

/// `AsRawFd`, `AsFd` and `Debug` for a type with the field `io: Io<_>`.
macro_rules! descriptor {
    ($type:ident) => {
        impl std::os::fd::AsRawFd for $type {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                std::os::fd::AsRawFd::as_raw_fd(self.io.get_ref())
            }
        }

        impl std::os::fd::AsFd for $type {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                std::os::fd::AsFd::as_fd(self.io.get_ref())
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self.io.get_ref(), f)
            }
        }
    };
}
