//! A source and its operations: tried, and waited for where they would block.
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::task::{Context, Poll, ready};

use reactor_hook::budget;

use crate::affinity::Part;
pub(crate) use crate::cell::Progress;
use crate::cell::{Place, Seen, Wait};
use crate::home::Registration;
use crate::interest::{Direction, Interest};
use crate::ready::Ready;

/// A non-blocking source. It registers with a reactor at the first operation that would block.
///
/// The registration is first, so that it goes before the descriptor is closed.
#[derive(Debug)]
pub(crate) struct Io<S> {
    registration: Registration,
    inner: S,
}

/// What was found ready, and when: clearing it spares what came since.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadyEvent {
    pub(crate) ready: Ready,
    read: Option<Seen>,
    write: Option<Seen>,
}

impl ReadyEvent {
    /// Whether nothing happened between the two.
    fn is_last_before(self, later: ReadyEvent) -> bool {
        self.read.map(Seen::tick) == later.read.map(Seen::tick)
            && self.write.map(Seen::tick) == later.write.map(Seen::tick)
    }
}

impl<S: AsRawFd> Io<S> {
    /// Takes charge of `inner`, which must be non-blocking. Nothing is registered yet.
    pub(crate) fn new(inner: S) -> io::Result<Io<S>> {
        Ok(Io::with_interest(inner, Interest::READABLE | Interest::WRITABLE))
    }

    pub(crate) fn with_interest(inner: S, interest: Interest) -> Io<S> {
        Io::with_part(inner, interest, Part::Stays)
    }

    /// `part`: whether workers share it out among them.
    pub(crate) fn with_part(inner: S, interest: Interest, part: Part) -> Io<S> {
        Io { registration: Registration::new(interest, part), inner }
    }

    pub(crate) fn get_ref(&self) -> &S {
        &self.inner
    }

    pub(crate) fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Deregisters, and gives the source back.
    ///
    /// # Errors
    ///
    /// The system's, when it cannot be deregistered; the source is dropped then.
    pub(crate) fn into_inner(self) -> io::Result<S> {
        let Io { mut registration, inner } = self;
        registration.deregister()?;
        Ok(inner)
    }

    /// Deregisters, and gives the source back whatever the system says to that.
    pub(crate) fn into_source(self) -> S {
        let Io { registration, inner } = self;
        drop(registration);
        inner
    }

