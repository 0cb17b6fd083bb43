//! D7: descriptors are closed on exec, and a forked child is told what it cannot use. Each test forks in a process of its
//! own.
#![allow(unsafe_code)]

use std::fs::File;
use std::future::{pending, poll_fn};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;

use reactor_hook::process::PerProcess;
use runtime::io::unix::AsyncFd;
use runtime::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixStream};
use runtime::time::{Duration, sleep};
use runtime::{Builder, Runtime};

use crate::paced::Full;
use crate::support::{CountDrop, Tally, child, message_of, pool, until, until_no_tasks, watchdog};

fn sole() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// In which process a call of `fork` has returned.
enum Forked {
    Child(Report),
    Parent(Child),
}

/// Where the child writes what it found.
struct Report(File);

/// The parent's view of it.
struct Child {
    pid: libc::pid_t,
    report: File,
}

fn fork() -> Forked {
    let (mut read, mut write) = ([0; 2], None);
    // SAFETY: the array has room for two descriptors.
    assert_eq!(unsafe { libc::pipe2(read.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    // SAFETY: just made, and nobody else's.
    let report = unsafe { File::from_raw_fd(read[0]) };
    // SAFETY: as above.
    write.replace(unsafe { File::from_raw_fd(read[1]) });
    // SAFETY: the child does nothing that the C library and this crate do not see to: it allocates, and takes locks that
    // no thread but the present one takes in this process.
    let pid = unsafe { libc::fork() };
    assert_ne!(pid, -1);
    if pid == 0 {
        // It has no watchdog.
        // SAFETY: an argument is all there is.
        unsafe { libc::alarm(20) };
        return Forked::Child(Report(write.unwrap()));
    }
    Forked::Parent(Child { pid, report })
}

impl Report {
    /// Ends the child.
    fn end(mut self, text: &str) -> ! {
        self.0.write_all(text.as_bytes()).unwrap();
        // SAFETY: nothing of the parent's is to run.
        unsafe { libc::_exit(0) }
    }

    /// What the child says on standard error is the report.
    fn is_standard_error(&self) {
        // SAFETY: both are open.
        assert_ne!(unsafe { libc::dup2(self.0.as_raw_fd(), 2) }, -1);
    }
}

impl Child {
    /// Its report, when it has ended well.
    fn report(self) -> String {
        let (status, report) = self.wait();
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "status {status:#x}: {report}");
        report
    }

    fn wait(mut self) -> (i32, String) {
        let mut report = String::new();
        self.report.read_to_string(&mut report).unwrap();
        let mut status = 0;
        // SAFETY: the pointer is to a live variable.
        assert_eq!(unsafe { libc::waitpid(self.pid, &raw mut status, 0) }, self.pid);
        (status, report)
    }
}

/// Runs `body` in a forked child, and returns what it said or panicked with.
fn in_child(body: impl FnOnce() -> String) -> String {
    match fork() {
        Forked::Parent(child) => child.report(),
        Forked::Child(report) => {
            let said = catch_unwind(AssertUnwindSafe(body));
            report.end(&said.unwrap_or_else(|panic| format!("panicked: {}", message_of(&*panic))))
        }
    }
}

/// What one sentence says of both processes.
#[track_caller]
fn assert_names(text: &str, parent: u32, child: u32) {
    let pids = format!("made in process {parent}, and is used in process {child}, which was forked from it");
    assert!(text.contains(&pids), "{parent} and {child} not named: {text}");
}

fn panic_of<R>(body: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(_) => "no panic".to_owned(),
        Err(panic) => message_of(&*panic),
    }
}

/// A stream that waits to be read where `runtime` drives, and its other end.
fn waiting(runtime: &Runtime) -> (std::sync::Arc<UnixStream>, std::os::unix::net::UnixStream) {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    runtime.block_on(async {
        let near = std::sync::Arc::new(UnixStream::from_std(near).unwrap());
        let mut readable = Box::pin(near.readable());
        assert!(poll_fn(|cx| Poll::Ready(readable.as_mut().poll(cx))).await.is_pending());
        drop(readable);
        (near, far)
    })
}

/// Everything still works where it was made.
fn assert_works(runtime: &Runtime) {
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = runtime::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            sleep(Duration::from_millis(1)).await;
            stream.write_all(b"hello").await.unwrap();
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut bytes = [0; 8];
        assert_eq!(stream.read(&mut bytes).await.unwrap(), 5);
        task.await.unwrap();
        assert_eq!(runtime::spawn_blocking(|| 6 * 7).await.unwrap(), 42);
    });
}

