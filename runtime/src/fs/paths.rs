//! Operations on paths, each one call of `std::fs`.
use std::fs::{Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use super::inline;
use super::pool::{run, try_first};

/// The whole of a file.
///
/// A file of up to 256 KiB whose name and pages the kernel has cached is read by the thread that polls; any other by the
/// blocking pool.
///
/// ```
/// # runtime::block_on(async {
/// let manifest = runtime::fs::read("Cargo.toml").await?;
/// assert!(!manifest.is_empty());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// Those of [`std::fs::read`].
///
/// # Cancel safety
///
/// Safe: nothing is changed.
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    try_first(|| inline::read(path), || on(path, std::fs::read)).await
}

/// The whole of a file that is UTF-8. As [`read`] but for that.
///
/// ```
/// # runtime::block_on(async {
/// assert!(runtime::fs::read_to_string("Cargo.toml").await?.contains("[package]"));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// Those of [`std::fs::read_to_string`]: `InvalidData` when it is not UTF-8.
///
/// # Cancel safety
///
/// Safe: nothing is changed.
pub async fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read(path).await?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// Makes `contents` the whole of a file, which is created if it is not there.
///
/// ```
/// # runtime::block_on(async {
/// let path = std::env::temp_dir().join(format!("runtime-doc-write-{}", std::process::id()));
/// runtime::fs::write(&path, "hello").await?;
/// assert_eq!(runtime::fs::read(&path).await?, b"hello");
/// runtime::fs::remove_file(&path).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// Those of [`std::fs::write`].
///
/// # Cancel safety
///
/// Given up it goes on to its end, once it has been polled.
pub async fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let contents = contents.as_ref().to_owned();
    run(on(path.as_ref(), move |path| std::fs::write(path, contents))).await
}

/// What is known of the thing that a path leads to, links followed.
///
/// ```
/// # runtime::block_on(async {
/// assert!(runtime::fs::metadata("Cargo.toml").await?.is_file());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// Those of [`std::fs::metadata`].
///
/// # Cancel safety
///
/// Safe: nothing is changed.
pub async fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref();
    try_first(|| inline::metadata(path, true), || on(path, std::fs::metadata)).await
}

/// As [`metadata`], but of a link itself.
///
/// # Errors
///
/// Those of [`std::fs::symlink_metadata`].
///
/// # Cancel safety
///
/// Safe: nothing is changed.
pub async fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = path.as_ref();
    try_first(|| inline::metadata(path, false), || on(path, std::fs::symlink_metadata)).await
}

/// Whether a path leads to something; an error if that cannot be told.
///
/// ```
/// # runtime::block_on(async {
/// assert!(runtime::fs::try_exists("Cargo.toml").await?);
/// assert!(!runtime::fs::try_exists("no such thing").await?);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
///
/// # Errors
///
/// Those of [`std::fs::exists`].
///
/// # Cancel safety
///
/// Safe: nothing is changed.
pub async fn try_exists(path: impl AsRef<Path>) -> io::Result<bool> {
    match metadata(path).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// `call` with a path of its own, for another thread.
fn on<T, C>(path: &Path, call: C) -> impl FnOnce() -> io::Result<T> + Send + use<T, C>
where
    C: FnOnce(PathBuf) -> io::Result<T> + Send,
{
    let path = path.to_owned();
    move || call(path)
}

/// Functions of one path, and of two.
macro_rules! on_the_pool {
    ($($(#[$doc:meta])* $name:ident($path:ident) -> $output:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        #[doc = concat!("Those of [`std::fs::", stringify!($name), "`].")]
        ///
        /// # Cancel safety
        ///
        /// Given up it goes on to its end, once it has been polled.
        pub async fn $name($path: impl AsRef<Path>) -> io::Result<$output> {
            run(on($path.as_ref(), std::fs::$name)).await
        }
    )*};
    ($($(#[$doc:meta])* $name:ident($from:ident, $to:ident) -> $output:ty = $call:path;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        #[doc = concat!("Those of [`", stringify!($call), "`].")]
        ///
        /// # Cancel safety
        ///
        /// Given up it goes on to its end, once it has been polled.
        pub async fn $name($from: impl AsRef<Path>, $to: impl AsRef<Path>) -> io::Result<$output> {
            let to = $to.as_ref().to_owned();
            run(on($from.as_ref(), move |from| $call(from, to))).await
        }
    )*};
}

on_the_pool! {
    /// The absolute path of what a path leads to, with no links in it.
    canonicalize(path) -> PathBuf;
    /// What a symbolic link holds.
    read_link(path) -> PathBuf;
    /// Creates a directory, whose parent is there.
    create_dir(path) -> ();
    /// Creates a directory and all its parents that are not there.
    create_dir_all(path) -> ();
    /// Removes a directory that is empty.
    remove_dir(path) -> ();
    /// Removes a directory with all that is in it. **Links are removed, not followed.**
    remove_dir_all(path) -> ();
    /// Removes a file, or a link.
    remove_file(path) -> ();
}

on_the_pool! {
    /// Gives a file or a directory another name. What had that name is replaced.
    rename(from, to) -> () = std::fs::rename;
    /// Copies a file's contents and permissions; the number of bytes.
    copy(from, to) -> u64 = std::fs::copy;
    /// Gives a file another name on the same file system.
    hard_link(original, link) -> () = std::fs::hard_link;
}

#[cfg(unix)]
on_the_pool! {
    /// Makes a symbolic link `link` that holds `original`.
    symlink(original, link) -> () = std::os::unix::fs::symlink;
}

/// Changes the permissions of a file or a directory.
///
/// # Errors
///
/// Those of [`std::fs::set_permissions`].
///
/// # Cancel safety
///
/// Given up it goes on to its end, once it has been polled.
pub async fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    run(on(path.as_ref(), move |path| std::fs::set_permissions(path, permissions))).await
}
