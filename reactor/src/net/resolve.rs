//! From what a user writes to socket addresses.
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::offloaded::{Offloaded, offload};

/// What can be turned into one socket address or more.
///
/// Addresses and address literals need no thread. A host name is resolved by the system's `getaddrinfo` on the
/// executor's blocking pool, or on a short-lived thread where the executor has none.
///
/// Implemented for the address types of `std::net`, for `(ip, port)`, for slices of addresses, and for `"host:port"`
/// and `("host", port)`, borrowed and owned. It cannot be implemented outside of this crate.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let listener = reactor::net::TcpListener::bind(("127.0.0.1", 0)).await?;
/// let stream = reactor::net::TcpStream::connect(listener.local_addr()?).await?;
/// # drop(stream); std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait ToSocketAddrs: sealed::Resolve {}

impl<T: sealed::Resolve + ?Sized> ToSocketAddrs for T {}

pub(super) mod sealed {
    /// The method behind `ToSocketAddrs`, out of users' reach.
    pub trait Resolve {
        #[doc(hidden)]
        fn resolve(&self) -> super::Resolution;
    }
}

/// Addresses, now or when the name has been looked up.
#[derive(Debug)]
pub struct Resolution(State);

enum State {
    Known(Addresses),
    Failed(Option<io::Error>),
    LookingUp(Offloaded<Addresses>),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Known(_) => "Known",
            State::Failed(_) => "Failed",
            State::LookingUp(_) => "LookingUp",
        })
    }
}

/// The addresses of one host; a single one costs no allocation.
#[derive(Debug)]
pub struct Addresses {
    first: Option<SocketAddr>,
    rest: std::vec::IntoIter<SocketAddr>,
}

impl Addresses {
    fn many(addresses: Vec<SocketAddr>) -> Addresses {
        Addresses { first: None, rest: addresses.into_iter() }
    }
}

impl From<SocketAddr> for Addresses {
    fn from(address: SocketAddr) -> Addresses {
        Addresses { first: Some(address), rest: Vec::new().into_iter() }
    }
}

impl Iterator for Addresses {
    type Item = SocketAddr;

    fn next(&mut self) -> Option<SocketAddr> {
        self.first.take().or_else(|| self.rest.next())
    }
}

impl Future for Resolution {
    type Output = io::Result<Addresses>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let nothing = || Addresses::many(Vec::new());
        match &mut self.0 {
            State::Known(addresses) => Poll::Ready(Ok(std::mem::replace(addresses, nothing()))),
            State::Failed(error) => Poll::Ready(error.take().map_or_else(|| Ok(nothing()), Err)),
            State::LookingUp(offloaded) => Pin::new(offloaded).poll(cx),
        }
    }
}

fn known(address: SocketAddr) -> Resolution {
    Resolution(State::Known(address.into()))
}

fn failed(error: io::Error) -> Resolution {
    Resolution(State::Failed(Some(error)))
}

fn look_up(host: &str, port: u16) -> Resolution {
    if host.is_empty() {
        let message = format!("\":{port}\" names no host: use 0.0.0.0 or [::] for every address of this one");
        return failed(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let host = host.to_owned();
    let job = offload(move || {
        let unresolved =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot resolve {host:?}: {error}"));
        let addresses: Vec<_> =
            std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port)).map_err(unresolved)?.collect();
        Ok(Addresses::many(addresses))
    });
    match job {
        Ok(offloaded) => Resolution(State::LookingUp(offloaded)),
        Err(error) => failed(error),
    }
}

fn resolve_text(text: &str) -> Resolution {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return known(address);
    }
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    match parts {
        Some((host, port)) if !host.contains(':') => look_up(host, port),
        _ => failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{text:?} is not a socket address: expected host:port, such as \"127.0.0.1:80\" or \"[::1]:80\""
            ),
        )),
    }
}

fn resolve_host(host: &str, port: u16) -> Resolution {
    match host.parse::<IpAddr>() {
        Ok(ip) => known((ip, port).into()),
        Err(_) => look_up(host, port),
    }
}

macro_rules! resolve_by {
    ($($type:ty => |$value:ident| $resolution:expr;)*) => {$(
        impl sealed::Resolve for $type {
            fn resolve(&self) -> Resolution {
                let $value = self;
                $resolution
            }
        }
    )*};
}

resolve_by! {
    SocketAddr => |address| known(*address);
    SocketAddrV4 => |address| known((*address).into());
    SocketAddrV6 => |address| known((*address).into());
    (IpAddr, u16) => |address| known((*address).into());
    (Ipv4Addr, u16) => |address| known((*address).into());
    (Ipv6Addr, u16) => |address| known((*address).into());
    &[SocketAddr] => |addresses| Resolution(State::Known(Addresses::many(addresses.to_vec())));
    str => |text| resolve_text(text);
    String => |text| resolve_text(text);
    (&str, u16) => |pair| resolve_host(pair.0, pair.1);
    (String, u16) => |pair| resolve_host(&pair.0, pair.1);
}

impl<T: sealed::Resolve + ?Sized> sealed::Resolve for &T {
    fn resolve(&self) -> Resolution {
        (**self).resolve()
    }
}

/// The addresses of a host, in the order in which the system would have them tried.
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// for address in reactor::net::lookup_host("localhost:80").await? {
///     assert!(address.ip().is_loopback());
/// }
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// The text is no address, the name has none, or no thread could be had to ask the resolver. The error names the host.
///
/// # Cancel safety
///
/// Safe: a query under way ends on its own and is forgotten.
pub async fn lookup_host<T: ToSocketAddrs>(host: T) -> io::Result<impl Iterator<Item = SocketAddr>> {
    host.resolve().await
}

/// Calls `f` with each address in turn until it succeeds; the last error otherwise.
pub(super) async fn try_each<A, R, F>(addr: A, mut f: impl FnMut(SocketAddr) -> F) -> io::Result<R>
where
    A: ToSocketAddrs,
    F: Future<Output = io::Result<R>>,
{
    let mut last = None;
    for address in addr.resolve().await? {
        match f(address).await {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_address))
}

/// The first address.
pub(super) async fn first<A: ToSocketAddrs>(addr: A) -> io::Result<SocketAddr> {
    addr.resolve().await?.next().ok_or_else(no_address)
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the list of addresses is empty")
}
