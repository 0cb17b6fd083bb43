//! The I/O traits of others, and what holds of every type.
use reactor::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, tcp, unix};

fn everywhere<T: Send + Sync + Unpin + std::fmt::Debug + std::panic::UnwindSafe>() {}
fn movable<T: Send>(_: &T) {}

/// Compiles or does not.
#[test]
fn every_type_may_go_to_any_thread() {
    everywhere::<TcpListener>();
    everywhere::<TcpSocket>();
    everywhere::<TcpStream>();
    everywhere::<tcp::ReadHalf<'_>>();
    everywhere::<tcp::WriteHalf<'_>>();
    everywhere::<tcp::OwnedReadHalf>();
    everywhere::<tcp::OwnedWriteHalf>();
    everywhere::<tcp::ReuniteError>();
    everywhere::<UdpSocket>();
    everywhere::<unix::UnixListener>();
    everywhere::<unix::UnixSocket>();
    everywhere::<unix::UnixStream>();
    everywhere::<unix::ReadHalf<'_>>();
    everywhere::<unix::WriteHalf<'_>>();
    everywhere::<unix::OwnedReadHalf>();
    everywhere::<unix::OwnedWriteHalf>();
    everywhere::<unix::ReuniteError>();
    everywhere::<unix::UnixDatagram>();
    everywhere::<unix::SocketAddr>();
    everywhere::<unix::UCred>();
    everywhere::<unix::pipe::Sender>();
    everywhere::<unix::pipe::Receiver>();
    everywhere::<unix::pipe::OpenOptions>();
}

/// Compiles or does not; nothing is run.
#[test]
fn every_future_may_go_to_any_thread() {
    let _ = async |mut stream: TcpStream, listener: TcpListener, udp: UdpSocket| {
        let mut buf = [0; 1];
        movable(&TcpStream::connect("127.0.0.1:1"));
        movable(&TcpStream::connect(("host", 1)));
        movable(&TcpStream::connect(String::new()));
        movable(&TcpListener::bind("127.0.0.1:1"));
        movable(&UdpSocket::bind("127.0.0.1:1"));
        movable(&reactor::net::lookup_host("host:1"));
        movable(&listener.accept());
        movable(&stream.peek(&mut buf));
        movable(&stream.readable());
        movable(&stream.read(&mut buf));
        movable(&stream.read_exact(&mut buf));
        movable(&stream.read_to_end(&mut Vec::new()));
        movable(&stream.write_all(&buf));
        movable(&stream.write_vectored(&[]));
        movable(&udp.recv_from(&mut buf));
        movable(&udp.send_to(&buf, "127.0.0.1:1"));
        movable(&unix::UnixStream::connect("path"));
    };
}

#[cfg(feature = "futures-io")]
mod futures_io {
    use std::io::{self, IoSlice};
    use std::pin::Pin;

    use futures::{AsyncReadExt, AsyncWrite, AsyncWriteExt, io::AsyncRead, join};
    use reactor::net::unix::{self, UnixStream, pipe};
    use reactor::net::{TcpStream, tcp};

    use crate::drive::both;
    use crate::tcp::pair;

    /// Through the traits alone.
    async fn send(mut sink: impl AsyncWrite + Unpin) -> io::Result<()> {
        sink.write_all(b"head ").await?;
        std::future::poll_fn(|cx| {
            Pin::new(&mut sink).poll_write_vectored(cx, &[IoSlice::new(b"bo"), IoSlice::new(b"dy")])
        })
        .await?;
        sink.flush().await?;
        sink.close().await
    }

    async fn receive(mut source: impl AsyncRead + Unpin) -> io::Result<String> {
        let mut text = String::new();
        source.read_to_string(&mut text).await?;
        Ok(text)
    }

    async fn passes(sink: impl AsyncWrite + Unpin, source: impl AsyncRead + Unpin) -> io::Result<()> {
        let (sent, got) = join!(send(sink), receive(source));
        sent?;
        assert_eq!(got?, "head body");
        Ok(())
    }

