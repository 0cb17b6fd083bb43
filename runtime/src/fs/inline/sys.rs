//! The system calls that never wait. Each answers what the kernel said; the rules are in the README.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// Unique mount ids: Linux 6.8. `libc` does not have it for every target.
const STATX_MNT_ID_UNIQUE: u32 = 0x4000;

/// `struct open_how` of openat2(2), as the kernel first had it.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

fn checked(answer: libc::c_long) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::last_os_error())
}

/// Opens what `path` leads to if every component is in the kernel's cache of names; `EAGAIN` if not. That walk does not
/// wait. What the open of the inode itself does depends on `flags` and on what it is.
pub(super) fn open_cached(path: &CStr, flags: libc::c_int) -> io::Result<OwnedFd> {
    let how =
        OpenHow { flags: (flags | libc::O_CLOEXEC) as u32 as u64, mode: 0, resolve: libc::RESOLVE_CACHED };
    // SAFETY: `path` ends with a zero, and `how` is of the size that is told; both outlive the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            &raw const how,
            std::mem::size_of::<OpenHow>(),
        )
    };
    let fd = checked(answer)? as libc::c_int;
    // SAFETY: the call has just made it, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What is known of an inode without asking a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) inode: u64,
    /// The mount: never used again if `unique`.
    pub(super) mount: u64,
    pub(super) unique: bool,
    pub(super) device: (u32, u32),
}

impl Found {
    pub(super) fn is_regular(&self) -> bool {
        self.mode & libc::S_IFMT == libc::S_IFREG
    }

    pub(super) fn is_same_file(&self, other: &Found) -> bool {
        (self.inode, self.mount, self.device) == (other.inode, other.mount, other.device)
    }
}

/// The cached attributes: `AT_STATX_DONT_SYNC` has a network file system answer with what it has.
pub(super) fn look(fd: BorrowedFd<'_>) -> io::Result<Found> {
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    let mask =
        libc::STATX_TYPE | libc::STATX_INO | libc::STATX_SIZE | libc::STATX_MNT_ID | STATX_MNT_ID_UNIQUE;
    // SAFETY: the empty path ends with a zero, and `found` has room for what is written.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_statx,
            fd.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC,
            mask,
            found.as_mut_ptr(),
        )
    };
    checked(answer)?;
    // SAFETY: zeroed, and then written by the kernel: integers, for which all bits are valid.
    let found = unsafe { found.assume_init() };
    if found.stx_mask & (libc::STATX_MNT_ID | STATX_MNT_ID_UNIQUE) == 0 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(Found {
        mode: u32::from(found.stx_mode),
        size: found.stx_size,
        inode: found.stx_ino,
        mount: found.stx_mnt_id,
        unique: found.stx_mask & STATX_MNT_ID_UNIQUE != 0,
        device: (found.stx_dev_major, found.stx_dev_minor),
    })
}

/// Reads what is in the page cache, at `offset` or at the file's own position; `EAGAIN` if nothing is, `EOPNOTSUPP` where
/// the file cannot promise not to wait.
pub(super) fn read_cached(
    fd: BorrowedFd<'_>,
    into: &mut [MaybeUninit<u8>],
    offset: Option<u64>,
) -> io::Result<usize> {
    let vector = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let offset = match offset {
        // Larger ones are refused by the kernel, too.
        Some(offset) => i64::try_from(offset).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?,
        None => -1,
    };
    // Two registers where one does not hold it; where it does, the second is not looked at.
    let (low, high) = (offset as libc::c_long, (offset >> 32) as libc::c_long);
    // SAFETY: `vector` describes `into`, which is borrowed for writing, and both outlive the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            fd.as_raw_fd(),
            &raw const vector,
            1 as libc::c_int,
            low,
            high,
            libc::RWF_NOWAIT,
        )
    };
    let length = checked(answer)?;
    assert!(length <= into.len(), "the kernel read more than there was room for");
    Ok(length)
}

/// As `read_cached`, into memory that is initialised.
pub(super) fn read_cached_into(
    fd: BorrowedFd<'_>,
    into: &mut [u8],
    offset: Option<u64>,
) -> io::Result<usize> {
    // SAFETY: the same memory; `read_cached` writes nothing but bytes that the kernel has read.
    let into = unsafe { &mut *(std::ptr::from_mut(into) as *mut [MaybeUninit<u8>]) };
    read_cached(fd, into, offset)
}

/// As `read_cached`, appended to what `into` holds, within its capacity.
pub(super) fn read_cached_append(
    fd: BorrowedFd<'_>,
    into: &mut Vec<u8>,
    offset: Option<u64>,
) -> io::Result<usize> {
    let length = read_cached(fd, into.spare_capacity_mut(), offset)?;
    let filled = into.len() + length;
    // SAFETY: the kernel has written the first `length` bytes of the spare capacity, and there was room for them.
    unsafe { into.set_len(filled) };
    Ok(length)
}

/// Takes `O_NONBLOCK` away, and every other status flag: for a file that was opened with no other.
pub(super) fn set_blocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: sets flags of a descriptor that is open; no memory is passed.
    let answer = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, 0) };
    checked(answer.into()).map(drop)
}

/// Milliseconds since some time, to within the kernel's tick; they begin anew every 49 days.
pub(super) fn coarse_milliseconds() -> u32 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` has room for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
    (now.tv_sec as u64).wrapping_mul(1000).wrapping_add(now.tv_nsec as u64 / 1_000_000) as u32
}

/// The magic number of the file system. May wait for a server.
pub(super) fn file_system(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut found = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `found` has room for what is written.
    let answer = unsafe { libc::fstatfs(fd.as_raw_fd(), found.as_mut_ptr()) };
    checked(answer.into())?;
    // SAFETY: zeroed, and then written by the kernel: integers, for which all bits are valid.
    let found = unsafe { found.assume_init() };
    // Magic numbers have 32 bits; the field may be wider, and signed.
    Ok(found.f_type as u32)
}
