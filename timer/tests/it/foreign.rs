//! Executors that know nothing of timers.
use futures::executor::block_on;
use futures::future::join_all;
use timer::{Instant, interval, sleep, timeout};

use crate::support::{ms, watchdog};

#[test]
fn timers_work_where_no_executor_keeps_the_time() {
    let _watchdog = watchdog();
    block_on(async {
        let start = Instant::now();
        sleep(ms(15)).await;
        assert!(start.elapsed() >= ms(15));
        assert!(timeout(ms(5), std::future::pending::<()>()).await.is_err());
        let mut interval = interval(ms(3));
        for _ in 0..3 {
            interval.tick().await;
        }
        join_all((0..50).map(|n| sleep(ms(n % 7)))).await;
    });
}

#[cfg(target_os = "linux")]
#[test]
fn one_thread_keeps_the_time_for_all_of_them() {
    let _watchdog = watchdog();
    let keepers = || {
        let names = std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|name| name.trim() == "timer/time").count()
    };
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(|| block_on(join_all((0..20).map(|n| sleep(ms(1 + n)))))))
        .collect();
    block_on(sleep(ms(10)));
    assert_eq!(keepers(), 1);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(keepers(), 1);
}