    #[test]
    fn streams_and_halves_carry_bytes_through_the_traits_of_futures() {
        both(|| async {
            let (one, other): (TcpStream, TcpStream) = pair().await?;
            passes(one, other).await?;
            let (mut one, mut other) = pair().await?;
            // By name: the trait's `split` takes the stream itself, and so comes first.
            let halves: (tcp::WriteHalf<'_>, tcp::ReadHalf<'_>) =
                (TcpStream::split(&mut one).1, TcpStream::split(&mut other).0);
            passes(halves.0, halves.1).await?;
            let (one, other) = pair().await?;
            let (_keep, write) = one.into_split();
            let (read, _keep) = other.into_split();
            passes(write, read).await?;

            let (one, other) = UnixStream::pair()?;
            passes(one, other).await?;
            let (mut one, mut other) = UnixStream::pair()?;
            let halves: (unix::WriteHalf<'_>, unix::ReadHalf<'_>) =
                (UnixStream::split(&mut one).1, UnixStream::split(&mut other).0);
            passes(halves.0, halves.1).await?;
            let (one, other) = UnixStream::pair()?;
            let (_keep, write) = one.into_split();
            let (read, _keep) = other.into_split();
            passes(write, read).await?;
            Ok(())
        });
    }

    #[test]
    fn pipes_carry_bytes_through_the_traits_of_futures() {
        both(|| async {
            let (sender, receiver) = pipe::pipe()?;
            // A pipe ends when the sender is dropped, which `send` does.
            passes(sender, receiver).await
        });
    }

    #[test]
    fn inherent_methods_are_chosen_beside_the_extension_traits() {
        both(|| async {
            let (mut one, mut other) = pair().await?;
            one.write_all(b"12345").await?;
            let mut buf = [0; 5];
            // That of the trait returns nothing.
            let n: usize = other.read_exact(&mut buf).await?;
            assert_eq!(n, 5);
            one.close().await?;
            let borrowed = &mut other;
            let n: usize = borrowed.read(&mut buf).await?;
            assert_eq!(n, 0);
            Ok(())
        });
    }
}

#[cfg(feature = "tokio-io")]
mod tokio_io {
    use std::io::{self, IoSlice};
    use std::mem::MaybeUninit;
    use std::pin::Pin;

    use futures::join;
    use reactor::net::unix::UnixStream;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

    use crate::drive::both;
    use crate::tcp::pair;

    async fn send(mut sink: impl AsyncWrite + Unpin) -> io::Result<()> {
        assert!(sink.is_write_vectored());
        sink.write_all(b"head ").await?;
        std::future::poll_fn(|cx| {
            Pin::new(&mut sink).poll_write_vectored(cx, &[IoSlice::new(b"bo"), IoSlice::new(b"dy")])
        })
        .await?;
        sink.flush().await?;
        sink.shutdown().await
    }

    async fn receive(mut source: impl AsyncRead + Unpin) -> io::Result<String> {
        let mut text = String::new();
        source.read_to_string(&mut text).await?;
        Ok(text)
    }

    async fn passes(sink: impl AsyncWrite + Unpin, source: impl AsyncRead + Unpin) -> io::Result<()> {
        let (sent, got) = join!(send(sink), receive(source));
        sent?;
        assert_eq!(got?, "head body");
        Ok(())
    }

    #[test]
    fn streams_and_halves_carry_bytes_through_the_traits_of_tokio() {
        both(|| async {
            let (one, other) = pair().await?;
            passes(one, other).await?;
            let (mut one, mut other) = pair().await?;
            passes(one.split().1, other.split().0).await?;
            let (one, other) = pair().await?;
            let ((_one, write), (read, _other)) = (one.into_split(), other.into_split());
            passes(write, read).await?;

            let (one, other) = UnixStream::pair()?;
            passes(one, other).await?;
            let (mut one, mut other) = UnixStream::pair()?;
            passes(one.split().1, other.split().0).await?;
            let (one, other) = UnixStream::pair()?;
            let ((_one, write), (read, _other)) = (one.into_split(), other.into_split());
            passes(write, read).await?;

            let (sender, receiver) = reactor::net::unix::pipe::pipe()?;
            passes(sender, receiver).await
        });
    }

