//! R21: a socket dropped on a thread that has nothing to do with where it waits, while its events come.
use std::io::Write as _;
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;

use futures::StreamExt as _;
use futures::channel::oneshot;
use runtime::Runtime;
use runtime::net::UnixStream;

use super::leaf::Wait;
use super::place::{poll_once, sole};
use crate::support::{Rng, count, pool, until, watchdog};

/// Where the socket begins to wait. Somebody drives there all the time.
enum Place {
    Runtime(Arc<Runtime>),
    /// The frame of a thread in `runtime::block_on`, which begins what it is sent.
    Frame(Ask),
    /// Where nobody drives but a thread of the process's own.
    Nowhere,
}

/// Sends waits to a thread in `runtime::block_on`, which polls each once and gives it back.
struct Ask {
    asks: futures::channel::mpsc::UnboundedSender<Wait>,
    begun: mpsc::Receiver<Wait>,
}

impl Ask {
    fn new() -> (Ask, thread::JoinHandle<()>) {
        let (asks, mut asked) = futures::channel::mpsc::unbounded::<Wait>();
        let (begins, begun) = mpsc::channel();
        let thread = thread::spawn(move || {
            runtime::block_on(async {
                while let Some(wait) = asked.next().await {
                    begins.send(poll_once(wait).await).unwrap();
                }
            });
        });
        (Ask { asks, begun }, thread)
    }

    fn begin(&self, wait: Wait) -> Wait {
        self.asks.unbounded_send(wait).unwrap();
        self.begun.recv().unwrap()
    }
}

impl Place {
    fn begin(&self, mut wait: Wait) -> Wait {
        match self {
            Place::Runtime(runtime) => futures::executor::block_on(runtime.spawn(poll_once(wait))).unwrap(),
            Place::Frame(ask) => ask.begin(wait),
            Place::Nowhere => {
                assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                wait
            }
        }
    }

    fn sources(&self) -> usize {
        match self {
            Place::Runtime(runtime) => runtime.metrics().sources,
            _ => 0,
        }
    }
}

fn wait() -> (Wait, std::os::unix::net::UnixStream) {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let mut near = UnixStream::from_std(near).unwrap();
    (Box::pin(async move { assert!(near.read(&mut [0; 4]).await.unwrap() > 0) }), far)
}

// R21
#[test]
fn a_socket_is_dropped_anywhere_wherever_it_waits_while_events_come() {
    let _watchdog = watchdog();
    let mut rng = Rng::new();
    let driven = Arc::new(sole());
    let (stop, stopped) = oneshot::channel::<()>();
    let drives = {
        let driven = Arc::clone(&driven);
        thread::spawn(move || driven.block_on(stopped).unwrap())
    };
    let (ask, frame) = Ask::new();
    let places =
        [Place::Runtime(Arc::new(pool(2))), Place::Runtime(driven), Place::Frame(ask), Place::Nowhere];
    let before: Vec<_> = places.iter().map(Place::sources).collect();
    for _ in 0..count(100, 10_000) {
        for place in &places {
            let (wait, mut far) = wait();
            let wait = place.begin(wait);
            let mut spin = rng.fork();
            let writer = thread::spawn(move || {
                for _ in 0..10 {
                    // Refused once the other end is gone.
                    drop(far.write(&[1]));
                    spin.spin(500);
                }
            });
            rng.spin(5_000);
            drop(wait);
            writer.join().unwrap();
        }
    }
    for (place, before) in places.iter().zip(before) {
        until(|| place.sources() == before);
        // Whoever waits there next is served.
        let (wait, mut far) = wait();
        let wait = place.begin(wait);
        far.write_all(&[1]).unwrap();
        futures::executor::block_on(wait);
    }
    stop.send(()).unwrap();
    drives.join().unwrap();
    drop(places);
    frame.join().unwrap();
}
