//! X6: the threads that serve sockets and timers where nobody else does.
use std::fs;
use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use runtime::net::UnixStream;

use crate::support::{Rng, child, count, process, until, watchdog};

/// The identifiers of the threads of that name.
fn threads(name: &str) -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let named =
        tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name));
    named.map(|task| task.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// The ones for sockets and the ones for timers.
fn serving() -> [Vec<String>; 2] {
    [threads("reactor/driver"), threads("timer/time")]
}

/// Several threads at a time whose executors know nothing of sockets and timers.
fn use_them(rng: &mut Rng) {
    let users: Vec<_> = (0..4)
        .map(|_| {
            let mut rng = rng.fork();
            thread::spawn(move || {
                let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
                near.set_nonblocking(true).unwrap();
                rng.spin(20_000);
                futures::executor::block_on(async {
                    let mut near = UnixStream::from_std(near).unwrap();
                    let mut bytes = [0; 2];
                    let write = async { far.write_all(&[1]).unwrap() };
                    // Polled before it is written.
                    let (read, ()) = futures::join!(near.read(&mut bytes), write);
                    assert_eq!(read.unwrap(), 1);
                    runtime::time::sleep(Duration::from_millis(1)).await;
                });
            })
        })
        .collect();
    for user in users {
        user.join().unwrap();
    }
}

/// What the hook promises: as long as it is unused.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

// X6
#[test]
fn the_threads_that_serve_where_nobody_else_does_start_on_demand_and_end_when_unused() {
    child::run(
        "outlive::fallback::the_threads_that_serve_where_nobody_else_does_start_on_demand_and_end_when_unused",
        || {
            let _watchdog = watchdog();
            let mut rng = Rng::new();
            let descriptors = process::open_fds();
            assert!(serving().iter().all(Vec::is_empty), "nobody has needed them");
            use_them(&mut rng);
            let first = serving();
            assert_eq!([first[0].len(), first[1].len()], [1, 1], "one each for all of them");
            let mut last = Instant::now();
            use_them(&mut rng);
            assert_eq!(serving(), first, "they are still there");
            // Others come at the moment when they end, and are served by them or by the next.
            for _ in 0..count(1, 20) {
                let moment = last + KEEP_ALIVE + Duration::from_millis(3);
                thread::sleep((moment - rng.micros(4_000)).saturating_duration_since(Instant::now()));
                last = Instant::now();
                use_them(&mut rng);
                let now = serving();
                assert!(now.iter().all(|threads| threads.len() <= 2), "at most one of them ends: {now:?}");
            }
            until(|| {
                thread::sleep(Duration::from_millis(5));
                serving().iter().all(Vec::is_empty)
            });
            assert!(last.elapsed() >= KEEP_ALIVE, "they may be needed again");
            until(|| process::open_fds() == descriptors);
            use_them(&mut rng);
            let next = serving();
            assert_eq!([next[0].len(), next[1].len()], [1, 1]);
            assert_ne!(next, first);
        },
    );
}
