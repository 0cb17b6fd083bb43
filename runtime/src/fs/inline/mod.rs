//! What is done on the thread that polls, because the kernel promises not to wait. See the README of `fs`.
mod mounts;
mod names;
mod sys;

use std::ffi::{CStr, CString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use self::mounts::{Mount, Mounts, Trust, is_local};
use self::names::{Name, Names};
use self::sys::Found;
use crate::scheduler::with_context;

/// What one read copies at most before others have their turn: some 20 µs at 10 GB/s, and as much again to map fresh
/// memory. Beyond it the pool's few microseconds do not show.
pub(super) const MOST: usize = 256 * 1024;

static MOUNTS: Mounts = Mounts::new();

static NAMES: Names = Names::new();

/// Cleared when the kernel does not know `openat2` or `RESOLVE_CACHED` (before Linux 5.12).
static OPENS: AtomicBool = AtomicBool::new(true);

/// Whether the runtime entered here has not asked for the pool alone. Elsewhere nobody has.
pub(super) fn is_on() -> bool {
    with_context(|context| context.is_none_or(|context| context.shared().config.fs_inline))
}

/// An operation that was tried here.
#[must_use]
pub(super) enum Tried<T> {
    /// It is done, well or not.
    Done(io::Result<T>),
    /// It might wait: it belongs on the pool. There is something to learn there first.
    Elsewhere(Lesson),
}

/// What the pool is to find out of a mount that nobody knows, so that next time need not go there.
#[derive(Debug, Default)]
pub(super) struct Lesson(Option<(OwnedFd, Mount)>);

impl Lesson {
    /// May wait.
    pub(super) fn learn(self) {
        if let Some((fd, mount)) = self.0 {
            let local = sys::file_system(fd.as_fd()).is_ok_and(is_local);
            MOUNTS.learn(mount, if local { Trust::Local } else { Trust::Foreign });
        }
    }
}

/// Whether `file` is of a file system of this machine: opened, looked at and closed without waiting. May wait itself.
pub(super) fn is_file_local(file: &File) -> bool {
    sys::look(file.as_fd()).is_ok_and(|found| found.is_regular())
        && sys::file_system(file.as_fd()).is_ok_and(is_local)
}

/// A name that leads to something cached on a file system of this machine.
struct Located<'a> {
    path: &'a CStr,
    name: OwnedFd,
    found: Found,
    trust: Trust,
}

/// Why a name was not located.
enum Missed {
    /// The cache knows that there is no such thing.
    Absent(io::Error),
    Elsewhere(Lesson),
}

impl<T> From<Missed> for Tried<T> {
    fn from(missed: Missed) -> Tried<T> {
        match missed {
            Missed::Absent(error) => Tried::Done(Err(error)),
            Missed::Elsewhere(lesson) => Tried::Elsewhere(lesson),
        }
    }
}

/// Without waiting for whoever has a lease on it; and if the name has become that of something else, not for that either.
const TO_READ: libc::c_int = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;

const ELSEWHERE: Missed = Missed::Elsewhere(Lesson(None));

/// What the kernel's refusal to open a name means.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// Nothing has this name.
    Absent,
    /// Not cached, or a reason that the pool will find as well.
    NotNow,
    /// It cannot be asked at all.
    Unknown,
}

fn refusal(error: &io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(libc::ENOENT) => Refusal::Absent,
        Some(libc::ENOSYS | libc::EINVAL) => Refusal::Unknown,
        // `EPERM` is the answer of a container's filter, and of the file system: the pool tells them apart.
        _ => Refusal::NotNow,
    }
}

/// The flags must be of those that every kernel with `openat2` knows.
fn open_cached(path: &CStr, flags: libc::c_int) -> Result<OwnedFd, Missed> {
    // Relaxed: a hint only.
    if !OPENS.load(Ordering::Relaxed) {
        return Err(ELSEWHERE);
    }
    sys::open_cached(path, flags).map_err(|error| match refusal(&error) {
        Refusal::Absent => Missed::Absent(error),
        Refusal::NotNow => ELSEWHERE,
        Refusal::Unknown => {
            // Relaxed: a hint only.
            OPENS.store(false, Ordering::Relaxed);
            ELSEWHERE
        }
    })
}

/// Calls `f` with the path as the kernel takes it: without an allocation if it is short.
fn with_name<T>(path: &Path, f: impl FnOnce(&CStr) -> Tried<T>) -> Tried<T> {
    let mut room = [0; 256];
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() < room.len() {
        room[..bytes.len()].copy_from_slice(bytes);
        // A zero within is an error, which is the pool's to tell.
        CStr::from_bytes_with_nul(&room[..=bytes.len()]).map_or_else(|_| ELSEWHERE.into(), f)
    } else {
        CString::new(bytes).map_or_else(|_| ELSEWHERE.into(), |path| f(&path))
    }
}

