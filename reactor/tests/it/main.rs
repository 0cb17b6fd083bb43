//! What `reactor` promises, a module a subject.
mod bad_input;
mod block;
#[cfg(feature = "tokio-io")]
mod buf;
mod by_hand;
mod child;
mod drive;
mod halves;
mod home;
#[cfg(target_os = "linux")]
mod local_selectors;
mod pipe;
#[path = "../../hook/tests/it/reactors.rs"]
#[allow(dead_code)]
mod reactors;
mod readiness;
mod registration;
mod resolve;
mod tcp;
mod tcp_limits;
mod traits;
mod udp;
mod unix;