// D7
#[test]
fn a_runtime_used_in_a_forked_child_is_an_error_that_names_both_processes() {
    child::run("fork::a_runtime_used_in_a_forked_child_is_an_error_that_names_both_processes", || {
        let _watchdog = watchdog();
        for runtime in [pool(2), sole()] {
            let (stream, mut far) = waiting(&runtime);
            let (mut runtime, mut stream) = (Some(runtime), Some(stream));
            let parent = std::process::id();
            let said = in_child(|| {
                let (here, runtime, stream) =
                    (std::process::id(), runtime.take().unwrap(), stream.take().unwrap());
                let handle = runtime.handle().clone();
                let entered = handle.enter();
                let misuses = [
                    ("spawn", panic_of(|| runtime.spawn(async {}))),
                    ("spawn", panic_of(|| handle.spawn(async {}))),
                    ("spawn", panic_of(|| runtime::spawn(async {}))),
                    ("spawn_pinned", panic_of(|| runtime.spawn_pinned(async || ()))),
                    ("spawn_blocking", panic_of(|| runtime.spawn_blocking(|| {}))),
                    ("spawn_blocking", panic_of(|| runtime::spawn_blocking(|| {}))),
                    ("Runtime::block_on", panic_of(|| runtime.block_on(async {}))),
                    ("Runtime::block_on", panic_of(|| handle.block_on(async {}))),
                ];
                for (operation, message) in misuses {
                    assert_names(&message, parent, here);
                    crate::support::assert_helpful(&message, operation);
                }
                // In its context, under an executor that works.
                let error = futures::executor::block_on(stream.readable()).unwrap_err();
                assert_names(&error.to_string(), parent, here);
                let message = panic_of(|| futures::executor::block_on(sleep(Duration::from_millis(1))));
                assert_names(&message, parent, here);
                let resolved = futures::executor::block_on(runtime::net::lookup_host("localhost:80"));
                let error = resolved.map(drop).unwrap_err();
                assert_names(&error.to_string(), parent, here);
                drop(entered);
                // Outside of it they find themselves somebody else.
                far.write_all(&[1]).unwrap();
                futures::executor::block_on(async {
                    stream.readable().await.unwrap();
                    assert_eq!(stream.try_read(&mut [0; 8]).unwrap(), 1);
                    sleep(Duration::from_millis(1)).await;
                });
                assert!(runtime.shutdown(Duration::MAX).is_clean());
                drop((handle, stream));
                "as it should".to_owned()
            });
            assert_eq!(said, "as it should");
            // The parent's registration was left alone.
            let (runtime, stream) = (runtime.unwrap(), stream.unwrap());
            let read = runtime.spawn(async move {
                let mut bytes = [0; 8];
                loop {
                    stream.readable().await.unwrap();
                    if let Ok(n) = stream.try_read(&mut bytes) {
                        return n;
                    }
                }
            });
            runtime.block_on(runtime::task::yield_now());
            far.write_all(&[2, 3]).unwrap();
            assert_eq!(runtime.block_on(read).unwrap(), 2);
            assert_works(&runtime);
        }
    });
}

// D7
#[test]
fn a_runtime_made_in_a_forked_child_works_and_takes_the_parents_sockets() {
    child::run("fork::a_runtime_made_in_a_forked_child_works_and_takes_the_parents_sockets", || {
        let _watchdog = watchdog();
        let outer = pool(2);
        assert_works(&outer);
        // The threads that serve where no executor does are the parent's, too.
        futures::executor::block_on(async {
            let (near, far) = UnixStream::pair().unwrap();
            let mut readable = Box::pin(near.readable());
            assert!(poll_fn(|cx| Poll::Ready(readable.as_mut().poll(cx))).await.is_pending());
            far.try_write(&[1]).unwrap();
            readable.await.unwrap();
            sleep(Duration::from_millis(1)).await;
        });
        let listener = outer.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let accepts = |runtime: &Runtime| {
            runtime.block_on(async {
                let mut accept = Box::pin(listener.accept());
                assert!(poll_fn(|cx| Poll::Ready(accept.as_mut().poll(cx))).await.is_pending());
                let client = std::net::TcpStream::connect(address).unwrap();
                accept.await.unwrap();
                drop(client);
            });
        };
        accepts(&outer);
        for _ in 0..3 {
            let said = in_child(|| {
                // In a child's child as well.
                in_child(|| {
                    let inner = sole();
                    assert_works(&inner);
                    accepts(&inner);
                    "served".to_owned()
                });
                for inner in [pool(2), sole()] {
                    assert_works(&inner);
                    accepts(&inner);
                    futures::executor::block_on(async {
                        sleep(Duration::from_millis(1)).await;
                        let client = std::net::TcpStream::connect(address).unwrap();
                        listener.accept().await.unwrap();
                        drop(client);
                    });
                }
                drop(outer.handle().clone());
                "served".to_owned()
            });
            assert_eq!(said, "served");
            accepts(&outer);
        }
        assert_works(&outer);
    });
}

