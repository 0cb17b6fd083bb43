//! Any file descriptor that the system can poll, as a source.
mod guard;

use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};

pub use self::guard::{AsyncFdReadyGuard, AsyncFdReadyMutGuard, TryIoError};

use crate::interest::{Direction, Interest};
use crate::io::{Io, check_nonblocking};
use crate::sys;

/// A file descriptor whose readiness can be awaited.
///
/// It must be in non-blocking mode, and stay open for as long as this owns it: a descriptor that is closed behind its
/// back is never ready again.
///
/// ```
/// use reactor::AsyncFd;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// let (mut writer, reader) = UnixStream::pair()?;
/// reader.set_nonblocking(true)?;
/// let reader = AsyncFd::new(reader)?;
/// writer.write_all(b"hello")?;
/// let text = futures::executor::block_on(async {
///     loop {
///         let mut guard = reader.readable().await?;
///         let mut text = [0; 5];
///         match guard.try_io(|reader| reader.get_ref().read(&mut text)) {
///             Ok(read) => break read.map(|_| text),
///             Err(_would_block) => continue,
///         }
///     }
/// })?;
/// assert_eq!(&text, b"hello");
/// # std::io::Result::Ok(())
/// ```
pub struct AsyncFd<T: AsRawFd> {
    io: Io<Kept<T>>,
}

/// A value with the descriptor it had when it was taken over: that one is registered, whatever the value says later.
struct Kept<T> {
    fd: RawFd,
    value: T,
}

impl<T> AsRawFd for Kept<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl<T: AsRawFd> AsyncFd<T> {
    /// Takes over `inner`, to be waited for in both directions.
    ///
    /// # Errors
    ///
    /// The descriptor is not open, is in blocking mode, or is one that the system cannot poll: a regular file, a
    /// directory.
    pub fn new(inner: T) -> io::Result<AsyncFd<T>> {
        AsyncFd::try_new(inner).map_err(Into::into)
    }

    /// Takes over `inner`, to be waited for in the ways of `interest` alone.
    ///
    /// # Errors
    ///
    /// As [`new`](AsyncFd::new).
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<AsyncFd<T>> {
        AsyncFd::try_with_interest(inner, interest).map_err(Into::into)
    }

    /// As [`new`](AsyncFd::new); the error gives `inner` back.
    ///
    /// # Errors
    ///
    /// As [`new`](AsyncFd::new).
    pub fn try_new(inner: T) -> Result<AsyncFd<T>, AsyncFdTryNewError<T>> {
        AsyncFd::try_with_interest(inner, Interest::READABLE | Interest::WRITABLE)
    }

    /// As [`with_interest`](AsyncFd::with_interest); the error gives `inner` back.
    ///
    /// # Errors
    ///
    /// As [`new`](AsyncFd::new).
    pub fn try_with_interest(inner: T, interest: Interest) -> Result<AsyncFd<T>, AsyncFdTryNewError<T>> {
        let fd = inner.as_raw_fd();
        match check_nonblocking(fd).and_then(|()| check_pollable(fd)) {
            Ok(()) => Ok(AsyncFd { io: Io::with_interest(Kept { fd, value: inner }, interest) }),
            Err(cause) => Err(AsyncFdTryNewError { inner, cause }),
        }
    }

    /// The value it was made of.
    pub fn get_ref(&self) -> &T {
        &self.io.get_ref().value
    }

