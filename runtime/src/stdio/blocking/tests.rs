use std::future::poll_fn;
use std::sync::Arc;
use std::task::Waker;

use parking_lot::{Condvar, Mutex};

use super::*;

/// A stream whose operations wait until they are let through, and whose results are given.
#[derive(Clone, Default)]
struct Script(Arc<(Mutex<Lines>, Condvar)>);

#[derive(Default)]
struct Lines {
    input: Vec<io::Result<&'static [u8]>>,
    output: Vec<u8>,
    flushed: usize,
    fails: Option<ErrorKind>,
    held: bool,
}

impl Script {
    fn reading(input: impl IntoIterator<Item = io::Result<&'static [u8]>>) -> Script {
        let script = Script::default();
        script.0.0.lock().input = input.into_iter().collect();
        script
    }

    fn hold(&self, held: bool) {
        self.0.0.lock().held = held;
        self.0.1.notify_all();
    }

    fn pass(&self) -> parking_lot::MutexGuard<'_, Lines> {
        let mut lines = self.0.0.lock();
        while lines.held {
            self.0.1.wait(&mut lines);
        }
        lines
    }
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut lines = self.pass();
        if lines.input.is_empty() {
            return Ok(0);
        }
        let line = lines.input.remove(0)?;
        assert!(line.len() <= into.len(), "a script's line is asked for with room");
        into[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

impl Write for Script {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let mut lines = self.pass();
        if let Some(kind) = lines.fails.take() {
            return Err(kind.into());
        }
        // Never all at once.
        let length = from.len().div_ceil(2);
        lines.output.extend_from_slice(&from[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass().flushed += 1;
        Ok(())
    }
}

fn read(stream: &mut Blocking<Script>, room: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; room];
    let mut into = ReadBuf::new(&mut bytes);
    futures::executor::block_on(poll_fn(|cx| stream.poll_read(cx, &mut into)))?;
    Ok(into.filled().to_vec())
}

fn write(stream: &mut Blocking<Script>, bytes: &[u8]) -> io::Result<usize> {
    futures::executor::block_on(poll_fn(|cx| stream.poll_write(cx, bytes)))
}

fn flush(stream: &mut Blocking<Script>) -> io::Result<()> {
    futures::executor::block_on(poll_fn(|cx| stream.poll_flush(cx)))
}

#[test]
fn what_is_read_arrives_in_order_until_the_end() {
    let script = Script::reading([Ok(&b"abc"[..]), Err(ErrorKind::Interrupted.into()), Ok(&b"de"[..])]);
    let mut stream = Blocking::new(script);
    assert_eq!(read(&mut stream, 8).unwrap(), b"abc");
    assert_eq!(read(&mut stream, 0).unwrap(), b"", "no room, no read");
    assert_eq!(read(&mut stream, 8).unwrap(), b"de", "an interruption is not told");
    assert_eq!(read(&mut stream, 8).unwrap(), b"");
}

#[test]
fn an_error_of_a_read_is_told_once() {
    let script = Script::reading([Err(ErrorKind::PermissionDenied.into()), Ok(&b"x"[..])]);
    let mut stream = Blocking::new(script);
    assert_eq!(read(&mut stream, 8).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(read(&mut stream, 8).unwrap(), b"x");
}

#[test]
fn what_a_read_that_was_given_up_has_read_is_the_next_ones() {
    let script = Script::reading([Ok(&b"abc"[..])]);
    script.hold(true);
    let mut stream = Blocking::new(script.clone());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(stream.poll_read(&mut cx, &mut ReadBuf::new(&mut [0; 8])).is_pending());
    script.hold(false);
    assert_eq!(read(&mut stream, 2).unwrap(), b"ab");
    assert_eq!(read(&mut stream, 2).unwrap(), b"c");
    assert_eq!(read(&mut stream, 2).unwrap(), b"");
}

#[test]
fn a_write_is_taken_at_once_and_a_flush_waits_for_it() {
    let script = Script::default();
    script.hold(true);
    let mut stream = Blocking::new(script.clone());
    assert_eq!(write(&mut stream, b"hello ").unwrap(), 6);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(stream.poll_write(&mut cx, b"again").is_pending(), "one at a time");
    assert!(stream.poll_flush(&mut cx).is_pending());
    script.hold(false);
    assert_eq!(write(&mut stream, b"world").unwrap(), 5);
    flush(&mut stream).unwrap();
    flush(&mut stream).unwrap();
    let lines = script.0.0.lock();
    assert_eq!(lines.output, b"hello world");
    assert_eq!(lines.flushed, 1, "nothing was written before the second");
}

#[test]
fn a_long_write_is_taken_in_parts() {
    let script = Script::default();
    let mut stream = Blocking::new(script.clone());
    let bytes = vec![7; MOST + 1];
    assert_eq!(write(&mut stream, &bytes).unwrap(), MOST);
    assert_eq!(write(&mut stream, &bytes[MOST..]).unwrap(), 1);
    assert_eq!(write(&mut stream, b"").unwrap(), 0);
    flush(&mut stream).unwrap();
    assert_eq!(script.0.0.lock().output, bytes);
}

#[test]
fn an_error_of_a_write_is_the_next_operations_and_the_stream_goes_on() {
    let script = Script::default();
    script.0.0.lock().fails = Some(ErrorKind::BrokenPipe);
    let mut stream = Blocking::new(script.clone());
    assert_eq!(write(&mut stream, b"lost").unwrap(), 4);
    assert_eq!(flush(&mut stream).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(write(&mut stream, b"kept").unwrap(), 4);
    flush(&mut stream).unwrap();
    assert_eq!(script.0.0.lock().output, b"kept");
}

/// Panics when it is used.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        std::panic::resume_unwind(Box::new(()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_that_is_lost_is_an_error_each_time() {
    let mut stream = Blocking::new(Broken);
    let mut write = || futures::executor::block_on(poll_fn(|cx| stream.poll_write(cx, b"x")));
    assert_eq!(write().unwrap(), 1);
    for _ in 0..3 {
        assert!(write().unwrap_err().to_string().contains("blocking pool"));
    }
}
