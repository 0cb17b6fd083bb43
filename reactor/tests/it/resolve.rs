//! From text to addresses.
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use reactor::net::{ToSocketAddrs, lookup_host};
use reactor_hook::{Frame, Offload, RefusedJob};

use crate::drive::{Watchdog, both};

async fn all(host: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    Ok(lookup_host(host).await?.collect())
}

#[test]
fn every_way_to_write_an_address_means_it() {
    both(|| async {
        let v4: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let v6: SocketAddr = "[::1]:80".parse().unwrap();
        assert_eq!(all(v4).await?, [v4]);
        assert_eq!(all(&v4).await?, [v4]);
        assert_eq!(all(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80)).await?, [v4]);
        assert_eq!(all(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 0)).await?, [v6]);
        assert_eq!(all((Ipv4Addr::LOCALHOST, 80)).await?, [v4]);
        assert_eq!(all((Ipv6Addr::LOCALHOST, 80)).await?, [v6]);
        assert_eq!(all((IpAddr::from(Ipv4Addr::LOCALHOST), 80)).await?, [v4]);
        assert_eq!(all(&[v4, v6][..]).await?, [v4, v6]);
        assert_eq!(all("127.0.0.1:80").await?, [v4]);
        assert_eq!(all("[::1]:80".to_owned()).await?, [v6]);
        assert_eq!(all(&"127.0.0.1:80".to_owned()).await?, [v4]);
        assert_eq!(all(("::1", 80)).await?, [v6]);
        assert_eq!(all(("127.0.0.1".to_owned(), 80)).await?, [v4]);
        assert!(all("localhost:80").await?.iter().all(|address| address.ip().is_loopback()));
        assert!(all(("localhost", 80)).await?.iter().all(|address| address.port() == 80));
        Ok(())
    });
}

/// What a blocking pool may do with a job.
enum Policy {
    Run,
    Refuse,
    Forget,
}

struct Pool {
    policy: Policy,
    jobs: AtomicUsize,
}

impl Offload for Pool {
    fn offload(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), RefusedJob> {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        match self.policy {
            Policy::Run => {
                job();
                Ok(())
            }
            Policy::Refuse => Err(RefusedJob { error: io::Error::other("the pool is shutting down") }),
            Policy::Forget => {
                drop(job);
                Ok(())
            }
        }
    }
}

/// Looks `host` up where the executor has a pool like that; returns how many jobs it was given.
fn with_pool(policy: Policy, host: &str) -> (io::Result<Vec<SocketAddr>>, usize) {
    let _watchdog = Watchdog::new();
    let pool = Arc::new(Pool { policy, jobs: AtomicUsize::new(0) });
    let frame = Frame::open().offload(pool.clone()).build();
    let _entered = frame.enter();
    let waker = Waker::from(frame.parker().clone());
    let mut future = Box::pin(all(host));
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return (outcome, pool.jobs.load(Ordering::Relaxed));
        }
        frame.wait();
    }
}

#[test]
fn names_go_to_the_blocking_pool_and_literals_do_not() {
    let (addresses, jobs) = with_pool(Policy::Run, "localhost:1");
    assert!(!addresses.unwrap().is_empty());
    assert_eq!(jobs, 1);
    let (addresses, jobs) = with_pool(Policy::Refuse, "127.0.0.1:1");
    assert_eq!((addresses.unwrap().len(), jobs), (1, 0));
}

#[test]
fn a_pool_that_refuses_or_forgets_is_an_error_and_no_hang() {
    let error = with_pool(Policy::Refuse, "localhost:1").0.unwrap_err();
    assert!(error.to_string().contains("shutting down"), "{error}");
    let error = with_pool(Policy::Forget, "localhost:1").0.unwrap_err();
    assert!(error.to_string().contains("blocking pool"), "{error}");
}

#[test]
fn a_cancelled_lookup_is_forgotten() {
    let _watchdog = Watchdog::new();
    for _ in 0..20 {
        let mut future = Box::pin(all("localhost:1"));
        let _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}
