//! Which public types may cross threads, and which must not.
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use runtime::task::{
    AbortHandle, Cancel, CancelHandle, Cancellable, Cancelled, ChildHandle, Id, JoinError, JoinHandle,
    LocalEnterGuard, LocalSet, ScopeError, TaskGroup,
};
use runtime::{
    Builder, EnterGuard, Handle, Metrics, Runtime, ShutdownReport, TryCurrentError, WorkerMetrics,
};
use runtime::{net, time};
use static_assertions::{assert_impl_all, assert_not_impl_any};

// T15
#[test]
fn every_public_type_is_as_thread_safe_as_it_can_be() {
    assert_impl_all!(Runtime: Send, Sync, UnwindSafe, RefUnwindSafe, Unpin);
    assert_impl_all!(Handle: Send, Sync, Clone, UnwindSafe, RefUnwindSafe, Unpin);
    assert_impl_all!(runtime::Id: Send, Sync, Copy, Eq, std::hash::Hash, Unpin);
    assert_impl_all!(runtime::io::unix::AsyncFdTryNewError<()>: std::error::Error);
    assert_impl_all!(Builder: Send, Sync, Unpin);
    assert_impl_all!(Metrics: Send, Sync, Clone, Unpin);
    assert_impl_all!(WorkerMetrics: Send, Sync, Clone, Unpin);
    assert_impl_all!(ShutdownReport: Send, Sync, Clone, Unpin);
    assert_impl_all!(TryCurrentError: Send, Sync, std::error::Error);
    // A guard belongs to the thread that entered.
    assert_not_impl_any!(EnterGuard<'static>: Send, Sync);

    assert_impl_all!(Id: Send, Sync, Copy, Eq, std::hash::Hash, Unpin);
    assert_impl_all!(AbortHandle: Send, Sync, UnwindSafe, Unpin);
    assert_impl_all!(JoinError: Send, Sync, std::error::Error, Unpin);
    assert_impl_all!(JoinHandle<()>: Send, Sync, UnwindSafe, Unpin);
    // The output goes to whoever has the handle.
    assert_impl_all!(JoinHandle<std::cell::Cell<u8>>: Send, Sync);
    assert_not_impl_any!(JoinHandle<Rc<()>>: Send, Sync);
    assert_impl_all!(JoinHandle<std::marker::PhantomPinned>: Unpin);

    assert_impl_all!(Cancel<std::cell::Cell<u8>>: Send, Sync, Unpin);
    assert_impl_all!(Cancellable<std::future::Ready<()>>: Send, Sync, Unpin);
    assert_not_impl_any!(Cancellable<std::future::Ready<Rc<()>>>: Send);
    assert_impl_all!(CancelHandle: Send, Sync, Clone, UnwindSafe, Unpin);
    assert_impl_all!(TaskGroup<std::cell::Cell<u8>>: Send, Sync, Clone, Unpin);
    assert_impl_all!(ChildHandle<std::cell::Cell<u8>>: Send, Sync, Unpin);
    assert_impl_all!(ScopeError<std::io::Error>: Send, Sync, std::error::Error);
    assert_impl_all!(Cancelled: Send, Sync, Copy, std::error::Error);

    // They belong to the thread that made them.
    assert_not_impl_any!(LocalSet: Send, Sync);
    assert_impl_all!(LocalSet: Unpin);
    assert_not_impl_any!(LocalEnterGuard: Send, Sync);

    assert_impl_all!(time::Sleep: Send, Sync);
    // It is linked into a wheel while it waits.
    assert_not_impl_any!(time::Sleep: Unpin);
    assert_impl_all!(time::Interval: Send, Sync, Unpin);
    assert_impl_all!(time::Timeout<std::future::Ready<()>>: Send, Sync);
    assert_not_impl_any!(time::Timeout<std::future::Ready<Rc<()>>>: Send);
    assert_impl_all!(time::Instant: Send, Sync, Copy);
    assert_impl_all!(time::error::Elapsed: Send, Sync, std::error::Error);

    assert_impl_all!(net::TcpListener: Send, Sync, Unpin);
    assert_impl_all!(net::TcpStream: Send, Sync, Unpin);
    assert_impl_all!(net::TcpSocket: Send, Sync, Unpin);
    assert_impl_all!(net::UdpSocket: Send, Sync, Unpin);
    assert_impl_all!(net::tcp::ReadHalf<'static>: Send, Sync, Unpin);
    assert_impl_all!(net::tcp::WriteHalf<'static>: Send, Sync, Unpin);
    assert_impl_all!(net::tcp::OwnedReadHalf: Send, Sync, Unpin);
    assert_impl_all!(net::tcp::OwnedWriteHalf: Send, Sync, Unpin);
    assert_impl_all!(net::UnixListener: Send, Sync, Unpin);
    assert_impl_all!(net::UnixStream: Send, Sync, Unpin);
    assert_impl_all!(net::UnixDatagram: Send, Sync, Unpin);
}

fn is_send<F: Future + Send>(_: F) {}

// T15
#[test]
fn the_futures_of_the_public_functions_are_send() {
    is_send(runtime::task::yield_now());
    is_send(runtime::task::scope(|group| async move {
        group.spawn(async { Ok::<_, ScopeError<u8>>(1) }).await.map_err(|_| panic!("it returned"))
    }));
    is_send(runtime::time::sleep(time::Duration::ZERO));
    is_send(runtime::time::timeout(time::Duration::ZERO, async {}));
    is_send(net::TcpStream::connect("127.0.0.1:1"));
    is_send(net::TcpListener::bind("127.0.0.1:0"));
    is_send(async {
        let mut stream = net::TcpStream::connect("127.0.0.1:1").await.unwrap();
        let mut buffer = [0; 8];
        let n = stream.read(&mut buffer).await.unwrap();
        stream.write_all(&buffer[..n]).await.unwrap();
    });
}
