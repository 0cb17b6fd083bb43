//! `File`: reads, writes and seeks as methods that wait elsewhere.
mod cursor;
mod description;
mod flight;
#[cfg(feature = "futures-io")]
mod futures_io;
mod positioned;
#[cfg(feature = "tokio-io")]
mod tokio_io;

use std::fmt;
use std::fs::{self, Metadata, Permissions};
use std::future::poll_fn;
use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use self::cursor::Cursor;
use self::description::Description;
use super::OpenOptions;
use super::pool::run;

/// A file that is open.
///
/// A read of what the kernel has cached is done by the thread that polls; one that would wait, by the blocking pool. A
/// write is *taken* at once and done by the blocking pool: the next operation of this `File` waits for it, and the next
/// write or [`flush`](File::flush) has its error. **Flush before dropping it**, or an error is lost with it; the write
/// itself is done all the same.
///
/// With feature `futures-io` it has the futures crates' `AsyncRead`, `AsyncWrite` and `AsyncSeek`, with `tokio-io`
/// tokio's.
///
/// ```
/// # runtime::block_on(async {
/// use std::io::SeekFrom;
/// use runtime::fs::File;
///
/// let path = std::env::temp_dir().join(format!("runtime-doc-file-{}", std::process::id()));
/// let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).await?;
/// file.write_all(b"hello, file").await?;
/// file.seek(SeekFrom::Start(7)).await?;
/// let mut word = [0; 4];
/// file.read_exact(&mut word).await?;
/// assert_eq!(&word, b"file");
/// runtime::fs::remove_file(&path).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Cancel safety
///
/// A read that is given up goes on, and what it reads is given to the next read; a seek that is given up has happened or
/// not; a write that is given up while it waits for its turn was not taken. `read_exact`, `read_to_end`,
/// `read_to_string` and `write_all` are made of several and may have done some.
pub struct File {
    description: Arc<Description>,
    cursor: Cursor,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("std", self.description.std())
            .field("idle", &self.cursor.is_idle())
            .finish_non_exhaustive()
    }
}

