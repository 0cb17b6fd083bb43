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

/// Each of so many messages says how many hops it has left. They start side by side, and none overtakes another.
pub(super) async fn ring<H: Host, C: Channel>(host: &'static H, messages: u32, hops: u32) -> Sample {
    let done = COUNTDOWN.start(messages);
    let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..RING).map(|_| C::bounded(1)).unzip();
    for sender in &mut senders[..messages as usize] {
        C::send(sender, hops / messages).await;
    }
    senders.rotate_left(1);
    let watch = Stopwatch::start();
    for (from, to) in receivers.into_iter().zip(senders) {
        H::detach(host.spawn(pass_on::<C>(from, to)));
    }
    done.await.expect("the messages have made their hops");
    watch.stop()
}

async fn pass_on<C: Channel>(mut from: C::Receiver, mut to: C::Sender) {
    while let Some(left) = C::receive(&mut from).await {
        if left == 1 {
            COUNTDOWN.arrive();
            // It is the last one to come by: the others have ended before.
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