    #[test]
    fn a_buffer_of_tokio_is_filled_behind_what_it_holds() {
        both(|| async {
            let (mut one, mut other) = pair().await?;
            one.write_all(b"world and more").await?;
            let mut memory = [MaybeUninit::uninit(); 11];
            let mut buf = ReadBuf::uninit(&mut memory);
            buf.put_slice(b"hello ");
            std::future::poll_fn(|cx| Pin::new(&mut other).poll_read(cx, &mut buf)).await?;
            assert_eq!(buf.filled(), b"hello world");
            assert_eq!(buf.remaining(), 0);
            // Full: ready, and nothing is taken.
            std::future::poll_fn(|cx| Pin::new(&mut other).poll_read(cx, &mut buf)).await?;
            let mut rest = [0; 9];
            other.read_exact(&mut rest).await?;
            assert_eq!(&rest, b" and more");
            Ok(())
        });
    }

    #[test]
    fn inherent_methods_agree_with_those_of_tokio() {
        both(|| async {
            let (mut one, mut other) = pair().await?;
            one.write_all(b"12345").await?;
            let mut buf = [0; 5];
            assert_eq!(other.read_exact(&mut buf).await?, 5);
            one.shutdown().await?;
            let mut rest = Vec::new();
            assert_eq!(other.read_to_end(&mut rest).await?, 0);
            let ours = other.read_exact(&mut buf).await.unwrap_err();
            let tokios = AsyncReadExt::read_exact(&mut other, &mut buf).await.unwrap_err();
            assert_eq!((ours.kind(), ours.to_string()), (tokios.kind(), tokios.to_string()));
            Ok(())
        });
    }
}

#[cfg(feature = "hyper")]
mod hyper_rt {
    use std::io::IoSlice;
    use std::mem::MaybeUninit;
    use std::pin::Pin;

    use hyper::rt::{Read, ReadBuf, Write};
    use reactor::net::unix::UnixStream;

    use crate::drive::both;
    use crate::tcp::pair;

    async fn passes(mut sink: impl Write + Unpin, mut source: impl Read + Unpin) -> std::io::Result<()> {
        assert!(sink.is_write_vectored());
        let n = std::future::poll_fn(|cx| Pin::new(&mut sink).poll_write(cx, b"head ")).await?;
        let m = std::future::poll_fn(|cx| {
            Pin::new(&mut sink).poll_write_vectored(cx, &[IoSlice::new(b"bo"), IoSlice::new(b"dy")])
        })
        .await?;
        assert_eq!((n, m), (5, 4));
        std::future::poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx)).await?;
        std::future::poll_fn(|cx| Pin::new(&mut sink).poll_shutdown(cx)).await?;
        drop(sink);

        let mut memory = [MaybeUninit::uninit(); 64];
        let mut buf = ReadBuf::uninit(&mut memory);
        loop {
            let before = buf.filled().len();
            std::future::poll_fn(|cx| Pin::new(&mut source).poll_read(cx, buf.unfilled())).await?;
            if buf.filled().len() == before {
                break;
            }
        }
        assert_eq!(buf.filled(), b"head body");
        Ok(())
    }

    #[test]
    fn streams_and_halves_carry_bytes_through_the_traits_of_hyper() {
        both(|| async {
            let (one, other) = pair().await?;
            passes(one, other).await?;
            let (mut one, mut other) = pair().await?;
            passes(one.split().1, other.split().0).await?;
            let (one, other) = pair().await?;
            let ((_one, write), (read, _other)) = (one.into_split(), other.into_split());
            passes(write, read).await?;

            let (one, other) = UnixStream::pair()?;
            passes(one, other).await?;
            let (one, other) = UnixStream::pair()?;
            let ((_one, write), (read, _other)) = (one.into_split(), other.into_split());
            passes(write, read).await?;

            let (sender, receiver) = reactor::net::unix::pipe::pipe()?;
            passes(sender, receiver).await
        });
    }
}
