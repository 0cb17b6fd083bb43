//! The halves of streams.
use std::io;

use futures::{join, try_join};
use reactor::net::{TcpStream, UnixStream, tcp, unix};

use crate::drive::{both, soak};
use crate::tcp::pair;

/// A reproducible stream of bytes (xorshift64, Marsaglia 2003), and a checksum of what was taken from it.
struct Bytes {
    state: u64,
    sum: u64,
}

impl Bytes {
    fn new(seed: u64) -> Bytes {
        Bytes { state: seed, sum: 0 }
    }

    fn fill(&mut self, buf: &mut [u8]) {
        for chunk in buf.chunks_exact_mut(8) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            chunk.copy_from_slice(&self.state.to_le_bytes());
        }
        self.sum = sum(self.sum, buf);
    }
}

fn sum(start: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(start, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Bytes each way: a gibibyte both ways together in the soak.
fn volume() -> usize {
    if soak() { 512 << 20 } else { 5 << 20 }
}

/// Sends and receives on both ends at once; returns the checksums of what was sent and what came.
macro_rules! duplex {
    ($seed:expr, $read:expr, $write:expr) => {
        async {
            let volume = volume();
            let sending = async {
                let mut bytes = Bytes::new($seed);
                let mut buf = vec![0; 48 << 10];
                let mut left = volume;
                while left > 0 {
                    let n = left.min(buf.len());
                    bytes.fill(&mut buf[..n]);
                    $write.write_all(&buf[..n]).await?;
                    left -= n;
                }
                $write.shutdown().await?;
                io::Result::Ok(bytes.sum)
            };
            let receiving = async {
                let mut buf = vec![0; 33_333];
                let (mut total, mut check) = (0, 0);
                loop {
                    match $read.read(&mut buf).await? {
                        0 => break,
                        n => {
                            check = sum(check, &buf[..n]);
                            total += n;
                        }
                    }
                }
                assert_eq!(total, volume);
                io::Result::Ok(check)
            };
            try_join!(sending, receiving)
        }
    };
}

#[test]
fn owned_halves_carry_every_byte_both_ways() {
    both(|| async {
        let (one, other) = pair().await?;
        let (mut one_read, mut one_write) = one.into_split();
        let (mut other_read, mut other_write) = other.into_split();
        let (one, other) = join!(duplex!(11, one_read, one_write), duplex!(12, other_read, other_write));
        let ((one_sent, one_got), (other_sent, other_got)) = (one?, other?);
        assert_eq!((one_sent, other_sent), (other_got, one_got));
        Ok(())
    });
}

#[test]
fn borrowed_halves_carry_every_byte_both_ways() {
    both(|| async {
        let (mut one, mut other) = pair().await?;
        let (mut one_read, mut one_write) = one.split();
        let (mut other_read, mut other_write) = other.split();
        let (one, other) = join!(duplex!(21, one_read, one_write), duplex!(22, other_read, other_write));
        let ((one_sent, one_got), (other_sent, other_got)) = (one?, other?);
        assert_eq!((one_sent, other_sent), (other_got, one_got));
        Ok(())
    });
}

#[test]
fn unix_halves_carry_every_byte_both_ways() {
    both(|| async {
        let (one, mut other) = UnixStream::pair()?;
        let (mut one_read, mut one_write) = one.into_split();
        let (mut other_read, mut other_write) = other.split();
        let (one, other) = join!(duplex!(31, one_read, one_write), duplex!(32, other_read, other_write));
        let ((one_sent, one_got), (other_sent, other_got)) = (one?, other?);
        assert_eq!((one_sent, other_sent), (other_got, one_got));
        Ok(())
    });
}

#[test]
fn halves_on_two_threads_carry_every_byte() {
    let _watchdog = crate::drive::Watchdog::new();
    let (one, other) = crate::drive::hosted(pair()).unwrap();
    let (mut read, mut write) = one.into_split();
    let (mut other_read, mut other_write) = other.into_split();
    let echo = std::thread::spawn(move || {
        crate::drive::in_frame(async {
            let mut buf = vec![0; 10_000];
            loop {
                match other_read.read(&mut buf).await.unwrap() {
                    0 => break,
                    n => other_write.write_all(&buf[..n]).await.unwrap(),
                }
            }
        });
    });
    let sender = std::thread::spawn(move || {
        crate::drive::hosted(async {
            let mut bytes = Bytes::new(41);
            let mut buf = vec![0; 8_000];
            for _ in 0..500 {
                bytes.fill(&mut buf);
                write.write_all(&buf).await.unwrap();
            }
            bytes.sum
        })
    });
    let mut got = Vec::new();
    crate::drive::in_frame(read.read_to_end(&mut got)).unwrap();
    assert_eq!(got.len(), 500 * 8_000);
    assert_eq!(sum(0, &got), sender.join().unwrap());
    echo.join().unwrap();
}

#[test]
fn dropping_the_writing_half_ends_the_stream_unless_it_is_forgotten() {
    both(|| async {
        let (one, mut other) = pair().await?;
        let (mut read, write) = one.into_split();
        drop(write);
        assert_eq!(other.read(&mut [0; 8]).await?, 0);
        other.write_all(b"still").await?;
        let mut buf = [0; 5];
        read.read_exact(&mut buf).await?;

        let (one, other) = pair().await?;
        let (_read, write) = one.into_split();
        write.forget();
        let error = other.try_read(&mut buf).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        Ok(())
    });
}

#[test]
fn halves_of_one_stream_become_it_again() {
    both(|| async {
        let (one, mut other) = pair().await?;
        let (read, write) = one.into_split();
        let (other_read, other_write) = pair().await?.0.into_split();
        let tcp::ReuniteError(read, other_write) = read.reunite(other_write).unwrap_err();
        let error = write.reunite(other_read).unwrap_err();
        assert_eq!(error.to_string(), "these halves are not of the same stream");
        let tcp::ReuniteError(other_read, write) = error;
        drop(other_read.reunite(other_write).unwrap());

        let mut one: TcpStream = write.reunite(read).unwrap();
        one.write_all(b"whole").await?;
        let mut buf = [0; 5];
        other.read_exact(&mut buf).await?;
        Ok(())
    });
}

#[test]
fn halves_know_their_stream() {
    both(|| async {
        let (mut one, _other) = pair().await?;
        let (here, there) = (one.local_addr()?, one.peer_addr()?);
        {
            let (read, write) = one.split();
            assert_eq!((read.local_addr()?, write.peer_addr()?), (here, there));
            write.writable().await?;
            assert_eq!(write.try_write(b"x")?, 1);
            assert_eq!(read.try_read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        let (read, write) = one.into_split();
        assert_eq!(read.as_ref().local_addr()?, write.as_ref().local_addr()?);
        assert!(write.ready(reactor::Interest::WRITABLE).await?.is_writable());

        let (one, _other) = UnixStream::pair()?;
        let (read, write): (unix::OwnedReadHalf, unix::OwnedWriteHalf) = one.into_split();
        assert!(read.local_addr()?.is_unnamed() && write.peer_addr()?.is_unnamed());
        Ok(())
    });
}
