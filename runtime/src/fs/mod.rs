//! Files and directories, under tokio's names.
//!
//! What the kernel promises not to wait for is done by the thread that polls: a name that it has cached is looked up, a
//! regular file of this machine opened, what is in the page cache read. Everything else is done by the blocking pool of
//! the executor, or, where that has none, by a short-lived thread: so all of it works under any executor, and neither a
//! FIFO nor a slow mount holds a worker. [`Builder::fs_inline`](crate::Builder::fs_inline) leaves all to the pool.
//!
//! ```
//! # runtime::Runtime::new().block_on(async {
//! use runtime::fs;
//!
//! let directory = std::env::temp_dir().join(format!("runtime-doc-fs-{}", std::process::id()));
//! fs::create_dir(&directory).await?;
//! fs::write(directory.join("greeting"), "hello").await?;
//! assert_eq!(fs::read_to_string(directory.join("greeting")).await?, "hello");
//! fs::remove_dir_all(&directory).await?;
//! # std::io::Result::Ok(()) }).unwrap();
//! ```
//!
//! An operation on the pool that is given up goes on to its end, and its result is dropped. One that never ends, such as
//! the open of a FIFO to which nobody comes, keeps its thread of the pool
//! ([`max_blocking_threads`](crate::Builder::max_blocking_threads)); a runtime that shuts down waits for it no longer than
//! [`shutdown_timeout`](crate::Builder::shutdown_timeout).
//!
//! The README beside this module says what is done where, and why that does not wait.
mod dir_builder;
mod file;
#[cfg(target_os = "linux")]
mod inline;
#[cfg(not(target_os = "linux"))]
#[path = "inline_off.rs"]
mod inline;
mod open_options;
mod paths;
mod pool;
mod read_dir;

pub use self::dir_builder::DirBuilder;
pub use self::file::File;
pub use self::open_options::OpenOptions;
#[cfg(unix)]
pub use self::paths::symlink;
pub use self::paths::{
    canonicalize, copy, create_dir, create_dir_all, hard_link, metadata, read, read_link, read_to_string,
    remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink_metadata, try_exists, write,
};
pub use self::read_dir::{DirEntry, ReadDir, read_dir};
