//! Pipes.
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

use futures::join;
use reactor::net::unix::pipe::{self, OpenOptions, Receiver, Sender};

use crate::drive::both;

#[test]
fn a_pipe_carries_more_than_it_holds() {
    both(|| async {
        let (mut sender, mut receiver) = pipe::pipe()?;
        let sent: Vec<u8> = (0..1 << 20).map(|i| (i % 253) as u8).collect();
        let mut got = Vec::new();
        let sending = async {
            sender.write_all(&sent).await?;
            sender.shutdown().await?;
            drop(sender);
            std::io::Result::Ok(())
        };
        let (written, read) = join!(sending, receiver.read_to_end(&mut got));
        written?;
        assert_eq!(read?, sent.len());
        assert!(got == sent);
        Ok(())
    });
}

#[test]
fn writing_without_a_reader_is_a_broken_pipe() {
    both(|| async {
        let (mut sender, receiver) = pipe::pipe()?;
        sender.writable().await?;
        assert_eq!(receiver.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(receiver);
        assert_eq!(sender.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        Ok(())
    });
}

#[test]
fn a_named_pipe_is_opened_at_both_ends() {
    both(|| async {
        let path = std::env::temp_dir().join(format!(
            "reactor-test-fifo-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the string is terminated and lives throughout the call.
        assert_eq!(unsafe { libc::mkfifo(text.as_ptr(), 0o600) }, 0);
        let options = OpenOptions::new();
        assert_eq!(options.open_sender(&path).unwrap_err().raw_os_error(), Some(libc::ENXIO));
        let mut receiver = options.open_receiver(&path)?;
        let mut sender = options.open_sender(&path)?;
        std::fs::remove_file(&path)?;
        let mut buf = [0; 5];
        let (read, written) = join!(receiver.read_exact(&mut buf), sender.write_all(b"named"));
        read?;
        written?;
        drop(sender);
        assert_eq!(receiver.read(&mut buf).await?, 0);
        Ok(())
    });
}

#[test]
fn descriptors_are_checked_when_they_are_taken_over() {
    both(|| async {
        let (read, write) = std::io::pipe()?;
        let error = Sender::from_owned_fd(OwnedFd::from(read)).unwrap_err();
        assert!(error.to_string().contains("not open in the direction"), "{error}");
        let sender = Sender::from_owned_fd(OwnedFd::from(write))?;
        // Blocking for a child process's use.
        let fd = sender.into_blocking_fd()?;
        assert!(format!("{:?}", Receiver::from_owned_fd(fd).unwrap_err()).contains("not open"));
        let error = Receiver::from_file(std::fs::File::open("/dev/null")?).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("no pipe"), "{error}");
        Ok(())
    });
}
