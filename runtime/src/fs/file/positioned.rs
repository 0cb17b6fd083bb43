//! Reads and writes at a place that is told: they neither use nor move the file's position.
#![cfg(unix)]

use std::future::poll_fn;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use reactor_hook::budget;

use super::File;
use super::cursor::retry;
use crate::fs::inline::CachedRead;
use crate::fs::pool::run;

impl File {
    /// Reads some bytes from `offset` on; none at the file's end. Any number of reads may go on at once.
    ///
    /// What the kernel has cached is read by the thread that polls, in one system call.
    ///
    /// ```
    /// # runtime::block_on(async {
    /// let file = runtime::fs::File::open("Cargo.toml").await?;
    /// let mut start = [0; 9];
    /// assert_eq!(file.read_at(&mut start, 0).await?, 9);
    /// assert_eq!(&start, b"[package]");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `pread(2)`.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    pub async fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        if !self.cursor.is_idle() {
            // A write that was taken is to be seen.
            self.settled().await;
        }
        if self.description.reads_here(false) {
            let charge = poll_fn(|cx| budget::poll_proceed(cx)).await;
            if let CachedRead::Done(result) = self.description.read_cached(into, Some(offset)) {
                charge.made_progress();
                return result;
            }
        }
        let length = into.len().min(self.cursor.most);
        let file = Arc::clone(&self.description);
        let bytes = run(move || {
            let mut bytes = vec![0; length];
            let length = retry(|| file.std().read_at(&mut bytes, offset))?;
            bytes.truncate(length);
            Ok(bytes)
        })
        .await?;
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// Fills `into` with what is at `offset`.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` when the file ends before, and those of [`read_at`](File::read_at).
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    pub async fn read_exact_at(&self, mut into: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !into.is_empty() {
            match self.read_at(into, offset).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => {
                    into = &mut into[length..];
                    offset += length as u64;
                }
            }
        }
        Ok(())
    }

    /// Writes some bytes at `offset`, on the blocking pool; how many. They have been written when this returns.
    ///
    /// # Errors
    ///
    /// Those of `pwrite(2)`.
    ///
    /// # Cancel safety
    ///
    /// Given up it goes on to its end, once it has been polled.
    pub async fn write_at(&self, from: &[u8], offset: u64) -> io::Result<usize> {
        let from = from[..from.len().min(self.cursor.most)].to_owned();
        self.on_pool(move |file| retry(|| file.write_at(&from, offset))).await
    }

    /// Writes all bytes at `offset`.
    ///
    /// # Errors
    ///
    /// Those of [`write_at`](File::write_at).
    ///
    /// # Cancel safety
    ///
    /// Given up it has written some, and goes on to the end of what it has begun.
    pub async fn write_all_at(&self, mut from: &[u8], mut offset: u64) -> io::Result<()> {
        while !from.is_empty() {
            match self.write_at(from, offset).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                length => {
                    from = &from[length..];
                    offset += length as u64;
                }
            }
        }
        Ok(())
    }
}