async fn tokios_sleep() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

// D7
#[test]
fn a_child_forked_while_a_connect_is_tried_again_and_again_tries_its_own() {
    child::run("fork::a_child_forked_while_a_connect_is_tried_again_and_again_tries_its_own", || {
        let _watchdog = watchdog();
        let runtime = pool(1);
        let theirs = runtime.block_on(Full::listener("parents"));
        let name = theirs.name.clone();
        drop(runtime.spawn(async move { UnixStream::connect(name).await }));
        let mut connecting = Box::pin(UnixStream::connect(theirs.name.clone()));
        assert!(runtime.block_on(poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx)))).is_pending());
        let said = in_child(|| {
            sole().block_on(async {
                let full = Full::listener("childs").await;
                let mut connecting = Box::pin(UnixStream::connect(&full.name));
                assert!(poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx))).await.is_pending());
                full.drain().await;
                connecting.await.unwrap();
                "connected".to_owned()
            })
        });
        assert_eq!(said, "connected");
    });
}

// D7
#[test]
fn tokios_world_is_made_anew_in_a_forked_child() {
    child::run("fork::tokios_world_is_made_anew_in_a_forked_child", || {
        let _watchdog = watchdog();
        let make = || Builder::new_multi_thread().worker_threads(1).tokio_compat(true).build().unwrap();
        let runtime = make();
        runtime.block_on(tokios_sleep());
        let mut outer = Some(make());
        for _ in 0..3 {
            let said = in_child(|| {
                {
                    let _entered = runtime::tokio_compat::enter();
                    runtime::block_on(tokios_sleep());
                }
                let inner = make();
                inner.block_on(async { runtime::spawn(tokios_sleep()).await.unwrap() });
                drop(inner);
                drop(outer.take());
                "slept".to_owned()
            });
            assert_eq!(said, "slept");
            runtime.block_on(tokios_sleep());
        }
    });
}

/// The message of a child that was aborted.
#[track_caller]
fn aborted(child: Child) -> String {
    let (status, said) = child.wait();
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT, "{status:#x}: {said}");
    assert_eq!(said.matches("help:").count(), 2, "{said}");
    said
}

// D7: the parent's tasks are not run twice.
#[test]
fn a_child_that_comes_back_into_the_runtime_is_stopped() {
    child::run("fork::a_child_that_comes_back_into_the_runtime_is_stopped", || {
        let _watchdog = watchdog();
        let parent = std::process::id();
        let runtime = pool(1);
        let (sender, children) = mpsc::channel();
        for blocking in [false, true] {
            let sender = sender.clone();
            let body = move || match fork() {
                Forked::Parent(child) => sender.send(child).unwrap(),
                Forked::Child(report) => {
                    // It has learnt already that it is not at home.
                    let message = panic_of(|| runtime::spawn(async {}));
                    report.is_standard_error();
                    assert_names(&message, parent, std::process::id());
                    std::mem::forget(report);
                }
            };
            if blocking {
                runtime.block_on(runtime.spawn_blocking(body)).unwrap();
            } else {
                let others = runtime.spawn(async move {
                    let others: Vec<_> =
                        (0..10).map(|_| runtime::spawn(async { std::process::id() })).collect();
                    body();
                    others
                });
                for other in runtime.block_on(others).unwrap() {
                    assert_eq!(runtime.block_on(other).unwrap(), parent);
                }
            }
            let child = children.recv().unwrap();
            let pid = child.pid as u32;
            assert_names(&aborted(child), parent, pid);
            assert_works(&runtime);
        }
    });
}

/// Says so where it is polled in a child.
async fn is_its_parents(parent: u32) {
    if std::process::id() != parent {
        let said = b"polled in the child\n";
        // SAFETY: the pointer is to so many bytes. Not by `eprintln`, which a parent's thread may have locked.
        unsafe { libc::write(2, said.as_ptr().cast(), said.len()) };
    }
}

