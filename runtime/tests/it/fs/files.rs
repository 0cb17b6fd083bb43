//! `File`.
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use runtime::fs::{File, OpenOptions};

use super::{Scratch, each_way};
use crate::support::watchdog;

#[test]
fn reads_writes_and_seeks_follow_one_another() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let path = scratch.join("file");
        let mut file = File::create_new(&path).await.unwrap();
        file.write_all(b"0123456789").await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 10);
        assert_eq!(file.seek(SeekFrom::Start(2)).await.unwrap(), 2);
        let mut two = [0; 2];
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"23");
        file.write_all(b"xy").await.unwrap();
        assert_eq!(file.seek(SeekFrom::Current(-1)).await.unwrap(), 5);
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"y6");
        assert_eq!(file.seek(SeekFrom::End(-1)).await.unwrap(), 9);
        assert_eq!(file.read(&mut two).await.unwrap(), 1);
        assert_eq!(file.read(&mut two).await.unwrap(), 0);
        assert_eq!(
            file.seek(SeekFrom::Current(-100)).await.unwrap_err().kind(),
            std::io::ErrorKind::InvalidInput
        );
        // Past the end is allowed, and filled up with zeroes.
        file.seek(SeekFrom::End(2)).await.unwrap();
        file.write_all(b"!").await.unwrap();
        file.sync_all().await.unwrap();
        file.sync_data().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"0123xy6789\0\0!");
        assert_eq!(file.metadata().await.unwrap().len(), 13);
        file.set_len(4).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"0123");
        assert_eq!(File::create_new(&path).await.unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    });
}

#[test]
fn appends_go_to_the_end() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let path = scratch.file("log", "a");
        let mut one = OpenOptions::new().append(true).open(&path).await.unwrap();
        let mut two = OpenOptions::new().append(true).create(true).open(&path).await.unwrap();
        for _ in 0..10 {
            one.write_all(b"1").await.unwrap();
            one.flush().await.unwrap();
            two.write_all(b"2").await.unwrap();
            two.flush().await.unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("a{}", "12".repeat(10)));
    });
}

#[test]
fn the_error_of_a_write_comes_with_the_flush() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let path = scratch.file("read-only", "text");
        let mut file = File::open(&path).await.unwrap();
        // Taken; that it cannot be done is found out on the pool.
        file.write_all(b"no").await.unwrap();
        assert_eq!(file.flush().await.unwrap_err().raw_os_error(), Some(libc::EBADF));
        file.flush().await.unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "text");
        let mut sink = File::create(scratch.join("write-only")).await.unwrap();
        assert_eq!(sink.read(&mut [0; 4]).await.unwrap_err().raw_os_error(), Some(libc::EBADF));
        if std::fs::exists("/dev/full").unwrap() {
            let mut full = File::options().write(true).open("/dev/full").await.unwrap();
            full.write_all(b"x").await.unwrap();
            assert_eq!(full.flush().await.unwrap_err().raw_os_error(), Some(libc::ENOSPC));
        }
    });
}

#[test]
fn positioned_operations_leave_the_position_alone() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let contents: Vec<u8> = (0..1 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
        let path = scratch.file("large", &contents);
        let file = Arc::new(OpenOptions::new().read(true).write(true).open(&path).await.unwrap());
        let readers: Vec<_> = (0..8)
            .map(|reader| {
                let (file, contents) = (Arc::clone(&file), contents.clone());
                runtime::spawn(async move {
                    for step in 0..200 {
                        let offset = (reader * 7919 + step * 4099) % (contents.len() - 5000);
                        let mut bytes = vec![0; 5000];
                        file.read_exact_at(&mut bytes, offset as u64).await.unwrap();
                        assert!(bytes == contents[offset..offset + 5000]);
                    }
                })
            })
            .collect();
        for reader in readers {
            reader.await.unwrap();
        }
        let end = contents.len() as u64;
        assert_eq!(file.read_at(&mut [0; 8], end).await.unwrap(), 0);
        assert_eq!(file.read_at(&mut [], 0).await.unwrap(), 0);
        let error = file.read_exact_at(&mut [0; 8], end - 4).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        file.write_all_at(b"tail", end).await.unwrap();
        let mut tail = [0; 4];
        file.read_exact_at(&mut tail, end).await.unwrap();
        assert_eq!(&tail, b"tail");
        let mut file = Arc::into_inner(file).unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 0);
        assert!(file.read_at(&mut [0; 1], u64::MAX).await.is_err());
    });
}

