//! What `reactor` promises, a module a subject.
mod bad_input;
mod child;
mod drive;
mod halves;
mod pipe;
mod resolve;
mod tcp;
mod tcp_limits;
mod traits;
mod udp;
mod unix;