// D7: nor is the one polled that would be next.
#[test]
fn a_child_that_comes_back_out_of_a_pinned_task_polls_none_of_its_parents() {
    child::run("fork::a_child_that_comes_back_out_of_a_pinned_task_polls_none_of_its_parents", || {
        let _watchdog = watchdog();
        let parent = std::process::id();
        let runtime = pool(1);
        let body = move || async move {
            for _ in 0..10 {
                drop(runtime::spawn(is_its_parents(parent)));
            }
            match fork() {
                Forked::Parent(child) => Some(child),
                Forked::Child(report) => {
                    report.is_standard_error();
                    std::mem::forget(report);
                    None
                }
            }
        };
        let child = runtime.block_on(runtime.spawn_pinned(body)).unwrap().expect("the parent's");
        let said = aborted(child);
        assert!(!said.contains("polled in the child"), "{said}");
        until_no_tasks(&runtime);
    });
}

// D7: nor does it wait for them.
#[test]
fn a_child_whose_root_waits_in_block_on_is_told_and_polls_none_of_its_parents() {
    child::run("fork::a_child_whose_root_waits_in_block_on_is_told_and_polls_none_of_its_parents", || {
        let _watchdog = watchdog();
        let parent = std::process::id();
        for runtime in [pool(1), sole()] {
            let root = async {
                for _ in 0..10 {
                    drop(runtime::spawn(is_its_parents(parent)));
                    drop(runtime::task::spawn_pinned(move || is_its_parents(parent)));
                }
                match fork() {
                    Forked::Parent(child) => child,
                    Forked::Child(report) => {
                        report.is_standard_error();
                        std::mem::forget(report);
                        pending().await
                    }
                }
            };
            match catch_unwind(AssertUnwindSafe(|| runtime.block_on(root))) {
                Ok(child) => {
                    let pid = child.pid as u32;
                    let said = child.report();
                    assert_names(&said, parent, pid);
                    assert!(!said.contains("polled in the child"), "{said}");
                }
                // SAFETY: nothing of the parent's is to run.
                Err(_) => unsafe { libc::_exit(0) },
            }
            assert_works(&runtime);
        }
    });
}

// D7
#[test]
fn the_thread_in_block_on_may_return_in_the_child_and_cannot_go_on() {
    child::run("fork::the_thread_in_block_on_may_return_in_the_child_and_cannot_go_on", || {
        let _watchdog = watchdog();
        let parent = std::process::id();
        for runtime in [pool(1), sole()] {
            let dropped = Tally::default();
            let waits = |dropped: CountDrop| async move {
                let _dropped = dropped;
                pending::<()>().await;
            };
            drop(runtime.spawn(waits(dropped.on_drop())));
            let mut runtime = Some(runtime);
            // It returns, and drops what it has: the parent's tasks are not among that.
            let root = async {
                let pinned = dropped.on_drop();
                drop(runtime::task::spawn_pinned(move || waits(pinned)));
                sleep(Duration::from_millis(1)).await;
                fork()
            };
            match runtime.as_ref().unwrap().block_on(root) {
                Forked::Parent(child) => assert_eq!(child.report(), "returned, 0 dropped"),
                Forked::Child(report) => {
                    drop(runtime.take());
                    report.end(&format!("returned, {} dropped", dropped.get()));
                }
            }
            // It waits for what never comes.
            let waits = async {
                match fork() {
                    Forked::Parent(child) => Some(child),
                    Forked::Child(report) => {
                        report.is_standard_error();
                        std::mem::forget(report);
                        sleep(Duration::from_secs(3600)).await;
                        None
                    }
                }
            };
            let ended = catch_unwind(AssertUnwindSafe(|| runtime.as_ref().unwrap().block_on(waits)));
            match ended {
                Ok(child) => {
                    let child = child.expect("the parent's");
                    let pid = child.pid as u32;
                    let said = child.report();
                    assert_names(&said, parent, pid);
                }
                // SAFETY: nothing of the parent's is to run.
                Err(_) => unsafe { libc::_exit(0) },
            }
            assert_works(runtime.as_ref().unwrap());
        }
    });
}

// A thread that drives for itself goes on in the child, with a selector of its own.
#[test]
fn a_block_on_without_a_runtime_goes_on_in_both_processes() {
    child::run("fork::a_block_on_without_a_runtime_goes_on_in_both_processes", || {
        let _watchdog = watchdog();
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        runtime::block_on(async {
            let mut near = UnixStream::from_std(near).unwrap();
            let mut bytes = [0; 8];
            let mut waits = Box::pin(near.readable());
            assert!(poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx))).await.is_pending());
            drop(waits);
            sleep(Duration::from_millis(1)).await;
            match fork() {
                Forked::Child(report) => {
                    sleep(Duration::from_millis(1)).await;
                    let writer = std::thread::spawn(move || far.write_all(&[1]).unwrap());
                    assert_eq!(near.read(&mut bytes).await.unwrap(), 1);
                    writer.join().unwrap();
                    drop(near);
                    report.end("went on");
                }
                Forked::Parent(child) => {
                    let child = std::thread::spawn(|| child.report());
                    sleep(Duration::from_millis(1)).await;
                    assert_eq!(child.join().unwrap(), "went on");
                    let writer = std::thread::spawn(move || far.write_all(&[2, 3]).unwrap());
                    assert_eq!(near.read(&mut bytes).await.unwrap(), 2);
                    writer.join().unwrap();
                }
            }
        });
    });
}

