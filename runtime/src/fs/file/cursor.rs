//! Reads, writes and seeks at the file's own position: one at a time, in the order in which they were begun.
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use reactor_hook::budget;

use super::description::Description;
use super::flight::Flight;
use crate::fs::inline::{self, CachedRead};
use crate::fs::pool::lost;

/// The most that one visit to the pool carries, as in tokio: far more than what the visit costs, and a bound for memory.
pub(super) const MOST: usize = 2 * 1024 * 1024;

/// What a file has under way, and what it has read ahead of its user.
pub(super) struct Cursor {
    flight: Option<Flight<Landed>>,
    /// Goes with each operation to the pool and comes back.
    buffer: Vec<u8>,
    /// What was read for a read that was given up.
    unread: Range<usize>,
    /// Of a write that had been taken; for the next write or flush.
    failed: Option<io::Error>,
    /// Where tokio's `start_seek` wants to go.
    #[cfg_attr(not(feature = "tokio-io"), allow(dead_code))]
    wanted: Option<SeekFrom>,
    pub(super) most: usize,
}

/// An operation that has ended, and the buffer that went with it.
struct Landed {
    buffer: Vec<u8>,
    outcome: Outcome,
}

enum Outcome {
    Read(io::Result<usize>),
    Wrote(io::Result<()>),
    /// To where was asked, and what came of it.
    Sought(SeekFrom, io::Result<u64>),
}

impl Default for Cursor {
    fn default() -> Cursor {
        Cursor { flight: None, buffer: Vec::new(), unread: 0..0, failed: None, wanted: None, most: MOST }
    }
}

