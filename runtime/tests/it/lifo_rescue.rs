//! V3, S4: the task woken last by one that then blocks its worker is rescued from there, whatever the kernel offers for that. Each
//! test is a process of its own.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use runtime::Runtime;
use runtime::task::yield_now;
use runtime::time::sleep;

use crate::support::{child, count, pool, until, watchdog};

/// Ends the child when it hangs, as a watchdog does.
fn end_in_time() {
    // SAFETY: an argument is all there is.
    unsafe { libc::alarm(30) };
}

fn membarrier(command: libc::c_int) -> libc::c_long {
    // SAFETY: three numbers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
}

/// Serves until the only worker of `runtime` takes by plain stores, which is false where the kernel has no barriers for that.
fn is_kept(runtime: &Runtime) -> bool {
    let command = libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED as libc::c_int;
    let offered = membarrier(libc::MEMBARRIER_CMD_QUERY as libc::c_int);
    if offered < 0 || offered & libc::c_long::from(command) == 0 {
        return false;
    }
    // The supervisor asks for them, when it has lived for a second.
    until(|| membarrier(command) == 0);
    // It is done with that when it rescues again, and the worker has looked into its slot after it has.
    is_served(runtime);
    true
}

/// From now on `membarrier` fails with `errno` on all threads.
fn refuse_barriers(errno: i32) {
    let instruction = |code: u32, jump_true: u8, jump_false: u8, value: u32| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: jump_false,
        k: value,
    };
    let answer = libc::BPF_RET | libc::BPF_K;
    let mut filter = [
        // The number of the call.
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, libc::SYS_membarrier as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        instruction(answer, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: sets a flag of this thread.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: `program` describes `filter`, and both outlive the call, which copies them.
    let set = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const program,
        )
    };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
    assert_eq!(membarrier(libc::MEMBARRIER_CMD_QUERY as libc::c_int), -1);
}

/// A task of the only worker's, and not of a spare's, wakes another, and blocks its thread until that has run, or as long as it is told to.
fn wait_for_the_last_woken(runtime: &Runtime, most: Duration) -> bool {
    let waits = async move {
        let (ran, runs) = mpsc::channel();
        let woken = runtime::spawn(async move { _ = ran.send(()) });
        let told = runs.recv_timeout(most);
        assert_ne!(told, Err(RecvTimeoutError::Disconnected));
        woken.await.unwrap();
        // Back in the loop, where it takes what is its own.
        for _ in 0..8 {
            drop(runtime::spawn(async {}));
            yield_now().await;
        }
        told.is_ok()
    };
    runtime.block_on(runtime.spawn_pinned(move || waits)).unwrap()
}

fn is_served(runtime: &Runtime) {
    for _ in 0..count(10, 200) {
        assert!(wait_for_the_last_woken(runtime, Duration::from_secs(20)));
    }
}

fn run(test: &str, body: impl FnOnce()) {
    if child::is(test) {
        end_in_time();
        body();
    } else {
        let _watchdog = watchdog();
        child::pass(&mut child::command(test));
    }
}

#[test]
fn the_last_woken_is_rescued_where_the_kernel_has_no_barriers() {
    run("lifo_rescue::the_last_woken_is_rescued_where_the_kernel_has_no_barriers", || {
        refuse_barriers(libc::ENOSYS);
        is_served(&pool(1));
    });
}

#[test]
fn the_last_woken_is_rescued_where_the_kernel_has_them() {
    run("lifo_rescue::the_last_woken_is_rescued_where_the_kernel_has_them", || {
        let runtime = pool(1);
        is_kept(&runtime);
        is_served(&runtime);
    });
}

/// The filter comes when the worker takes by plain stores already: what it holds then it keeps for as long as it is stuck.
#[test]
fn a_kernel_that_refuses_later_costs_one_rescue() {
    run("lifo_rescue::a_kernel_that_refuses_later_costs_one_rescue", || {
        let runtime = pool(1);
        let kept = is_kept(&runtime);
        refuse_barriers(libc::EPERM);
        let rescued = wait_for_the_last_woken(&runtime, Duration::from_millis(200));
        assert!(!(kept && rescued), "rescued without a barrier from one who takes by plain stores");
        is_served(&runtime);
    });
}

/// Waits for something in a wake, which nobody should.
struct WaitsInWake {
    called: mpsc::Sender<()>,
    gone: Mutex<mpsc::Receiver<()>>,
}

impl Wake for WaitsInWake {
    fn wake(self: Arc<Self>) {
        self.called.send(()).unwrap();
        _ = self.gone.lock().recv();
    }
}

/// The worker is between two polls: the driver calls somebody who waits for the task that would be next.
#[test]
fn a_waker_that_waits_for_the_last_woken_does_not_keep_a_runtime_from_ending() {
    run("lifo_rescue::a_waker_that_waits_for_the_last_woken_does_not_keep_a_runtime_from_ending", || {
        // A look at the driver after each poll.
        let runtime =
            Runtime::builder().worker_threads(1).max_spare_threads(0).event_interval(1).build().unwrap();
        let command = libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED as libc::c_int;
        let offered = membarrier(libc::MEMBARRIER_CMD_QUERY as libc::c_int);
        if offered > 0 && offered & libc::c_long::from(command) != 0 {
            until(|| membarrier(command) == 0);
        }
        // What the worker takes by plain stores from now on.
        for _ in 0..100 {
            let two = runtime.spawn(async { runtime::spawn(async {}).await });
            futures::executor::block_on(two).unwrap().unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
        let (called, is_called) = mpsc::channel();
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        drop(runtime.spawn(async move {
            let (goes, gone) = mpsc::channel();
            let waker = Waker::from(Arc::new(WaitsInWake { called, gone: Mutex::new(gone) }));
            let mut sleep = Box::pin(sleep(Duration::from_millis(1)));
            assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            *keep.lock() = Some(sleep);
            // It is due when this poll ends.
            std::thread::sleep(Duration::from_millis(4));
            drop(runtime::spawn(async move { _ = goes.send(()) }));
        }));
        is_called.recv().unwrap();
        drop(runtime);
        assert!(kept.lock().take().is_some());
    });
}