// D7
#[test]
fn a_child_has_a_value_of_its_own_that_was_forked_while_the_parent_made_one() {
    static VALUE: PerProcess<&str> = PerProcess::new();
    child::run("fork::a_child_has_a_value_of_its_own_that_was_forked_while_the_parent_made_one", || {
        let _watchdog = watchdog();
        let mut forked = None;
        let value = VALUE.get(|| {
            // Another is quicker.
            assert_eq!(*VALUE.get(|| "the parent's"), "the parent's");
            match forked.insert(fork()) {
                Forked::Parent(_) => "the parent's second",
                Forked::Child(_) => "the child's",
            }
        });
        match forked.unwrap() {
            Forked::Parent(child) => {
                assert_eq!(*value, "the parent's");
                assert_eq!(child.report(), "the child's");
            }
            Forked::Child(report) => report.end(value),
        }
    });
}

// D7
#[test]
fn no_descriptor_is_left_open_in_a_program_that_is_executed() {
    child::run("fork::no_descriptor_is_left_open_in_a_program_that_is_executed", || {
        let _watchdog = watchdog();
        let open = || {
            let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap().lines().count()
        };
        let before = open();
        let runtimes = [pool(2), sole()];
        let sources = runtimes[0].block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (far, _) = listener.accept().await.unwrap();
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let unix = (
                UnixStream::pair().unwrap(),
                UnixDatagram::pair().unwrap(),
                UnixDatagram::unbound().unwrap(),
            );
            let pipe = runtime::net::unix::pipe::pipe().unwrap();
            let socket = runtime::net::TcpSocket::new_v4().unwrap();
            let directory = std::env::temp_dir().join(format!("runtime-exec-{}", std::process::id()));
            let unix_listener = runtime::net::UnixListener::bind(&directory).unwrap();
            let connected = UnixStream::connect(&directory).await.unwrap();
            let (accepted, _) = unix_listener.accept().await.unwrap();
            std::fs::remove_file(&directory).unwrap();
            let fd = AsyncFd::new(
                std::os::unix::net::UnixStream::pair()
                    .map(|(near, _)| {
                        near.set_nonblocking(true).unwrap();
                        near
                    })
                    .unwrap(),
            )
            .unwrap();
            (listener, near, far, udp, unix, pipe, socket, unix_listener, connected, accepted, fd)
        });
        // And those of the process's own reactor.
        let (near, _far) = UnixStream::pair().unwrap();
        futures::executor::block_on(async {
            let mut readable = Box::pin(near.readable());
            assert!(poll_fn(|cx| Poll::Ready(readable.as_mut().poll(cx))).await.is_pending());
        });
        assert!(crate::support::process::open_fds() > before + 20);
        assert_eq!(open(), before);
        drop(sources);
        drop(runtimes);
    });
}

/// What another thread holds at the moment of the fork is held in the child for ever.
#[test]
fn a_child_reads_the_clock_while_other_threads_of_its_parent_convert_instants() {
    let _watchdog = watchdog();
    child::run("fork::a_child_reads_the_clock_while_other_threads_of_its_parent_convert_instants", || {
        let (stop, started) = (Arc::new(AtomicBool::new(false)), Tally::default());
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (stop, started) = (Arc::clone(&stop), started.clone());
                thread::spawn(move || {
                    let now = std::time::Instant::now();
                    started.add();
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::black_box(runtime::time::Instant::from_std(now));
                    }
                })
            })
            .collect();
        // A thread that is being started holds locks of the standard library's.
        until(|| started.get() == 4);
        let mut ended = 0;
        for _ in 0..20 {
            match fork() {
                Forked::Parent(child) => {
                    let (status, _) = child.wait();
                    ended += u32::from(libc::WIFEXITED(status));
                }
                Forked::Child(report) => {
                    // SAFETY: an argument is all there is.
                    unsafe { libc::alarm(10) };
                    drop(sole());
                    report.end("made");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(ended, 20, "none waits for a lock of a thread that it does not have");
    });
}