fn locate(path: &CStr, flags: libc::c_int) -> Result<Located<'_>, Missed> {
    let name = open_cached(path, libc::O_PATH | flags)?;
    let found = sys::look(name.as_fd()).map_err(|_| ELSEWHERE)?;
    let mount = Mount::of(&found);
    match MOUNTS.trust(mount) {
        None => Err(Missed::Elsewhere(Lesson(Some((name, mount))))),
        Some(Trust::Foreign) => Err(ELSEWHERE),
        Some(trust) => Ok(Located { path, name, found, trust }),
    }
}

impl Located<'_> {
    /// Opens it for reading, if it is a regular file.
    fn open(&self) -> Result<OwnedFd, Missed> {
        if !self.found.is_regular() {
            return Err(ELSEWHERE);
        }
        open_cached(self.path, TO_READ)
    }
}

/// The whole of a file whose pages are cached.
pub(super) fn read(path: &Path) -> Tried<Vec<u8>> {
    with_name(path, read_named)
}

fn read_named(path: &CStr) -> Tried<Vec<u8>> {
    let (name, now) = (Name::of(path), sys::coarse_milliseconds());
    if NAMES.is_trusted(name, now) {
        let read = read_again(path);
        if !matches!(read, Tried::Done(Ok(_))) {
            NAMES.forget(name);
        }
        return read;
    }
    let located = match locate(path, 0) {
        Ok(located) => located,
        Err(missed) => return missed.into(),
    };
    if !is_readable(&located.found, located.trust) {
        return ELSEWHERE.into();
    }
    let read = match located.open() {
        Ok(file) => read_open(file, &located.found),
        Err(missed) => return missed.into(),
    };
    if matches!(read, Tried::Done(Ok(_))) {
        NAMES.trust(name, now);
    }
    read
}

/// Reads what was read a moment ago, without looking before at what the name leads to.
fn read_again(path: &CStr) -> Tried<Vec<u8>> {
    let file = match open_cached(path, TO_READ) {
        Ok(file) => file,
        Err(missed) => return missed.into(),
    };
    match sys::look(file.as_fd()) {
        Ok(found) if MOUNTS.trust(Mount::of(&found)).is_some_and(|trust| is_readable(&found, trust)) => {
            read_open(file, &found)
        }
        _ => ELSEWHERE.into(),
    }
}

/// An empty file may have more to it than its size says, as those of proc have.
fn is_readable(found: &Found, trust: Trust) -> bool {
    found.is_regular() && trust == Trust::Local && (1..=MOST as u64).contains(&found.size)
}

fn read_open(file: OwnedFd, found: &Found) -> Tried<Vec<u8>> {
    let size = found.size as usize;
    // Room for a byte more: a read that leaves it free has met the end.
    let mut bytes = Vec::with_capacity(size + 1);
    match sys::read_cached_append(file.as_fd(), &mut bytes, Some(0)) {
        Ok(length) if length == size => return Tried::Done(Ok(bytes)),
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            MOUNTS.learn(Mount::of(found), Trust::LocalUnread);
        }
        // Part of it is cached, or it is being written to.
        _ => {}
    }
    ELSEWHERE.into()
}

/// What `path` leads to; if it is not followed, a link itself.
pub(super) fn metadata(path: &Path, follow: bool) -> Tried<Metadata> {
    let flags = if follow { 0 } else { libc::O_NOFOLLOW };
    with_name(path, |path| match locate(path, flags) {
        Ok(located) => Tried::Done(File::from(located.name).metadata()),
        Err(missed) => missed.into(),
    })
}

/// Opens a regular file for reading.
pub(super) fn open(path: &Path) -> Tried<File> {
    with_name(path, open_named)
}

fn open_named(path: &CStr) -> Tried<File> {
    let located = match locate(path, 0) {
        Ok(located) => located,
        Err(missed) => return missed.into(),
    };
    let file = match located.open() {
        Ok(file) => file,
        Err(missed) => return missed.into(),
    };
    let same = sys::look(file.as_fd()).is_ok_and(|found| found.is_same_file(&located.found));
    if !same || sys::set_blocking(file.as_fd()).is_err() {
        return Tried::Elsewhere(Lesson(None));
    }
    Tried::Done(Ok(file.into()))
}

/// What came of a read from the page cache.
#[derive(Debug)]
pub(super) enum CachedRead {
    Done(io::Result<usize>),
    /// Not cached.
    NotNow,
    /// This file cannot promise not to wait.
    Never,
}

/// Reads what is cached, at `offset` or at the file's own position.
pub(super) fn read_cached(file: &File, into: &mut [u8], offset: Option<u64>) -> CachedRead {
    let most = into.len().min(MOST);
    match sys::read_cached_into(file.as_fd(), &mut into[..most], offset) {
        Ok(length) => CachedRead::Done(Ok(length)),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EINTR) => CachedRead::NotNow,
            // Of an older kernel, or of a container's filter.
            Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EPERM) => CachedRead::Never,
            // What the pool will find as well.
            _ => CachedRead::NotNow,
        },
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