    fn fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }

    /// Does `f` as soon as it does not block. Wakes the last caller of a `poll_*` function of this direction.
    #[inline]
    pub(crate) fn poll_io<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        mut f: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_placed(cx, direction, &mut Place::Shared, |inner| {
            f(inner).map(|done| (done, Progress::Full))
        })
    }

    /// As [`poll_io`](Io::poll_io), for streams: `f` says whether it took all there was.
    #[inline]
    pub(crate) fn poll_io_partial<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        f: impl FnMut(&S) -> io::Result<(R, Progress)>,
    ) -> Poll<io::Result<R>> {
        self.poll_placed(cx, direction, &mut Place::Shared, f)
    }

    /// Does `f` as soon as it does not block. Any number of these may wait at once.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, `f` has not succeeded.
    pub(crate) async fn io<R>(
        &self,
        direction: Direction,
        mut f: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        self.io_partial(direction, |inner| f(inner).map(|done| (done, Progress::Full))).await
    }

    /// As [`io`](Io::io), for streams: `f` says whether it took all there was.
    pub(crate) async fn io_partial<R>(
        &self,
        direction: Direction,
        mut f: impl FnMut(&S) -> io::Result<(R, Progress)>,
    ) -> io::Result<R> {
        let mut waiter = Waiter { registration: &self.registration, direction, place: Place::None };
        poll_fn(|cx| self.poll_placed(cx, direction, &mut waiter.place, &mut f)).await
    }

    #[inline]
    fn poll_placed<R>(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
        place: &mut Place,
        mut f: impl FnMut(&S) -> io::Result<(R, Progress)>,
    ) -> Poll<io::Result<R>> {
        let charge = ready!(budget::poll_proceed(cx));
        let cell = self.registration.cell();
        match cell.poll(direction, place, cx.waker(), || f(&self.inner)) {
            Poll::Ready(result) => {
                charge.made_progress();
                Poll::Ready(result)
            }
            Poll::Pending => {
                self.registration.attend(self.fd(), direction.into())?;
                Poll::Pending
            }
        }
    }

    /// Most likely there is nothing to be read yet: the first read waits for an event, instead of being tried in vain before.
    pub(crate) fn assume_nothing_to_read(&self) {
        let cell = self.registration.cell();
        // What was reported stays: only what nobody knows is assumed otherwise.
        cell.clear(Direction::Read, cell.look(Direction::Read), Ready::EMPTY);
    }

    /// Tries `f` where the source is ready, and notes it where it is not.
    ///
    /// # Errors
    ///
    /// `WouldBlock` without a try when the source is known not to be ready.
    pub(crate) fn try_io<R>(&self, interest: Interest, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        let event = self.before_try(interest)?;
        let result = f(&self.inner);
        self.after_try(event, &result);
        result
    }

    /// As [`try_io`](Io::try_io), with the source to be changed.
    pub(crate) fn try_io_mut<R>(
        &mut self,
        interest: Interest,
        f: impl FnOnce(&mut S) -> io::Result<R>,
    ) -> io::Result<R> {
        let event = self.before_try(interest)?;
        let result = f(&mut self.inner);
        self.after_try(event, &result);
        result
    }

    fn before_try(&self, interest: Interest) -> io::Result<ReadyEvent> {
        let event = self.look(interest);
        let worth_a_try = [event.read, event.write].into_iter().flatten().any(Seen::is_worth_a_try);
        // Where nobody would tell the cell that the source became ready, only a try can.
        if worth_a_try || !self.registration.is_attended(interest) {
            Ok(event)
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    fn after_try<R>(&self, event: ReadyEvent, result: &io::Result<R>) {
        if would_block(result) {
            self.clear_ready(event, Ready::ALL);
        }
    }

    /// Waits until the source is ready for some of `interest`.
    ///
    /// # Cancel safety
    ///
    /// Readiness is not consumed by waiting for it.
    pub(crate) async fn readiness(&self, interest: Interest) -> io::Result<Ready> {
        self.ready_event(interest).await.map(|event| event.ready)
    }

    pub(crate) async fn ready_event(&self, interest: Interest) -> io::Result<ReadyEvent> {
        self.ready_event_since(interest, None).await
    }

    /// Waits until the source is ready on account of something that came after `tried`.
    async fn ready_event_since(
        &self,
        interest: Interest,
        tried: Option<ReadyEvent>,
    ) -> io::Result<ReadyEvent> {
        let waiter = |direction| Waiter { registration: &self.registration, direction, place: Place::None };
        let mut read = interest.concerns(Direction::Read).then(|| waiter(Direction::Read));
        let mut write = interest.concerns(Direction::Write).then(|| waiter(Direction::Write));
        poll_fn(|cx| {
            let read = read.as_mut().map(|waiter| &mut waiter.place);
            let write = write.as_mut().map(|waiter| &mut waiter.place);
            self.poll_event(cx, interest, tried, read, write)
        })
        .await
    }

    /// Does `f`, the user's own operation, each time the source is ready for some of `interest`, until it does not
    /// answer `WouldBlock`. It is not tried twice for one event: what closed stays ready, and would be tried for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, `f` has not succeeded.
    pub(crate) async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut tried = None;
        loop {
            let event = self.ready_event_since(interest, tried).await?;
            let result = f(&self.inner);
            if !would_block(&result) {
                return result;
            }
            self.clear_ready(event, Ready::ALL);
            tried = Some(event);
        }
    }

    /// As [`async_io`](Io::async_io), with the source to be changed.
    pub(crate) async fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut f: impl FnMut(&mut S) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut tried = None;
        loop {
            let event = self.ready_event_since(interest, tried).await?;
            let result = f(&mut self.inner);
            if !would_block(&result) {
                return result;
            }
            self.clear_ready(event, Ready::ALL);
            tried = Some(event);
        }
    }

    /// Waits until the source is ready in `direction`. Wakes the last caller of a `poll_*` function of it.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>, direction: Direction) -> Poll<io::Result<Ready>> {
        self.poll_ready_event(cx, direction).map_ok(|event| event.ready)
    }

    pub(crate) fn poll_ready_event(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<ReadyEvent>> {
        let mut place = Place::Shared;
        let (read, write) = match direction {
            Direction::Read => (Some(&mut place), None),
            Direction::Write => (None, Some(&mut place)),
        };
        self.poll_event(cx, direction.into(), None, read, write)
    }

    fn poll_event(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        tried: Option<ReadyEvent>,
        mut read: Option<&mut Place>,
        mut write: Option<&mut Place>,
    ) -> Poll<io::Result<ReadyEvent>> {
        let charge = ready!(budget::poll_proceed(cx));
        let cell = self.registration.cell();
        loop {
            let event = self.look(interest);
            if !event.ready.is_empty() && !tried.is_some_and(|tried| tried.is_last_before(event)) {
                charge.made_progress();
                return Poll::Ready(Ok(event));
            }
            let mut again = false;
            let waits = [
                (Direction::Read, event.read, read.as_deref_mut()),
                (Direction::Write, event.write, write.as_deref_mut()),
            ];
            for (direction, seen, place) in waits {
                if let (Some(seen), Some(place)) = (seen, place) {
                    again |= cell.wait(direction, seen, place, cx.waker(), Ready::EMPTY) == Wait::Again;
                }
            }
            if !again {
                self.registration.attend(self.fd(), interest)?;
                return Poll::Pending;
            }
        }
    }

    /// What is known of the source's readiness for `interest`.
    pub(crate) fn look(&self, interest: Interest) -> ReadyEvent {
        let cell = self.registration.cell();
        let look = |direction| interest.concerns(direction).then(|| cell.look(direction));
        let (read, write) = (look(Direction::Read), look(Direction::Write));
        let known =
            [read, write].into_iter().flatten().fold(Ready::EMPTY, |known, seen| known | seen.ready());
        ReadyEvent { ready: known & Ready::satisfying(interest), read, write }
    }

    /// Forgets `what` of `event`, unless something happened since. What closed stays closed.
    pub(crate) fn clear_ready(&self, event: ReadyEvent, what: Ready) {
        let cell = self.registration.cell();
        for (direction, seen) in [(Direction::Read, event.read), (Direction::Write, event.write)] {
            if let Some(seen) = seen {
                cell.clear(direction, seen, what & Ready::of(direction));
            }
        }
    }
}

/// A future's place among those who wait, given up when it is dropped.
struct Waiter<'a> {
    registration: &'a Registration,
    direction: Direction,
    place: Place,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.registration.cell().leave(self.direction, &mut self.place);
    }
}

/// Whether an operation has to be waited for.
pub(crate) fn would_block<R>(result: &io::Result<R>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Whether a source may be waited for: that it is open and non-blocking.
///
/// # Errors
///
/// `InvalidInput` for one in blocking mode, and the system's for one that is not open.
pub(crate) fn check_nonblocking(fd: RawFd) -> io::Result<()> {
    let flags = crate::sys::flags(fd).map_err(|error| {
        io::Error::new(error.kind(), format!("file descriptor {fd} is not open ({error})"))
    })?;
    if flags & libc::O_NONBLOCK == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "file descriptor {fd} is in blocking mode: an operation on it would stop every other task of its \
                 thread; set O_NONBLOCK (in std, `set_nonblocking(true)`) first"
            ),
        ));
    }
    Ok(())
}
