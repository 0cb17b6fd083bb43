//! UDP.
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;

use futures::join;
use reactor::Interest;
use reactor::net::UdpSocket;

use crate::drive::both;

/// Two sockets connected to each other.
async fn pair() -> io::Result<(UdpSocket, UdpSocket)> {
    let one = UdpSocket::bind("127.0.0.1:0").await?;
    let other = UdpSocket::bind("127.0.0.1:0").await?;
    one.connect(other.local_addr()?).await?;
    other.connect(one.local_addr()?).await?;
    Ok((one, other))
}

#[test]
fn an_empty_datagram_is_received_and_ends_nothing() {
    both(|| async {
        let (one, other) = pair().await?;
        let mut buf = [0; 8];
        let (sent, got) = join!(one.send(b""), other.recv(&mut buf));
        assert_eq!((sent?, got?), (0, 0));
        one.send(b"more").await?;
        assert_eq!(other.recv(&mut buf).await?, 4);
        assert_eq!(other.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        Ok(())
    });
}

#[test]
fn a_datagram_longer_than_the_buffer_is_cut_and_the_next_one_is_whole() {
    both(|| async {
        let (one, other) = pair().await?;
        one.send(b"0123456789").await?;
        one.send(b"abc").await?;
        let mut buf = [0; 4];
        assert_eq!(other.recv_from(&mut buf).await?, (4, one.local_addr()?));
        assert_eq!(&buf, b"0123");
        assert_eq!(other.recv(&mut buf).await?, 3);
        assert_eq!(&buf[..3], b"abc");
        Ok(())
    });
}

#[test]
fn a_port_that_nobody_has_is_an_error_of_a_later_operation() {
    both(|| async {
        let nobody = UdpSocket::bind("127.0.0.1:0").await?.local_addr()?;
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.connect(nobody).await?;
        socket.send(b"hello?").await?;
        let error = socket.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

        // The error is reported once, and the socket goes on.
        let revived = UdpSocket::bind(nobody).await?;
        socket.send(b"hello").await?;
        let mut buf = [0; 8];
        assert_eq!(revived.recv(&mut buf).await?, 5);
        revived.send_to(b"hi", socket.local_addr()?).await?;
        assert_eq!(socket.recv(&mut buf).await?, 2);
        Ok(())
    });
}

#[test]
fn every_form_of_an_operation_does_the_same() {
    both(|| async {
        let one = UdpSocket::bind("127.0.0.1:0").await?;
        let other = UdpSocket::bind("127.0.0.1:0").await?;
        let (from, to) = (one.local_addr()?, other.local_addr()?);
        let mut buf = [0; 8];

        one.writable().await?;
        assert_eq!(one.try_send_to(b"try", to)?, 3);
        other.readable().await?;
        assert_eq!(other.try_peek_sender()?, from);
        assert_eq!(other.try_peek_from(&mut buf)?, (3, from));
        assert_eq!(other.try_peek(&mut buf)?, 3);
        assert_eq!(other.try_recv_from(&mut buf)?, (3, from));

        std::future::poll_fn(|cx| one.poll_send_ready(cx)).await?;
        assert_eq!(std::future::poll_fn(|cx| one.poll_send_to(cx, b"poll", to)).await?, 4);
        std::future::poll_fn(|cx| other.poll_recv_ready(cx)).await?;
        assert_eq!(std::future::poll_fn(|cx| other.poll_peek_sender(cx)).await?, from);
        assert_eq!(std::future::poll_fn(|cx| other.poll_peek_from(cx, &mut buf)).await?, (4, from));
        assert_eq!(std::future::poll_fn(|cx| other.poll_peek(cx, &mut buf)).await?, 4);
        assert_eq!(std::future::poll_fn(|cx| other.poll_recv_from(cx, &mut buf)).await?, (4, from));

        let (sender, sent) = join!(other.peek_sender(), one.send_to(b"async", to));
        assert_eq!((sender?, sent?), (from, 5));
        assert_eq!(other.peek_from(&mut buf).await?, (5, from));
        assert_eq!(other.peek(&mut buf).await?, 5);
        assert_eq!(other.recv_from(&mut buf).await?, (5, from));

        one.connect(to).await?;
        assert_eq!(one.peer_addr()?, to);
        assert_eq!(one.try_send(b"x")?, 1);
        assert_eq!(std::future::poll_fn(|cx| one.poll_send(cx, b"xy")).await?, 2);
        assert_eq!(std::future::poll_fn(|cx| other.poll_recv(cx, &mut buf)).await?, 1);
        other.ready(Interest::READABLE).await?;
        assert_eq!(other.try_recv(&mut buf)?, 2);
        Ok(())
    });
}

#[test]
fn several_tasks_may_receive() {
    both(|| async {
        let (one, other) = pair().await?;
        let (mut first, mut second) = ([0; 1], [0; 1]);
        let sending = async {
            one.send(b"1").await?;
            one.send(b"2").await
        };
        let (a, b, sent) = join!(other.recv(&mut first), other.recv(&mut second), sending);
        assert_eq!((a?, b?, sent?), (1, 1, 1));
        assert_eq!(first[0] + second[0], b'1' + b'2');
        Ok(())
    });
}

#[test]
fn options_are_set() {
    both(|| async {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        socket.set_broadcast(true)?;
        assert!(socket.broadcast()?);
        socket.set_multicast_loop_v4(false)?;
        assert!(!socket.multicast_loop_v4()?);
        socket.set_multicast_ttl_v4(9)?;
        assert_eq!(socket.multicast_ttl_v4()?, 9);
        socket.set_ttl(21)?;
        assert_eq!(socket.ttl()?, 21);
        socket.set_tos_v4(16)?;
        assert_eq!(socket.tos_v4()?, 16);
        assert!(socket.take_error()?.is_none());
        let group = Ipv4Addr::new(224, 0, 0, 251);
        if socket.join_multicast_v4(group, Ipv4Addr::LOCALHOST).is_ok() {
            socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST)?;
        }
        let socket = UdpSocket::try_from(socket.into_std()?)?;
        assert!(socket.broadcast()?);
        Ok(())
    });
}

#[test]
fn a_datagram_that_is_too_long_is_an_error() {
    both(|| async {
        let (one, _other) = pair().await?;
        let error = one.send(&vec![0; 70_000]).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
        Ok(())
    });
}
