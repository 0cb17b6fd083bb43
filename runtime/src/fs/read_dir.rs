//! What is in a directory.
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{FileType, Metadata};
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::pool::{lost, run};
use crate::promise::{Promised, promise};

/// Entries that one visit to the pool brings: the hand-over costs some microseconds, an entry less than one.
const BATCH: usize = 64;

/// The entries of a directory, in no order.
///
/// ```
/// # runtime::block_on(async {
/// let mut entries = runtime::fs::read_dir("src").await?;
/// while let Some(entry) = entries.next_entry().await? {
///     println!("{}", entry.path().display());
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// Those of [`std::fs::read_dir`].
///
/// # Cancel safety
///
/// Safe: nothing is changed.
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref().to_owned();
    run(move || {
        let mut batch = Batch { entries: VecDeque::new(), rest: Some(std::fs::read_dir(path)?) };
        batch.fill();
        Ok(ReadDir(Stage::Here(batch)))
    })
    .await
}

/// The entries of a directory: see [`read_dir`]. Dropping it on the way closes the directory.
#[derive(Debug)]
#[must_use = "entries come from `next_entry`"]
pub struct ReadDir(Stage);

enum Stage {
    Here(Batch),
    /// The pool fetches more.
    Away(Promised<Batch>),
    Gone,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stage::Here(_) => "Here",
            Stage::Away(_) => "Away",
            Stage::Gone => "Gone",
        })
    }
}

struct Batch {
    entries: VecDeque<io::Result<DirEntry>>,
    /// Nothing after the end, or an error.
    rest: Option<std::fs::ReadDir>,
}

impl Batch {
    fn fill(&mut self) {
        while let Some(rest) = self.rest.as_mut()
            && self.entries.len() < BATCH
        {
            let entry = rest.next();
            if !matches!(entry, Some(Ok(_))) {
                self.rest = None;
            }
            if let Some(entry) = entry {
                self.entries.push_back(entry.map(DirEntry::new));
            }
        }
    }
}

impl ReadDir {
    /// The next entry; nothing when there are no more.
    ///
    /// # Errors
    ///
    /// The directory cannot be read on. There are no more entries then.
    ///
    /// # Cancel safety
    ///
    /// Safe: no entry is lost.
    pub async fn next_entry(&mut self) -> io::Result<Option<DirEntry>> {
        poll_fn(|cx| self.poll_next_entry(cx)).await
    }

    /// As [`next_entry`](ReadDir::next_entry), for futures written by hand.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_next_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        loop {
            match &mut self.0 {
                Stage::Here(batch) => {
                    if let Some(entry) = batch.entries.pop_front() {
                        return Poll::Ready(entry.map(Some));
                    }
                    if batch.rest.is_none() {
                        return Poll::Ready(Ok(None));
                    }
                    let Stage::Here(mut batch) = std::mem::replace(&mut self.0, Stage::Gone) else {
                        unreachable!("just matched")
                    };
                    let (promise, promised) = promise();
                    let job = move || {
                        batch.fill();
                        promise.keep(batch);
                    };
                    reactor_hook::offload(Box::new(job)).map_err(|refused| refused.error)?;
                    self.0 = Stage::Away(promised);
                }
                Stage::Away(promised) => {
                    self.0 = match ready!(promised.poll_settled(cx)) {
                        Some(Ok(batch)) => Stage::Here(batch),
                        Some(Err(_)) | None => Stage::Gone,
                    }
                }
                Stage::Gone => return Poll::Ready(Err(lost())),
            }
        }
    }
}

/// One entry of a directory.
#[derive(Debug)]
pub struct DirEntry {
    std: Arc<std::fs::DirEntry>,
    /// As the directory tells it; fetched with the entry, since some file systems do not.
    file_type: Option<FileType>,
}

impl DirEntry {
    fn new(std: std::fs::DirEntry) -> DirEntry {
        let file_type = std.file_type().ok();
        DirEntry { std: Arc::new(std), file_type }
    }

    /// The directory's path, as it was given to [`read_dir`], and the entry's name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.std.path()
    }

    /// The entry's name.
    #[must_use]
    pub fn file_name(&self) -> OsString {
        self.std.file_name()
    }

    /// What is known of the entry; of a link itself.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::DirEntry::metadata`]: it may be gone.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        let std = Arc::clone(&self.std);
        run(move || std.metadata()).await
    }

    /// What the entry is; of a link, that it is one.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::DirEntry::file_type`].
    pub async fn file_type(&self) -> io::Result<FileType> {
        if let Some(file_type) = self.file_type {
            return Ok(file_type);
        }
        let std = Arc::clone(&self.std);
        run(move || std.file_type()).await
    }

    /// The number of the inode.
    #[cfg(unix)]
    #[must_use]
    pub fn ino(&self) -> u64 {
        std::os::unix::fs::DirEntryExt::ino(&*self.std)
    }
}