impl Cursor {
    /// Waits for the operation under way, without taking what came of it.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.flight.as_ref().map_or(Poll::Ready(()), |flight| flight.poll_ended(cx))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.flight.is_none()
    }

    /// Waits for the operation under way and settles what can be settled: a write's error is kept.
    fn poll_landed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outcome>> {
        let Some(flight) = &self.flight else { return Poll::Ready(None) };
        ready!(flight.poll_ended(cx));
        let Some(landed) = self.flight.take().and_then(Flight::take) else {
            // It may have been a write.
            self.failed = Some(lost());
            return Poll::Ready(None);
        };
        self.buffer = landed.buffer;
        Poll::Ready(match landed.outcome {
            Outcome::Read(Ok(length)) => {
                self.unread = 0..length;
                Some(Outcome::Read(Ok(length)))
            }
            Outcome::Wrote(result) => {
                self.failed = result.err();
                None
            }
            outcome => Some(outcome),
        })
    }

    /// Begins `operation` on the pool. The position there is ahead by `ahead` bytes that nobody has had, and is set back.
    fn begin(
        &mut self,
        file: &Arc<Description>,
        ahead: usize,
        operation: impl FnOnce(&std::fs::File, &mut Vec<u8>, io::Result<()>) -> Outcome + Send + 'static,
    ) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let file = Arc::clone(file);
        self.unread = 0..0;
        self.flight = Some(Flight::begin(move || {
            let set_back = match ahead {
                0 => Ok(()),
                _ => file.std().seek(SeekFrom::Current(-(ahead as i64))).map(drop),
            };
            let outcome = operation(file.std(), &mut buffer, set_back);
            Landed { buffer, outcome }
        })?);
        Ok(())
    }

    pub(super) fn poll_read(
        &mut self,
        file: &Arc<Description>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            match ready!(self.poll_landed(cx)) {
                Some(Outcome::Read(Ok(0))) => return Poll::Ready(Ok(0)),
                Some(Outcome::Read(Err(error))) => return Poll::Ready(Err(error)),
                _ => {}
            }
            if !self.unread.is_empty() {
                let length = self.unread.len().min(into.len());
                let start = self.unread.start;
                into[..length].copy_from_slice(&self.buffer[start..start + length]);
                self.unread.start += length;
                return Poll::Ready(Ok(length));
            }
            let charge = ready!(budget::poll_proceed(cx));
            if file.reads_here(true)
                && let CachedRead::Done(result) = file.read_cached(into, None)
            {
                charge.made_progress();
                return Poll::Ready(result);
            }
            let length = into.len().min(self.most);
            self.begin(file, 0, move |file, buffer, _| {
                buffer.resize(length.max(buffer.len()), 0);
                Outcome::Read(retry(|| (&*file).read(&mut buffer[..length])))
            })?;
        }
    }

    pub(super) fn poll_write(
        &mut self,
        file: &Arc<Description>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        drop(ready!(self.poll_landed(cx)));
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let from = &from[..from.len().min(self.most)];
        if from.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let ahead = self.unread.len();
        self.buffer.clear();
        self.buffer.extend_from_slice(from);
        self.begin(file, ahead, |file, buffer, set_back| {
            Outcome::Wrote(set_back.and_then(|()| (&*file).write_all(buffer)))
        })?;
        Poll::Ready(Ok(from.len()))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        drop(ready!(self.poll_landed(cx)));
        Poll::Ready(self.failed.take().map_or(Ok(()), Err))
    }

    /// A seek that was given up has happened or not. One that is asked for again, to the same place, is the same.
    pub(super) fn poll_seek(
        &mut self,
        file: &Arc<Description>,
        cx: &mut Context<'_>,
        to: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        match ready!(self.poll_landed(cx)) {
            Some(Outcome::Sought(asked, result)) if asked == to => return Poll::Ready(result),
            _ => {}
        }
        let charge = ready!(budget::poll_proceed(cx));
        let ahead = std::mem::replace(&mut self.unread, 0..0).len();
        if file.seeks_here() {
            charge.made_progress();
            return Poll::Ready(seek(file.std(), ahead, to));
        }
        self.begin(file, 0, move |file, _, _| Outcome::Sought(to, seek(file, ahead, to)))?;
        self.poll_sought(cx, to)
    }

    /// The first half of tokio's seek.
    #[cfg_attr(not(feature = "tokio-io"), allow(dead_code))]
    pub(super) fn wanted(&mut self, to: SeekFrom) -> io::Result<()> {
        if self.flight.is_some() {
            return Err(io::Error::other(
                "another operation of the file is under way: wait for it with `poll_complete`",
            ));
        }
        self.wanted = Some(to);
        Ok(())
    }

    /// The second half. With nothing wanted it waits for what is under way, and answers zero, as in tokio.
    #[cfg_attr(not(feature = "tokio-io"), allow(dead_code))]
    pub(super) fn poll_wanted(
        &mut self,
        file: &Arc<Description>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<u64>> {
        let Some(to) = self.wanted else {
            drop(ready!(self.poll_landed(cx)));
            return Poll::Ready(Ok(0));
        };
        let result = ready!(self.poll_seek(file, cx, to));
        self.wanted = None;
        Poll::Ready(result)
    }

    fn poll_sought(&mut self, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        Poll::Ready(match ready!(self.poll_landed(cx)) {
            Some(Outcome::Sought(asked, result)) if asked == to => result,
            _ => Err(self.failed.take().unwrap_or_else(lost)),
        })
    }
}

/// Seeks from where the user is, who is `ahead` bytes behind the file's position.
fn seek(mut file: &std::fs::File, ahead: usize, to: SeekFrom) -> io::Result<u64> {
    match to {
        SeekFrom::Current(by) if ahead > 0 => {
            let here = file.stream_position()?.saturating_sub(ahead as u64);
            let there = here
                .checked_add_signed(by)
                .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a seek to before the start"))?;
            file.seek(SeekFrom::Start(there))
        }
        to => file.seek(to),
    }
}

/// Repeats what a signal interrupted.
pub(super) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

const _: () = assert!(inline::MOST <= MOST);
