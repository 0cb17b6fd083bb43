//! Pipes, named and not.
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

// Of `SockRef` only what is an `fcntl`, which any descriptor takes.
use socket2::SockRef;

use crate::io::Io;
use crate::net::bytes::{ReadEnd, WriteEnd};

/// A new pipe: what is written into the sender is read from the receiver.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let (mut sender, mut receiver) = reactor::net::unix::pipe::pipe()?;
/// sender.write_all(b"hello").await?;
/// drop(sender);
/// let mut got = Vec::new();
/// receiver.read_to_end(&mut got).await?;
/// assert_eq!(got, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// The operating system's.
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let (receiver, sender) = std::io::pipe()?;
    Ok((Sender::from_owned_fd_unchecked(sender.into())?, Receiver::from_owned_fd_unchecked(receiver.into())?))
}

/// How to open a named pipe (a FIFO).
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use reactor::net::unix::pipe;
///
/// let receiver = pipe::OpenOptions::new().open_receiver("/run/example.fifo")?;
/// # drop(receiver); Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// A receiver reads, a sender writes, and the file must be a FIFO.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Whether it is opened for both reading and writing (Linux): a sender then needs no receiver to be there, and a
    /// receiver sees no end when the last sender goes.
    pub fn read_write(&mut self, value: bool) -> &mut OpenOptions {
        self.read_write = value;
        self
    }

    /// Whether to take any file for a FIFO, without a look.
    pub fn unchecked(&mut self, value: bool) -> &mut OpenOptions {
        self.unchecked = value;
        self
    }

    /// Opens the reading end. It does not wait for a sender.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when it is no FIFO; otherwise the operating system's.
    pub fn open_receiver<P: AsRef<Path>>(&self, path: P) -> io::Result<Receiver> {
        self.open(path.as_ref(), true, self.read_write).and_then(Receiver::over)
    }

    /// Opens the writing end.
    ///
    /// # Errors
    ///
    /// `ENXIO` when there is no receiver; `InvalidInput` when it is no FIFO; otherwise the operating system's.
    pub fn open_sender<P: AsRef<Path>>(&self, path: P) -> io::Result<Sender> {
        self.open(path.as_ref(), self.read_write, true).and_then(Sender::over)
    }

    fn open(&self, path: &Path, read: bool, write: bool) -> io::Result<File> {
        let mut options = File::options();
        let file = options.read(read).write(write).custom_flags(libc::O_NONBLOCK).open(path)?;
        if !self.unchecked {
            must_be_pipe(&file)?;
        }
        Ok(file)
    }
}

/// The writing end of a pipe.
///
/// # Examples
///
/// See [`pipe`].
pub struct Sender {
    io: Io<File>,
}

/// The reading end of a pipe.
///
/// # Examples
///
/// See [`pipe`].
pub struct Receiver {
    io: Io<File>,
}

macro_rules! pipe_end {
    ($end:ident, $may:ident, $what:literal) => {
        impl $end {
            fn over(file: File) -> io::Result<$end> {
                Ok($end { io: Io::new(file)? })
            }

            /// Takes over a pipe's end, and puts it into non-blocking mode.
            ///
            /// # Errors
            ///
            #[doc = concat!("`InvalidInput` when it is no pipe or cannot be ", $what, "; otherwise the operating")]
            /// system's.
            pub fn from_file(file: File) -> io::Result<$end> {
                must_be_pipe(&file)?;
                must_be_open_for(&file, stringify!($end), $may)?;
                $end::from_file_unchecked(file)
            }

            /// As [`from_file`](Self::from_file).
            ///
            /// # Errors
            ///
            /// As [`from_file`](Self::from_file).
            pub fn from_owned_fd(fd: OwnedFd) -> io::Result<$end> {
                $end::from_file(fd.into())
            }

            /// As [`from_file`](Self::from_file), without a look at what it is.
            ///
            /// # Errors
            ///
            /// The operating system's.
            pub fn from_file_unchecked(file: File) -> io::Result<$end> {
                SockRef::from(&file).set_nonblocking(true)?;
                $end::over(file)
            }

            /// As [`from_file_unchecked`](Self::from_file_unchecked).
            ///
            /// # Errors
            ///
            /// The operating system's.
            pub fn from_owned_fd_unchecked(fd: OwnedFd) -> io::Result<$end> {
                $end::from_file_unchecked(fd.into())
            }

            /// Gives the descriptor up, still in non-blocking mode.
            ///
            /// # Errors
            ///
            /// The operating system's, when it can't be taken out of the reactor.
            pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
                self.io.into_inner().map(Into::into)
            }

            /// Gives the descriptor up, put into blocking mode: for a child process's standard streams.
            ///
            /// # Errors
            ///
            /// The operating system's.
            pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
                let fd = self.into_nonblocking_fd()?;
                SockRef::from(&fd).set_nonblocking(false)?;
                Ok(fd)
            }

            ready_methods!(io);
            io_methods!();
        }

        descriptor!($end);
    };
}

fn may_write(mode: libc::c_int) -> bool {
    mode == libc::O_WRONLY || mode == libc::O_RDWR
}

fn may_read(mode: libc::c_int) -> bool {
    mode == libc::O_RDONLY || mode == libc::O_RDWR
}

pipe_end!(Sender, may_write, "written");
pipe_end!(Receiver, may_read, "read");

impl Sender {
    write_methods!();
    writable_methods!(io);
    try_write_methods!(io);
    poll_ready_method! {
        /// Ready when it may be written; see [`writable`](Self::writable).
        poll_write_ready, Write
    }
}

impl Receiver {
    read_methods!();
    readable_methods!(io);
    try_read_methods!(io);
    poll_ready_method! {
        /// Ready when it may be read; see [`readable`](Self::readable).
        poll_read_ready, Read
    }
}

impl ReadEnd for Receiver {
    type Socket = File;

    fn read_io(&self) -> &Io<File> {
        &self.io
    }
}

impl WriteEnd for Sender {
    type Socket = File;

    fn write_io(&self) -> &Io<File> {
        &self.io
    }

    /// A pipe ends when the sender is dropped.
    fn close_writing(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn must_be_pipe(file: &File) -> io::Result<()> {
    if file.metadata()?.file_type().is_fifo() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("file descriptor {} is no pipe", file.as_raw_fd()),
    ))
}

fn must_be_open_for(file: &File, end: &str, may: fn(libc::c_int) -> bool) -> io::Result<()> {
    if may(crate::sys::flags(file.as_raw_fd())? & libc::O_ACCMODE) {
        return Ok(());
    }
    let message =
        format!("file descriptor {} is not open in the direction of a pipe::{end}", file.as_raw_fd());
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