impl File {
    /// Opens a file for reading. See [`OpenOptions::open`].
    ///
    /// ```
    /// # runtime::block_on(async {
    /// let mut text = String::new();
    /// runtime::fs::File::open("Cargo.toml").await?.read_to_string(&mut text).await?;
    /// assert!(text.contains("[package]"));
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::open`].
    pub async fn open(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).open(path).await
    }

    /// Opens a file for writing, created if it is not there and emptied if it is.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create`].
    pub async fn create(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path).await
    }

    /// Creates a file for reading and writing, which must not be there.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::create_new`].
    pub async fn create_new(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path).await
    }

    /// Other ways to open it.
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// A file that was opened elsewhere. Its position may be in use elsewhere too, so reads at it are left to the pool;
    /// positioned ones are not.
    #[must_use]
    pub fn from_std(std: fs::File) -> File {
        File { description: Description::new(std, false, true), cursor: Cursor::default() }
    }

    pub(super) fn opened(std: fs::File, local: bool) -> File {
        File { description: Description::new(std, local, false), cursor: Cursor::default() }
    }

    /// The file, once nothing is under way. The error of a write that nobody has asked for is lost.
    ///
    /// # Panics
    ///
    /// When a positioned operation that was given up still has the file, and the process has no descriptor left.
    pub async fn into_std(self) -> fs::File {
        self.settled().await;
        match self.description.try_into_std() {
            Ok(std) => std,
            Err(shared) => shared.std().try_clone().expect("a descriptor for a file that is in use"),
        }
    }

    /// The file, if nothing is under way.
    ///
    /// # Errors
    ///
    /// The file as it was.
    pub fn try_into_std(self) -> Result<fs::File, File> {
        if !self.cursor.is_idle() {
            return Err(self);
        }
        let File { description, cursor } = self;
        description.try_into_std().map_err(|description| File { description, cursor })
    }

    /// Waits for what is under way at the file's position.
    async fn settled(&self) {
        poll_fn(|cx| self.cursor.poll_ended(cx)).await;
    }

    /// Runs `call` on the pool, after what is under way.
    async fn on_pool<T: Send + 'static>(
        &self,
        call: impl FnOnce(&fs::File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.settled().await;
        let file = Arc::clone(&self.description);
        run(move || call(file.std())).await
    }

    /// Has all data and metadata written to the disk.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::sync_all`]. That of a write that was taken is left to [`flush`](File::flush).
    pub async fn sync_all(&self) -> io::Result<()> {
        self.on_pool(fs::File::sync_all).await
    }

    /// Has all data written to the disk, and of the metadata what is needed to find it.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::sync_data`].
    pub async fn sync_data(&self) -> io::Result<()> {
        self.on_pool(fs::File::sync_data).await
    }

    /// Makes the file `size` bytes long: cuts it, or fills it up with zeroes.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::set_len`].
    pub async fn set_len(&self, size: u64) -> io::Result<()> {
        self.on_pool(move |file| file.set_len(size)).await
    }

    /// What is known of the file.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::metadata`].
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.settled().await;
        if self.description.looks_here() {
            return self.description.std().metadata();
        }
        self.on_pool(fs::File::metadata).await
    }

    /// Changes the file's permissions.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::set_permissions`].
    pub async fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.on_pool(move |file| file.set_permissions(permissions)).await
    }

    /// Changes the file's times.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::set_times`].
    pub async fn set_times(&self, times: fs::FileTimes) -> io::Result<()> {
        self.on_pool(move |file| file.set_times(times)).await
    }

    /// Changes the time of the last modification.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::set_modified`].
    pub async fn set_modified(&self, time: std::time::SystemTime) -> io::Result<()> {
        self.on_pool(move |file| file.set_modified(time)).await
    }

    /// Another handle on the same open file: both have one position.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::File::try_clone`].
    pub async fn try_clone(&self) -> io::Result<File> {
        self.settled().await;
        let std = self.description.std().try_clone()?;
        self.description.share();
        Ok(File {
            description: Description::new(std, self.description.is_local(), true),
            cursor: Cursor::default(),
        })
    }

    /// The most bytes that one visit to the pool carries. Default: 2 MiB.
    #[must_use]
    pub fn max_buf_size(&self) -> usize {
        self.cursor.most
    }

    /// Sets [`max_buf_size`](File::max_buf_size); at least one.
    pub fn set_max_buf_size(&mut self, bytes: usize) {
        self.cursor.most = bytes.max(1);
    }

    /// Reads some bytes at the file's position; none at its end.
    ///
    /// # Errors
    ///
    /// Those of `read(2)`.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was read is given to the next read.
    pub async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.cursor.poll_read(&self.description, cx, into)).await
    }

    /// Fills `into`.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the file ends before, and those of [`read`](File::read).
    ///
    /// # Cancel safety
    ///
    /// Not safe: how much was read is not told.
    pub async fn read_exact(&mut self, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            match self.read(into).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => into = &mut into[length..],
            }
        }
        Ok(())
    }

    /// Appends all that follows to `into`; how much that was.
    ///
    /// # Errors
    ///
    /// Those of [`read`](File::read). What was read before is in `into`.
    ///
    /// # Cancel safety
    ///
    /// What was read before is in `into`, followed by bytes of no meaning up to 2 MiB.
    pub async fn read_to_end(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        // Doubled as long as it is filled: few visits to the pool for a large file, little memory for a small one.
        const FIRST: usize = 32 * 1024;
        let (start, mut chunk) = (into.len(), FIRST);
        loop {
            let filled = into.len();
            into.resize(filled + chunk, 0);
            let result = self.read(&mut into[filled..]).await;
            into.truncate(filled + *result.as_ref().unwrap_or(&0));
            match result? {
                0 => return Ok(filled - start),
                length if length == chunk => chunk = (chunk * 2).min(self.cursor.most.max(FIRST)),
                _ => {}
            }
        }
    }

    /// Appends all that follows to `into`, if it is UTF-8.
    ///
    /// # Errors
    ///
    /// `InvalidData` when it is not UTF-8, and those of [`read`](File::read). `into` is as it was then.
    ///
    /// # Cancel safety
    ///
    /// Not safe: what was read is lost.
    pub async fn read_to_string(&mut self, into: &mut String) -> io::Result<usize> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))?;
        into.push_str(text);
        Ok(text.len())
    }

    /// Takes some bytes to be written at the file's position: all, up to [`max_buf_size`](File::max_buf_size).
    ///
    /// # Errors
    ///
    /// That of the write before, whose bytes may have been written in part.
    ///
    /// # Cancel safety
    ///
    /// Safe: a write that was given up was not taken.
    pub async fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| self.cursor.poll_write(&self.description, cx, from)).await
    }

    /// Takes all bytes to be written at the file's position.
    ///
    /// # Errors
    ///
    /// As for [`write`](File::write). The error of the last part comes from [`flush`](File::flush).
    ///
    /// # Cancel safety
    ///
    /// Not safe: how much was taken is not told.
    pub async fn write_all(&mut self, mut from: &[u8]) -> io::Result<()> {
        while !from.is_empty() {
            let length = self.write(from).await?;
            from = &from[length..];
        }
        Ok(())
    }

    /// Waits until what was taken has been written: other handles see it then. For the disk there is
    /// [`sync_all`](File::sync_all).
    ///
    /// # Errors
    ///
    /// That of the write before.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.cursor.poll_flush(cx)).await
    }

    /// Moves the file's position; answers the new one, from the start.
    ///
    /// # Errors
    ///
    /// Those of `lseek(2)`: `InvalidInput` for a place before the start.
    ///
    /// # Cancel safety
    ///
    /// Given up, it has happened or not.
    pub async fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        poll_fn(|cx| self.cursor.poll_seek(&self.description, cx, to)).await
    }

    /// Moves the file's position to its start.
    ///
    /// # Errors
    ///
    /// Those of [`seek`](File::seek).
    pub async fn rewind(&mut self) -> io::Result<()> {
        self.seek(SeekFrom::Start(0)).await.map(drop)
    }

    /// The file's position.
    ///
    /// # Errors
    ///
    /// Those of [`seek`](File::seek).
    pub async fn stream_position(&mut self) -> io::Result<u64> {
        self.seek(SeekFrom::Current(0)).await
    }
}

impl From<fs::File> for File {
    fn from(std: fs::File) -> File {
        File::from_std(std)
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for File {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.description.std().as_raw_fd()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for File {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.description.std().as_fd()
    }
}
