//! Operations on paths.
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use runtime::fs;

use super::{Scratch, each_way};
use crate::support::watchdog;

#[test]
fn paths_answer_as_std_does() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let (a, b) = (scratch.join("a"), scratch.join("b"));
        fs::write(&a, b"one").await.unwrap();
        assert_eq!(fs::read(&a).await.unwrap(), b"one");
        assert_eq!(fs::copy(&a, &b).await.unwrap(), 3);
        fs::write(&a, b"longer").await.unwrap();
        assert_eq!(fs::read(&a).await.unwrap(), b"longer");
        fs::rename(&a, &b).await.unwrap();
        assert!(!fs::try_exists(&a).await.unwrap());
        assert_eq!(fs::read_to_string(&b).await.unwrap(), "longer");
        fs::hard_link(&b, &a).await.unwrap();
        fs::symlink("b", scratch.join("link")).await.unwrap();
        assert_eq!(fs::read_link(scratch.join("link")).await.unwrap(), Path::new("b"));
        assert_eq!(fs::read(scratch.join("link")).await.unwrap(), b"longer");
        assert!(fs::symlink_metadata(scratch.join("link")).await.unwrap().is_symlink());
        let metadata = fs::metadata(scratch.join("link")).await.unwrap();
        assert!(metadata.is_file() && metadata.len() == 6);
        assert_eq!(fs::canonicalize(scratch.join("link")).await.unwrap(), std::fs::canonicalize(&b).unwrap());
        fs::set_permissions(&b, std::fs::Permissions::from_mode(0o600)).await.unwrap();
        assert_eq!(fs::metadata(&b).await.unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&b).await.unwrap();
        assert_eq!(fs::metadata(scratch.join("link")).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(fs::symlink_metadata(scratch.join("link")).await.is_ok());

        fs::create_dir(scratch.join("d")).await.unwrap();
        fs::create_dir_all(scratch.join("d/e/f")).await.unwrap();
        fs::remove_dir(scratch.join("d/e/f")).await.unwrap();
        fs::remove_dir_all(scratch.join("d")).await.unwrap();
        assert!(!fs::try_exists(scratch.join("d")).await.unwrap());
        fs::DirBuilder::new().mode(0o700).create(scratch.join("g")).await.unwrap();
        assert_eq!(fs::metadata(scratch.join("g")).await.unwrap().permissions().mode() & 0o777, 0o700);
    });
}

fn assert_same<T: Debug>(ours: io::Result<T>, std: io::Result<T>, what: &str) {
    match (ours, std) {
        (Err(ours), Err(std)) => {
            assert_eq!(ours.kind(), std.kind(), "{what}");
            assert_eq!(ours.raw_os_error(), std.raw_os_error(), "{what}");
        }
        (Ok(_), Ok(_)) => {}
        (ours, std) => panic!("{what}: {ours:?}, and std {std:?}"),
    }
}

#[test]
fn errors_are_those_of_std() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let file = scratch.file("file", "x");
        let secret = scratch.file("secret", "x");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
        std::os::unix::fs::symlink("loop", scratch.join("loop")).unwrap();
        let long = "n".repeat(300);
        let paths = [
            ("missing", scratch.join("missing")),
            ("missing parent", scratch.join("missing/file")),
            ("a directory", scratch.join("")),
            ("secret", secret),
            ("below a file", file.join("below")),
            ("a loop of links", scratch.join("loop")),
            ("too long", scratch.join(long)),
            ("empty", "".into()),
            ("with a zero", scratch.join("a\0b")),
        ];
        for (what, path) in &paths {
            // Twice: the second time more of it is cached.
            for _ in 0..2 {
                assert_same(fs::read(path).await, std::fs::read(path), what);
                assert_same(fs::read_to_string(path).await, std::fs::read_to_string(path), what);
                assert_same(fs::metadata(path).await, std::fs::metadata(path), what);
                assert_same(fs::symlink_metadata(path).await, std::fs::symlink_metadata(path), what);
                assert_same(fs::try_exists(path).await, std::fs::exists(path), what);
                assert_same(fs::File::open(path).await.map(drop), std::fs::File::open(path).map(drop), what);
                assert_same(fs::read_dir(path).await.map(drop), std::fs::read_dir(path).map(drop), what);
            }
        }
    });
}