    /// The value it was made of. The descriptor must stay the same.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.io.get_mut().value
    }

    /// Gives the value back. Whoever waits for it is not woken.
    pub fn into_inner(self) -> T {
        self.io.into_source().value
    }

    /// Waits until it is ready to read. Wakes the last caller of this function only; any number may await
    /// [`readable`](AsyncFd::readable).
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    pub fn poll_read_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = ready!(self.io.poll_ready_event(cx, Direction::Read))?;
        Poll::Ready(Ok(AsyncFdReadyGuard::new(self, event)))
    }

    /// As [`poll_read_ready`](AsyncFd::poll_read_ready), with the value to be changed.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    pub fn poll_read_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = ready!(self.io.poll_ready_event(cx, Direction::Read))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard::new(self, event)))
    }

    /// Waits until it is ready to write. Wakes the last caller of this function only; any number may await
    /// [`writable`](AsyncFd::writable).
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    pub fn poll_write_ready<'a>(
        &'a self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = ready!(self.io.poll_ready_event(cx, Direction::Write))?;
        Poll::Ready(Ok(AsyncFdReadyGuard::new(self, event)))
    }

    /// As [`poll_write_ready`](AsyncFd::poll_write_ready), with the value to be changed.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    pub fn poll_write_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = ready!(self.io.poll_ready_event(cx, Direction::Write))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard::new(self, event)))
    }

    /// Waits until it is ready in some way of `interest`. An error state ends every wait.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Waiting consumes nothing.
    pub async fn ready(&self, interest: Interest) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        let event = self.io.ready_event(interest).await?;
        Ok(AsyncFdReadyGuard::new(self, event))
    }

    /// As [`ready`](AsyncFd::ready), with the value to be changed.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Waiting consumes nothing.
    pub async fn ready_mut(&mut self, interest: Interest) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        let event = self.io.ready_event(interest).await?;
        Ok(AsyncFdReadyMutGuard::new(self, event))
    }

    /// Waits until it is ready to read.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Waiting consumes nothing.
    pub async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        self.ready(Interest::READABLE).await
    }

    /// As [`readable`](AsyncFd::readable), with the value to be changed.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Waiting consumes nothing.
    pub async fn readable_mut(&mut self) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        self.ready_mut(Interest::READABLE).await
    }

    /// Waits until it is ready to write.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Waiting consumes nothing.
    pub async fn writable(&self) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        self.ready(Interest::WRITABLE).await
    }

    /// As [`writable`](AsyncFd::writable), with the value to be changed.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Waiting consumes nothing.
    pub async fn writable_mut(&mut self) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        self.ready_mut(Interest::WRITABLE).await
    }

    /// Does `f` as soon as it does not answer `WouldBlock`. `f` is not tried before the system reported readiness.
    ///
    /// # Errors
    ///
    /// Those of `f`, and the system's when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, `f` has not succeeded.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.async_io(interest, |kept| f(&kept.value)).await
    }

    /// As [`async_io`](AsyncFd::async_io), with the value to be changed.
    ///
    /// # Errors
    ///
    /// Those of `f`, and the system's when it cannot be registered.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, `f` has not succeeded.
    pub async fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut f: impl FnMut(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.async_io_mut(interest, |kept| f(&mut kept.value)).await
    }

    /// Does `f` if the source is ready, and notes it where `f` answers `WouldBlock`.
    ///
    /// # Errors
    ///
    /// `WouldBlock` without calling `f` when it is known not to be ready; otherwise those of `f`.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.io.try_io(interest, |kept| f(&kept.value))
    }

    /// As [`try_io`](AsyncFd::try_io), with the value to be changed.
    ///
    /// # Errors
    ///
    /// `WouldBlock` without calling `f` when it is known not to be ready; otherwise those of `f`.
    pub fn try_io_mut<R>(
        &mut self,
        interest: Interest,
        f: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io.try_io_mut(interest, |kept| f(&mut kept.value))
    }

    fn io(&self) -> &Io<Kept<T>> {
        &self.io
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.get_ref().as_raw_fd()
    }
}

impl<T: AsRawFd + AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFd").field("inner", self.get_ref()).finish()
    }
}

/// An [`AsyncFd`] that could not be made, with what it was to be made of.
pub struct AsyncFdTryNewError<T> {
    inner: T,
    cause: io::Error,
}

impl<T> AsyncFdTryNewError<T> {
    /// The value, and the reason.
    pub fn into_parts(self) -> (T, io::Error) {
        (self.inner, self.cause)
    }
}

impl<T> fmt::Debug for AsyncFdTryNewError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.cause, f)
    }
}

impl<T> fmt::Display for AsyncFdTryNewError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

impl<T> Error for AsyncFdTryNewError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl<T> From<AsyncFdTryNewError<T>> for io::Error {
    fn from(error: AsyncFdTryNewError<T>) -> io::Error {
        error.cause
    }
}

/// Whether the system can poll `fd`. Most kinds always can; of files and directories only it knows.
fn check_pollable(fd: RawFd) -> io::Result<()> {
    if sys::is_file(fd)? { crate::registry::probe(fd) } else { Ok(()) }
}
