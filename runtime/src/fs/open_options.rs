//! How a file is opened.
use std::fs;
use std::io;
use std::path::Path;

use super::File;
use super::inline;
use super::pool::try_first;

/// How a file is opened: [`std::fs::OpenOptions`] with an `open` that waits elsewhere.
///
/// ```
/// # runtime::block_on(async {
/// use runtime::fs::OpenOptions;
///
/// let path = std::env::temp_dir().join(format!("runtime-doc-options-{}", std::process::id()));
/// let mut log = OpenOptions::new().append(true).create(true).open(&path).await?;
/// log.write_all(b"a line\n").await?;
/// log.flush().await?;
/// runtime::fs::remove_file(&path).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    std: fs::OpenOptions,
    /// Nothing but `read` was asked for.
    only_reads: bool,
    reads: bool,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions::new()
    }
}

impl From<fs::OpenOptions> for OpenOptions {
    fn from(std: fs::OpenOptions) -> OpenOptions {
        OpenOptions { std, only_reads: false, reads: false }
    }
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, $name: bool) -> &mut OpenOptions {
            self.std.$name($name);
            self.only_reads = false;
            self
        }
    )*};
}

impl OpenOptions {
    /// Nothing is allowed yet.
    #[must_use]
    pub fn new() -> OpenOptions {
        OpenOptions { std: fs::OpenOptions::new(), only_reads: true, reads: false }
    }

    /// Whether the file can be read.
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.std.read(read);
        self.reads = read;
        self
    }

    options! {
        /// Whether the file can be written to, from its start on, over what is there.
        write;
        /// Whether each write goes to the file's end, wherever that is then.
        append;
        /// Whether what is there is thrown away; needs `write`.
        truncate;
        /// Whether the file is created if it is not there; needs `write` or `append`.
        create;
        /// Whether the file is created, and opening fails if it is there; needs `write` or `append`.
        create_new;
    }

    /// The permissions of a file that is created, before the process's umask. Default: 0o666.
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut OpenOptions {
        std::os::unix::fs::OpenOptionsExt::mode(&mut self.std, mode);
        self
    }

    /// Flags for `open(2)` besides those that the other options make.
    #[cfg(unix)]
    pub fn custom_flags(&mut self, flags: i32) -> &mut OpenOptions {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut self.std, flags);
        self.only_reads = false;
        self
    }

    /// Opens the file. The thread that polls does it if the file is only read, a regular one, of a file system of this
    /// machine, and its name is cached; the blocking pool does in all other cases: a FIFO or a device holds nobody up.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::OpenOptions::open`].
    ///
    /// # Cancel safety
    ///
    /// Given up on the pool it goes on: a file is created or truncated nevertheless. The open of a FIFO with nobody at its
    /// other end keeps its thread until somebody comes.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let path = path.as_ref();
        let here = || match self.only_reads && self.reads {
            true => match inline::open(path) {
                inline::Tried::Done(opened) => inline::Tried::Done(opened.map(|std| File::opened(std, true))),
                inline::Tried::Elsewhere(lesson) => inline::Tried::Elsewhere(lesson),
            },
            false => inline::Tried::Elsewhere(inline::Lesson::default()),
        };
        let job = || {
            let (options, path) = (self.std.clone(), path.to_owned());
            move || {
                let std = options.open(path)?;
                let local = inline::is_file_local(&std);
                Ok(File::opened(std, local))
            }
        };
        try_first(here, job).await
    }
}
