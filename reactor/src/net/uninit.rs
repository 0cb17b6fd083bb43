//! Reading into memory that nobody has written yet.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::task::{Context, Poll, ready};

use crate::io::Io;

use super::bytes::{self, ByteStream};

/// The first chunk of a `read_to_end`, and the least it asks the socket for.
const CHUNK: usize = 4096;

/// Appends what arrives to `vec` until the end of the stream; `total` counts what came.
pub(super) fn poll_read_to_end<S: ByteStream>(
    io: &Io<S>,
    cx: &mut Context<'_>,
    vec: &mut Vec<u8>,
    total: &mut usize,
) -> Poll<io::Result<usize>> {
    loop {
        // Amortised: `reserve` at least doubles a vector that is full.
        vec.reserve(CHUNK);
        let n = ready!(bytes::poll_read_uninit(io, cx, vec.spare_capacity_mut()))?;
        if n == 0 {
            return Poll::Ready(Ok(*total));
        }
        let len = vec.len() + n;
        assert!(len <= vec.capacity(), "a read returned more than it was given room for");
        // SAFETY: `poll_read_uninit` has initialised the first `n` bytes of the spare capacity, and `len` is within
        // the capacity.
        unsafe { vec.set_len(len) };
        *total += n;
    }
}

/// Zeroes the buffer, for readers that take only initialised memory.
pub(super) fn zeroed(buf: &mut [MaybeUninit<u8>]) -> &mut [u8] {
    buf.fill(MaybeUninit::new(0));
    let len = buf.len();
    let start = buf.as_mut_ptr().cast::<u8>();
    // SAFETY: every byte has just been written; the memory is borrowed from `buf` for as long as the result lives.
    unsafe { std::slice::from_raw_parts_mut(start, len) }
}
