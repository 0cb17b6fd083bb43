//! The standard streams, whose reads and writes block: each is done by a thread of the blocking pool.
mod blocking;
#[cfg(unix)]
mod descriptors;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::blocking::Blocking;

/// The standard input, made by [`stdin`].
///
/// A read that waits for input keeps a thread of the [blocking pool](crate::spawn_blocking), or a short-lived thread where
/// there is no runtime, until some comes; nothing interrupts it. So it is good for input from a file or a pipe. A
/// runtime that goes waits for such a thread a second ([`Runtime`](crate::Runtime)'s drop), and then lets it be. For a
/// program that talks with somebody a thread of its own, with blocking reads and a channel, does as well.
///
/// It reads no more than the buffer it is given has room for; what `std` reads ahead, `std::io::stdin` has too.
///
/// # Cancel safety
///
/// A read that is given up goes on, and what it reads is given to the next read of this same value. Dropping the value
/// loses it.
pub struct Stdin {
    std: io::Stdin,
    stream: Blocking<io::Stdin>,
}

/// The standard output, made by [`stdout`].
///
/// A write is taken at once and done by a thread of the [blocking pool](crate::spawn_blocking), or a short-lived thread where
/// there is no runtime; the next write, or a flush, waits for it and has its error. **Flush before the end of the
/// program**: a write that has not begun when the runtime goes is dropped.
///
/// Each value has its own order: writes through two of them, or by `println!`, may overtake each other. Make one and keep it.
///
/// # Cancel safety
///
/// A write that was given up has not been taken; a flush that was given up goes on.
pub struct Stdout {
    std: io::Stdout,
    stream: Blocking<io::Stdout>,
}

/// The standard error stream, made by [`stderr`]. What is said of [`Stdout`] holds here.
pub struct Stderr {
    std: io::Stderr,
    stream: Blocking<io::Stderr>,
}

/// The standard input of this process.
///
/// ```no_run
/// use runtime::io::{AsyncBufReadExt, BufReader, stdin};
///
/// # runtime::Runtime::new().block_on(async {
/// let mut lines = BufReader::new(stdin()).lines();
/// while let Some(line) = lines.next_line().await? {
///     println!("{} bytes", line.len());
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn stdin() -> Stdin {
    Stdin { std: io::stdin(), stream: Blocking::new(io::stdin()) }
}

/// The standard output of this process.
///
/// ```
/// use runtime::io::{AsyncWriteExt, stdout};
///
/// # runtime::Runtime::new().block_on(async {
/// let mut output = stdout();
/// output.write_all(b"hello\n").await?;
/// output.flush().await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn stdout() -> Stdout {
    Stdout { std: io::stdout(), stream: Blocking::new(io::stdout()) }
}

/// The standard error stream of this process.
///
/// ```
/// use runtime::io::{AsyncWriteExt, stderr};
///
/// # runtime::Runtime::new().block_on(async {
/// let mut errors = stderr();
/// errors.write_all(b"all is well\n").await?;
/// errors.flush().await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn stderr() -> Stderr {
    Stderr { std: io::stderr(), stream: Blocking::new(io::stderr()) }
}

impl AsyncRead for Stdin {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.poll_read(cx, into)
    }
}

impl AsyncWrite for Stdout {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }
}

impl AsyncWrite for Stderr {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout").finish_non_exhaustive()
    }
}

impl fmt::Debug for Stderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stderr").finish_non_exhaustive()
    }
}
