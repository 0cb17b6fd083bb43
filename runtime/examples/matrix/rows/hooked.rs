//! A reactor that nothing here knows: the one that the documentation of `reactor-hook` writes to teach it.
#[path = "../../../../reactor/hook/examples/small/timerfd.rs"]
mod timerfd;

use super::{WAIT, waits};

pub(super) async fn timerfd() {
    waits(async || timerfd::sleep(WAIT).await.expect("a timerfd")).await;
}
