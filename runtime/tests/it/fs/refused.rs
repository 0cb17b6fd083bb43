//! Kernels and containers that refuse the calls which do not wait.
#![allow(unsafe_code)]

use std::os::unix::ffi::OsStrExt as _;

use runtime::Runtime;
use runtime::fs::{self, File};

use super::Scratch;
use crate::support::{child, pool, watchdog};

/// From now on `openat2` and `preadv2` fail with `errno` on this thread and on those that it starts.
fn refuse_calls(errno: i32) {
    let instruction = |code: u32, jump_true: u8, jump_false: u8, value: u32| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: jump_false,
        k: value,
    };
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    let mut filter = [
        // The number of the call.
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(equal, 1, 0, libc::SYS_openat2 as u32),
        instruction(equal, 0, 1, libc::SYS_preadv2 as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: sets a flag of this thread.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: `program` describes `filter`, and both outlive the call, which copies them.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

fn all_works_without_the_calls(errno: i32) {
    let scratch = Scratch::new();
    let path = scratch.file("file", "before");
    // Its workers were there before the filter was, and learn of the mount.
    pool(2).block_on(async { assert_eq!(fs::read(&path).await.unwrap(), b"before") });
    refuse_calls(errno);
    let refused = std::fs::File::open(&path).unwrap();
    assert!(
        rustix::io::preadv2(
            &refused,
            &mut [std::io::IoSliceMut::new(&mut [0])],
            0,
            rustix::io::ReadWriteFlags::NOWAIT
        )
        .is_err()
    );
    pool(2).block_on(async {
        for _ in 0..3 {
            assert_eq!(fs::read(&path).await.unwrap(), b"before");
            assert_eq!(fs::metadata(&path).await.unwrap().len(), 6);
            assert!(!fs::try_exists(scratch.join("none")).await.unwrap());
            let mut file = File::open(&path).await.unwrap();
            let mut bytes = [0; 3];
            file.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"bef");
            file.read_exact_at(&mut bytes, 3).await.unwrap();
            assert_eq!(&bytes, b"ore");
        }
    });
}

#[test]
fn a_filter_that_forbids_the_calls_sends_all_to_the_pool() {
    let _watchdog = watchdog();
    child::run("fs::refused::a_filter_that_forbids_the_calls_sends_all_to_the_pool", || {
        all_works_without_the_calls(libc::EPERM);
    });
}

#[test]
fn a_kernel_without_the_calls_sends_all_to_the_pool() {
    let _watchdog = watchdog();
    child::run("fs::refused::a_kernel_without_the_calls_sends_all_to_the_pool", || {
        all_works_without_the_calls(libc::ENOSYS);
    });
}

/// Whether the kernel tells mounts apart for good and the file system reads without waiting.
fn promises(scratch: &Scratch) -> bool {
    let path = std::ffi::CString::new(scratch.0.as_os_str().as_bytes()).unwrap();
    let mut found = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: `path` ends with a zero, and `found` has room for the answer.
    assert_eq!(unsafe { libc::statfs(path.as_ptr(), found.as_mut_ptr()) }, 0);
    // SAFETY: zeroed, and integers, for which all bits are valid.
    let magic = unsafe { found.assume_init() }.f_type as u32;
    // ext4, XFS and btrfs.
    [0xef53, 0x5846_5342, 0x9123_683e].contains(&magic)
}

#[test]
fn what_is_cached_needs_no_thread_unless_the_pool_alone_is_wanted() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    if !promises(&scratch) {
        println!("the directory for temporary files is not on a file system that promises not to wait");
        return;
    }
    let path = scratch.file("file", vec![1; 4096]);
    let read = async |path: &std::path::Path| {
        assert_eq!(fs::read(path).await.unwrap().len(), 4096);
        let mut file = File::open(path).await.unwrap();
        let mut bytes = [0; 4096];
        file.read_exact(&mut bytes).await.unwrap();
        file.rewind().await.unwrap();
        file.read_exact_at(&mut bytes, 0).await.unwrap();
        assert_eq!(file.metadata().await.unwrap().len(), 4096);
        assert_eq!(fs::metadata(path).await.unwrap().len(), 4096);
        assert!(!fs::try_exists(path.with_extension("none")).await.unwrap());
    };
    // The first to use a mount learns of it on the pool, and the first to look a name up has it cached.
    pool(2).block_on(read(&path));
    let threads = |inline: bool| {
        let runtime = Runtime::builder().worker_threads(2).fs_inline(inline).build().unwrap();
        for _ in 0..10 {
            runtime.block_on(read(&path));
        }
        runtime.metrics().blocking_threads
    };
    assert_eq!(threads(true), 0);
    assert!(threads(false) > 0);
}
