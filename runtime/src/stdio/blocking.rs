//! A stream that blocks, used where it may.
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use crate::promise::{Promised, promise};

/// What one read or write carries at most: a pipe of Linux holds no more by default (pipe(7)).
const MOST: usize = 64 * 1024;

/// A stream that blocks, and is used elsewhere, one operation at a time.
pub(super) struct Blocking<S> {
    stage: Stage<S>,
    /// Something was written since the last flush.
    dirty: bool,
}

enum Stage<S> {
    Idle(Work<S>),
    Busy(Promised<(Work<S>, io::Result<()>)>),
    /// An operation was dropped by a pool that went, and the stream with it.
    Gone,
}

/// The stream, and a buffer that goes with it to where it is used.
struct Work<S> {
    stream: S,
    buffer: Vec<u8>,
    /// What was read and not asked for yet.
    unread: Range<usize>,
}

impl<S: Send + 'static> Blocking<S> {
    pub(super) fn new(stream: S) -> Blocking<S> {
        Blocking { stage: Stage::Idle(Work { stream, buffer: Vec::new(), unread: 0..0 }), dirty: false }
    }

    /// Waits for the operation under way, and has its error.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Work<S>>> {
        if let Stage::Busy(under_way) = &self.stage {
            let (work, result) = match ready!(under_way.poll_settled(cx)) {
                Some(Ok(done)) => done,
                Some(Err(_)) | None => {
                    self.stage = Stage::Gone;
                    return Poll::Ready(Err(gone()));
                }
            };
            self.stage = Stage::Idle(work);
            result?;
        }
        Poll::Ready(match &mut self.stage {
            Stage::Idle(work) => Ok(work),
            Stage::Busy(_) | Stage::Gone => Err(gone()),
        })
    }

    /// Begins `operation`, where it may block.
    fn begin(
        &mut self,
        operation: impl FnOnce(&mut Work<S>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let Stage::Idle(mut work) = std::mem::replace(&mut self.stage, Stage::Gone) else {
            return Err(gone());
        };
        let (promise, promised) = promise();
        let job = move || {
            let result = operation(&mut work);
            promise.keep((work, result));
        };
        reactor_hook::offload(Box::new(job)).map_err(|refused| refused.error)?;
        self.stage = Stage::Busy(promised);
        Ok(())
    }
}

impl<S: Read + Send + 'static> Blocking<S> {
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut asked = matches!(self.stage, Stage::Busy(_));
        loop {
            let work = ready!(self.poll_idle(cx))?;
            let length = work.unread.len().min(into.remaining());
            if length > 0 || asked || into.remaining() == 0 {
                let start = work.unread.start;
                into.put_slice(&work.buffer[start..start + length]);
                work.unread.start += length;
                return Poll::Ready(Ok(()));
            }
            let most = into.remaining().min(MOST);
            self.begin(move |work| work.read(most))?;
            asked = true;
        }
    }
}

impl<S: Read> Work<S> {
    fn read(&mut self, most: usize) -> io::Result<()> {
        if self.buffer.len() < most {
            self.buffer.resize(most, 0);
        }
        self.unread = 0..0;
        loop {
            match self.stream.read(&mut self.buffer[..most]) {
                Ok(length) => {
                    self.unread = 0..length;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<S: Write + Send + 'static> Blocking<S> {
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let work = ready!(self.poll_idle(cx))?;
        let from = &from[..from.len().min(MOST)];
        if from.is_empty() {
            return Poll::Ready(Ok(0));
        }
        work.buffer.clear();
        work.buffer.extend_from_slice(from);
        self.begin(|work| work.stream.write_all(&work.buffer))?;
        self.dirty = true;
        Poll::Ready(Ok(from.len()))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_idle(cx))?;
        if std::mem::take(&mut self.dirty) {
            self.begin(|work| work.stream.flush())?;
            ready!(self.poll_idle(cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

fn gone() -> io::Error {
    io::Error::other("the blocking pool went before it used the stream")
}

#[cfg(test)]
mod tests;
