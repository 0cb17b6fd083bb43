//! What waits for ever holds up nobody but its thread of the pool.
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use runtime::Runtime;
use runtime::fs::{self, File};

use super::Scratch;
use crate::support::{pool, until, watchdog};

fn fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

#[test]
fn timers_and_shutdown_do_not_wait_for_fifos_without_a_writer() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    let path = scratch.join("fifo");
    fifo(&path);
    let runtime =
        Runtime::builder().worker_threads(2).shutdown_timeout(Duration::from_millis(200)).build().unwrap();
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ticks);
    runtime.spawn(async move {
        loop {
            runtime::time::sleep(Duration::from_millis(1)).await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let opens: Vec<_> = (0..64)
        .map(|n| {
            let path = path.clone();
            runtime.spawn(async move {
                match n % 2 {
                    0 => fs::read(&path).await,
                    _ => read_opened(&path).await,
                }
            })
        })
        .collect();
    until(|| runtime.metrics().blocking_threads == 64);
    let before = ticks.load(Ordering::Relaxed);
    until(|| ticks.load(Ordering::Relaxed) >= before + 20);
    runtime.block_on(async {
        let begun = Instant::now();
        assert!(runtime::time::timeout(Duration::from_millis(50), File::open(&path)).await.is_err());
        // The watchdog's patience is no measure; a second is far from for ever.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(fs::metadata(&path).await.is_ok());
    });
    assert!(opens.iter().all(|open| !open.is_finished()));
    let begun = Instant::now();
    drop(runtime);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // The threads are let go.
    release(&path);
}

/// Has every open for reading return: both ends are there for a moment.
fn release(path: &Path) {
    let both = std::fs::File::options().read(true).write(true).open(path).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(both);
}

#[test]
fn a_fifo_is_read_when_its_writer_comes() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    let path = scratch.join("fifo");
    fifo(&path);
    let runtime = pool(2);
    for _ in 0..10 {
        let reader = runtime.spawn({
            let path = path.clone();
            async move { fs::read_to_string(path).await }
        });
        // Waits until there is a reader.
        let mut writer = std::fs::File::options().write(true).open(&path).unwrap();
        writer.write_all(b"at last").unwrap();
        drop(writer);
        assert_eq!(runtime.block_on(reader).unwrap().unwrap(), "at last");
    }
}

#[test]
fn a_file_that_becomes_a_fifo_is_read_as_one() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    let runtime = pool(2);
    for round in 0..5 {
        let path = scratch.file("changing", "a file");
        for _ in 0..3 {
            assert_eq!(runtime.block_on(fs::read(&path)).unwrap(), b"a file");
        }
        std::fs::remove_file(&path).unwrap();
        fifo(&path);
        // Both ends, so that what is written stays until it is read, whoever has only looked meanwhile.
        let mut both = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        both.write_all(b"a fifo").unwrap();
        let reader = runtime.spawn({
            let path = path.clone();
            async move { if round % 2 == 0 { fs::read(path).await } else { read_opened(&path).await } }
        });
        until(|| rustix::io::ioctl_fionread(&both).unwrap() == 0);
        drop(both);
        assert_eq!(runtime.block_on(reader).unwrap().unwrap(), b"a fifo");
        std::fs::remove_file(&path).unwrap();
    }
}

async fn read_opened(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).await?.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[test]
fn what_a_read_that_was_given_up_has_read_goes_to_the_next() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    let path = scratch.join("fifo");
    fifo(&path);
    pool(2).block_on(async {
        // Both ends, so that neither waits for the other and there is no end.
        let std = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let mut writer = std.try_clone().unwrap();
        let mut file = File::from_std(std);
        let mut buffer = [0; 64];
        assert!(runtime::time::timeout(Duration::from_millis(20), file.read(&mut buffer)).await.is_err());
        writer.write_all(b"kept").unwrap();
        let mut letter = [0];
        for expected in b"kept" {
            assert_eq!(file.read(&mut letter).await.unwrap(), 1);
            assert_eq!(letter[0], *expected);
        }
        assert!(runtime::time::timeout(Duration::from_millis(20), file.read(&mut buffer)).await.is_err());
        writer.write_all(b"!").unwrap();
        // Another who only looks waits for it as well, and takes nothing.
        let (metadata, also) = futures::join!(file.metadata(), file.metadata());
        assert!(!metadata.unwrap().is_file() && also.is_ok());
        assert_eq!(file.read(&mut buffer).await.unwrap(), 1);
    });
}

#[test]
fn an_operation_that_the_pool_drops_is_an_error() {
    let _watchdog = watchdog();
    let scratch = Scratch::new();
    let path = scratch.join("fifo");
    fifo(&path);
    let runtime = Runtime::builder()
        .worker_threads(1)
        .max_blocking_threads(1)
        .shutdown_timeout(Duration::from_millis(10))
        .build()
        .unwrap();
    let mut file = File::from_std(std::fs::File::create(scratch.join("file")).unwrap());
    runtime.block_on(async {
        // The one thread is in the FIFO; the write waits in the queue.
        let open = runtime::time::timeout(Duration::from_millis(20), File::open(&path));
        assert!(open.await.is_err());
        file.write_all(b"late").await.unwrap();
    });
    drop(runtime);
    let error = futures::executor::block_on(file.flush()).unwrap_err();
    assert!(error.to_string().contains("dropped the operation"), "{error}");
    release(&path);
}