#[test]
fn a_positioned_read_sees_a_write_that_was_taken() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let mut file = File::create_new(scratch.join("file")).await.unwrap();
        for round in 0..50u64 {
            file.write_all(&round.to_le_bytes()).await.unwrap();
            let mut read = [0; 8];
            file.read_exact_at(&mut read, round * 8).await.unwrap();
            assert_eq!(u64::from_le_bytes(read), round);
            file.write_all(b"12345678").await.unwrap();
            assert_eq!(file.metadata().await.unwrap().len(), round * 8 + 16);
            file.seek(SeekFrom::Current(-8)).await.unwrap();
        }
    });
}

#[test]
fn clones_share_the_position_and_std_gets_the_file_back() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        let path = scratch.file("file", "abcdefgh");
        let mut one = File::open(&path).await.unwrap();
        let mut letter = [0];
        one.read_exact(&mut letter).await.unwrap();
        let mut two = one.try_clone().await.unwrap();
        two.read_exact(&mut letter).await.unwrap();
        assert_eq!(&letter, b"b");
        one.read_exact(&mut letter).await.unwrap();
        assert_eq!(&letter, b"c");
        let mut std = one.into_std().await;
        std.read_exact(&mut letter).unwrap();
        assert_eq!(&letter, b"d");
        // It waits, as one that std has opened does.
        let flags = rustix::fs::fcntl_getfl(&std).unwrap();
        assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
        let mut back = File::from_std(std);
        back.seek(SeekFrom::Start(6)).await.unwrap();
        let mut std = back.try_into_std().unwrap();
        assert_eq!(std.stream_position().unwrap(), 6);
        std.read_exact_at(&mut letter, 0).unwrap();
        assert_eq!(&letter, b"a");
        drop(two);
    });
}

#[test]
fn the_traits_of_tokio_and_futures_do_what_the_methods_do() {
    let _watchdog = watchdog();
    each_way(async |scratch: &Scratch| {
        use tokio::io::{AsyncBufReadExt as _, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
        let path = scratch.join("file");
        let mut file = File::create_new(&path).await.unwrap();
        AsyncWriteExt::write_all(&mut file, b"one\ntwo\nthree\n").await.unwrap();
        AsyncWriteExt::flush(&mut file).await.unwrap();
        assert_eq!(AsyncSeekExt::seek(&mut file, SeekFrom::Start(4)).await.unwrap(), 4);
        let mut text = String::new();
        AsyncReadExt::read_to_string(&mut file, &mut text).await.unwrap();
        assert_eq!(text, "two\nthree\n");
        AsyncSeekExt::rewind(&mut file).await.unwrap();
        let mut lines = tokio::io::BufReader::new(file).lines();
        let mut count = 0;
        while lines.next_line().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 3);

        let mut from = File::open(&path).await.unwrap();
        let mut to = File::create_new(scratch.join("copy")).await.unwrap();
        assert_eq!(futures::io::copy(&mut from, &mut to).await.unwrap(), 14);
        futures::AsyncWriteExt::close(&mut to).await.unwrap();
        assert_eq!(std::fs::read(scratch.join("copy")).unwrap(), std::fs::read(&path).unwrap());
        assert_eq!(futures::AsyncSeekExt::seek(&mut to, SeekFrom::End(-6)).await.unwrap(), 8);
    });
}

#[test]
fn a_file_read_over_and_over_lets_its_neighbours_run() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    let path = scratch.file("file", vec![7; 4096]);
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let reader = runtime::spawn(async move {
            let mut file = File::open(&path).await.unwrap();
            let mut buffer = [0; 64];
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                file.read_at(&mut buffer, 0).await.unwrap();
                file.rewind().await.unwrap();
                file.read_exact(&mut buffer).await.unwrap();
                runtime::fs::read(&path).await.unwrap();
            }
        });
        for _ in 0..100 {
            runtime::task::yield_now().await;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        reader.await.unwrap();
    });
}