#[test]
fn text_that_is_not_utf_8_is_invalid_data() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let path = scratch.file("latin", b"caf\xe9");
        assert_same(fs::read_to_string(&path).await, std::fs::read_to_string(&path), "read_to_string");
        let mut text = String::from("before");
        let error = fs::File::open(&path).await.unwrap().read_to_string(&mut text).await.unwrap_err();
        assert_eq!((error.kind(), &*text), (io::ErrorKind::InvalidData, "before"));
    });
}

#[test]
fn files_without_a_size_and_devices_are_read_to_their_end() {
    let _watchdog = watchdog();
    each_way(async |_: &Scratch| {
        let status = fs::read_to_string("/proc/self/status").await.unwrap();
        assert!(status.contains("Threads:"), "{status}");
        assert_eq!(fs::read("/dev/null").await.unwrap(), b"");
        let mut zeroes = [1; 100];
        fs::File::open("/dev/zero").await.unwrap().read_exact(&mut zeroes).await.unwrap();
        assert_eq!(zeroes, [0; 100]);
        let mut null = fs::File::create("/dev/null").await.unwrap();
        null.write_all(b"gone").await.unwrap();
        null.flush().await.unwrap();
    });
}

#[test]
fn files_of_every_size_are_read_whole() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        // Around a page, the bound of what is read at once, and what a visit to the pool carries.
        for size in [0, 1, 4095, 4096, 4097, 256 << 10, (256 << 10) + 1, (5 << 20) + 3] {
            let contents: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
            let path = scratch.file("sized", &contents);
            assert!(fs::read(&path).await.unwrap() == contents, "{size}");
            let mut read = b"first".to_vec();
            let mut file = fs::File::open(&path).await.unwrap();
            assert_eq!(file.read_to_end(&mut read).await.unwrap(), size);
            assert!(read[5..] == contents, "{size}");
            let mut copy = fs::File::create(scratch.join("copy")).await.unwrap();
            copy.write_all(&contents).await.unwrap();
            copy.flush().await.unwrap();
            assert!(std::fs::read(scratch.join("copy")).unwrap() == contents, "{size}");
        }
    });
}

#[test]
fn a_directory_of_many_entries_is_listed_whole() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let mut names: BTreeSet<_> =
            (0..1000).map(|n| scratch.file(&format!("{n}"), "").file_name().unwrap().to_owned()).collect();
        let odd = OsStr::from_bytes(b"caf\xe9");
        std::fs::create_dir(scratch.join(odd)).unwrap();
        names.insert(odd.to_owned());
        let mut entries = fs::read_dir(&scratch.0).await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            assert!(names.remove(&entry.file_name()), "{entry:?} is not there, or twice");
            assert_eq!(entry.path(), scratch.join(entry.file_name()));
            assert_eq!(entry.file_type().await.unwrap().is_dir(), entry.file_name() == odd);
            assert!(entry.ino() != 0);
        }
        assert_eq!(names, BTreeSet::new());
        assert!(entries.next_entry().await.unwrap().is_none());
        assert!(fs::read_dir(scratch.join(odd)).await.unwrap().next_entry().await.unwrap().is_none());
    });
}

#[test]
fn files_work_under_any_executor() {
    let _watchdog = watchdog();
    async fn round(scratch: &Scratch) {
        let path = scratch.join("round");
        fs::write(&path, "there").await.unwrap();
        assert_eq!(fs::read(&path).await.unwrap(), b"there");
        let mut file = fs::File::options().read(true).append(true).open(&path).await.unwrap();
        file.write_all(b" and back").await.unwrap();
        file.rewind().await.unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "there and back");
    }
    let scratch = Scratch::new();
    futures::executor::block_on(round(&scratch));
    pollster::block_on(round(&scratch));
    smol::block_on(round(&scratch));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(round(&scratch));
    runtime::block_on(round(&scratch));
    runtime::Builder::new_current_thread().build().unwrap().block_on(round(&scratch));
}
