//! What a user can get wrong is an error that says so, and nothing hangs.
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;

use reactor::net::{
    TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixSocket, UnixStream, lookup_host,
};

use crate::drive::both;
use crate::tcp::pair;

#[test]
fn an_address_that_does_not_parse_is_named() {
    both(|| async {
        for text in
            ["nonsense", "127.0.0.1", "127.0.0.1:port", "host:65536", "a:b:c", "::1:", "", "1.2.3.4:80:90"]
        {
            let error = TcpStream::connect(text).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}: {error}");
            assert!(error.to_string().contains(&format!("{text:?}")), "{text}: {error}");
            assert!(error.to_string().contains("host:port"), "{text}: {error}");
        }
        let error = TcpListener::bind(":80").await.unwrap_err();
        assert!(error.to_string().contains("names no host"), "{error}");
        let error = UdpSocket::bind(&[][..]).await.unwrap_err();
        assert_eq!(error.to_string(), "the list of addresses is empty");
        Ok(())
    });
}

#[test]
fn a_host_that_does_not_resolve_is_named() {
    both(|| async {
        // An empty label: no name server is asked, so that none that is slow decides how long this takes.
        let host = "no-such..host";
        for error in [
            TcpStream::connect((host, 80)).await.unwrap_err(),
            TcpListener::bind(format!("{host}:80")).await.unwrap_err(),
            lookup_host((host, 80)).await.map(drop).unwrap_err(),
        ] {
            assert!(error.to_string().contains(host), "{error}");
        }
        Ok(())
    });
}

#[test]
fn an_address_that_is_not_ours_is_an_error() {
    both(|| async {
        // RFC 5737: nobody's.
        let error = TcpListener::bind("192.0.2.1:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        let taken = TcpListener::bind("127.0.0.1:0").await?;
        let error = TcpListener::bind(taken.local_addr()?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        Ok(())
    });
}

#[test]
fn a_socket_in_blocking_mode_is_refused_with_the_remedy() {
    both(|| async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
        let unix = std::os::unix::net::UnixStream::pair()?.0;
        let errors = [
            TcpListener::from_std(listener).unwrap_err(),
            TcpStream::from_std(stream).unwrap_err(),
            UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0")?).unwrap_err(),
            UnixStream::from_std(unix).unwrap_err(),
            UnixDatagram::from_std(std::os::unix::net::UnixDatagram::unbound()?).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("set_nonblocking(true)"), "{error}");
        }
        Ok(())
    });
}

/// Puts something else in the place of a descriptor behind its owner's back.
fn replace(fd: &impl AsRawFd) {
    let file = std::fs::File::open("/dev/null").unwrap();
    // SAFETY: both descriptors are open; the socket's owner is tested for how it takes it.
    assert!(unsafe { libc::dup2(file.as_raw_fd(), fd.as_raw_fd()) } >= 0);
}

#[test]
fn a_socket_closed_behind_its_back_is_an_error() {
    both(|| async {
        let (mut stream, _other) = pair().await?;
        // Registered, so that there is something to go stale.
        assert_eq!(stream.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        stream.writable().await?;
        replace(&stream);
        let error = stream.write(b"x").await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK), "{error}");
        let error = stream.shutdown().await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK), "{error}");

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        replace(&listener);
        let error = listener.accept().await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK), "{error}");

        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        replace(&socket);
        let error = socket.recv(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK), "{error}");
        Ok(())
    });
}

#[test]
fn a_path_that_is_no_address_is_named() {
    both(|| async {
        let long = format!("/tmp/{}", "x".repeat(200));
        for path in [long.as_str(), "/tmp/with\0zero"] {
            for error in [
                UnixListener::bind(path).unwrap_err(),
                UnixDatagram::bind(path).unwrap_err(),
                UnixStream::connect(path).await.unwrap_err(),
                UnixSocket::new_stream()?.bind(path).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
            }
        }
        let error = UnixListener::bind(format!("\0{}", "x".repeat(200))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}

#[test]
fn a_unix_socket_of_the_other_kind_is_refused_by_name() {
    both(|| async {
        let refused = |error: io::Error, text: &str| {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(text), "{error}");
        };
        refused(UnixSocket::new_datagram()?.listen(1).unwrap_err(), "new_stream");
        refused(UnixSocket::new_datagram()?.connect("/tmp/x").await.unwrap_err(), "new_stream");
        refused(UnixSocket::new_stream()?.datagram().unwrap_err(), "new_datagram");
        Ok(())
    });
}
