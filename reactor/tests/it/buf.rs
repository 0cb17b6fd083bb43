//! Receiving into a `bytes::BufMut`, with tokio's names.
use std::io::ErrorKind;

use bytes::{BufMut as _, BytesMut};
use reactor::net::unix::pipe;
use reactor::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixStream};

use crate::drive::both;

/// What is appended goes behind what is there, as much as there is room for; nothing is there a second time.
macro_rules! reads_into_a_buffer {
    ($reader:expr, $writer:expr) => {{
        let mut buf = BytesMut::from(&b"<"[..]);
        assert_eq!($reader.try_read_buf(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(&buf[..], b"<");
        $writer.write_all(b"hello").await.unwrap();
        $reader.readable().await.unwrap();
        assert_eq!($reader.try_read_buf(&mut (&mut buf).limit(2)).unwrap(), 2);
        assert_eq!($reader.try_read_buf(&mut buf).unwrap(), 3);
        assert_eq!(&buf[..], b"<hello");
        assert_eq!($reader.try_read_buf(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop($writer);
        $reader.readable().await.unwrap();
        assert_eq!($reader.try_read_buf(&mut buf).unwrap(), 0, "the end");
        assert_eq!(&buf[..], b"<hello");
    }};
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

#[test]
fn streams_and_their_halves_and_pipes_read_into_a_buffer() {
    both(|| async {
        let (near, mut far) = tcp().await;
        reads_into_a_buffer!(near, far);
        let (near, mut far) = tcp().await;
        let (near, _writes) = near.into_split();
        reads_into_a_buffer!(near, far);
        let (mut near, mut far) = tcp().await;
        let (near, _writes) = near.split();
        reads_into_a_buffer!(near, far);
        let (near, mut far) = UnixStream::pair().unwrap();
        reads_into_a_buffer!(near, far);
        let (near, mut far) = UnixStream::pair().unwrap();
        let (near, _writes) = near.into_split();
        reads_into_a_buffer!(near, far);
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let (near, _writes) = near.split();
        reads_into_a_buffer!(near, far);
        let (mut far, near) = pipe::pipe().unwrap();
        reads_into_a_buffer!(near, far);
        Ok(())
    });
}

#[test]
fn udp_sockets_receive_into_a_buffer() {
    both(|| async {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        far.connect(near.local_addr().unwrap()).await.unwrap();
        let from = far.local_addr().unwrap();
        let mut buf = Vec::with_capacity(64);
        assert_eq!(near.try_recv_buf(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(near.try_recv_buf_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        for text in [&b"one "[..], b"two ", b"three ", b"", b"four"] {
            far.send(text).await.unwrap();
        }
        assert_eq!(near.recv_buf(&mut buf).await.unwrap(), 4);
        assert_eq!(near.recv_buf_from(&mut buf).await.unwrap(), (4, from));
        assert_eq!(near.try_recv_buf(&mut buf).unwrap(), 6);
        assert_eq!(near.try_recv_buf_from(&mut buf).unwrap(), (0, from));
        // The rest of it is cut off.
        assert_eq!(near.recv_buf_from(&mut (&mut buf).limit(2)).await.unwrap(), (2, from));
        assert_eq!(buf, b"one two three fo");
        assert_eq!(near.try_recv_buf(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        Ok(())
    });
}

#[test]
fn unix_datagram_sockets_receive_into_a_buffer() {
    both(|| async {
        let (near, far) = UnixDatagram::pair().unwrap();
        let mut buf = Vec::with_capacity(64);
        assert_eq!(near.try_recv_buf(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(near.try_recv_buf_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        for text in [&b"one "[..], b"two ", b"three ", b"", b"four"] {
            far.send(text).await.unwrap();
        }
        assert_eq!(near.recv_buf(&mut buf).await.unwrap(), 4);
        let (n, from) = near.recv_buf_from(&mut buf).await.unwrap();
        assert!(n == 4 && from.is_unnamed());
        assert_eq!(near.try_recv_buf(&mut buf).unwrap(), 6);
        let (n, from) = near.try_recv_buf_from(&mut buf).unwrap();
        assert!(n == 0 && from.is_unnamed());
        assert_eq!(near.recv_buf(&mut (&mut buf).limit(2)).await.unwrap(), 2);
        assert_eq!(buf, b"one two three fo");
        assert_eq!(near.try_recv_buf(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        Ok(())
    });
}
