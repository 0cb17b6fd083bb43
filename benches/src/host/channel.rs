//! Bounded channels: one that all hosts use, and each host's own.
use std::fmt::Debug;
use std::future::{Future, poll_fn};

use futures::channel::mpsc as of_futures;
use futures::stream::StreamExt as _;
use tokio::sync::mpsc as of_tokio;

/// A bounded channel of many senders and one receiver.
pub trait Channel: Debug + 'static {
    /// Where messages go in.
    type Sender: Clone + Send + 'static;
    /// Where they come out.
    type Receiver: Send + 'static;

    /// A channel that holds so many messages.
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Ready when the message is in the channel, whose receiver must live.
    fn send(sender: &mut Self::Sender, message: u32) -> impl Future<Output = ()> + Send;

    /// The next message; none if all senders are gone.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u32>> + Send;
}

/// The channel of `futures`, which knows no runtime: on it, hosts differ by how they schedule.
#[derive(Debug)]
pub struct OfFutures;

impl Channel for OfFutures {
    type Sender = of_futures::Sender<u32>;
    type Receiver = of_futures::Receiver<u32>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        // It keeps a place for each sender besides.
        of_futures::channel(capacity - 1)
    }

    async fn send(sender: &mut Self::Sender, message: u32) {
        // Not `SinkExt::send`, which also waits until there is room for the next one.
        poll_fn(|cx| sender.poll_ready(cx)).await.expect("the receiver lives");
        sender.start_send(message).expect("there is room");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.next().await
    }
}

/// Tokio's channel, which is ours too: `runtime::sync` re-exports it.
#[derive(Debug)]
pub struct OfTokio;

impl Channel for OfTokio {
    type Sender = of_tokio::Sender<u32>;
    type Receiver = of_tokio::Receiver<u32>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        of_tokio::channel(capacity)
    }

    async fn send(sender: &mut Self::Sender, message: u32) {
        sender.send(message).await.expect("the receiver lives");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await
    }
}

/// The smol family's channel.
#[derive(Debug)]
pub struct OfSmol;

impl Channel for OfSmol {
    type Sender = smol::channel::Sender<u32>;
    type Receiver = smol::channel::Receiver<u32>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        smol::channel::bounded(capacity)
    }

    async fn send(sender: &mut Self::Sender, message: u32) {
        sender.send(message).await.expect("the receiver lives");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await.ok()
    }
}
