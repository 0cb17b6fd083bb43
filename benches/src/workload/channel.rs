//! Messages through bounded channels.
use super::countdown::Countdown;
use crate::host::{Channel, Host};
use crate::stopwatch::{Sample, Stopwatch};

static COUNTDOWN: Countdown = Countdown::new();

/// So many tasks hand one message round.
const RING: usize = 300;
/// So many tasks send to one.
const SENDERS: u32 = 16;
const CAPACITY: usize = 64;

/// The message says how many hops are left.
pub(super) async fn ring<H: Host, C: Channel>(host: &'static H, hops: u32) -> Sample {
    let done = COUNTDOWN.start(1);
    let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| C::bounded(1)).unzip();
    let mut first = senders[0].clone();
    senders.rotate_left(1);
    for (from, to) in receivers.into_iter().zip(senders) {
        H::detach(host.spawn(pass_on::<C>(from, to)));
    }
    H::yield_now().await;
    let watch = Stopwatch::start();
    C::send(&mut first, hops).await;
    drop(first);
    done.await.expect("the message has made its hops");
    watch.stop()
}

async fn pass_on<C: Channel>(mut from: C::Receiver, mut to: C::Sender) {
    while let Some(left) = C::receive(&mut from).await {
        if left == 1 {
            COUNTDOWN.arrive();
            // Its neighbour sees its end of the channel go, and so they all end.
            return;
        }
        C::send(&mut to, left - 1).await;
    }
}

pub(super) async fn many_to_one<H: Host, C: Channel>(host: &'static H, count: u32) -> Sample {
    let (sender, mut receiver) = C::bounded(CAPACITY);
    let watch = Stopwatch::start();
    for _ in 0..SENDERS {
        let mut sender = sender.clone();
        H::detach(host.spawn(async move {
            for message in 0..count / SENDERS {
                C::send(&mut sender, message).await;
            }
        }));
    }
    drop(sender);
    let mut received = 0;
    while C::receive(&mut receiver).await.is_some() {
        received += 1;
    }
    let sample = watch.stop();
    assert_eq!(received, count / SENDERS * SENDERS);
    sample
}
