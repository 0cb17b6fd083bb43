//! How a directory is created.
use std::io;
use std::path::Path;

use super::pool::run;

/// How a directory is created: [`std::fs::DirBuilder`] with a `create` that waits elsewhere.
///
/// ```
/// # runtime::block_on(async {
/// let path = std::env::temp_dir().join(format!("runtime-doc-builder-{}", std::process::id()));
/// runtime::fs::DirBuilder::new().recursive(true).create(path.join("a/b")).await?;
/// assert!(runtime::fs::metadata(path.join("a/b")).await?.is_dir());
/// runtime::fs::remove_dir_all(&path).await?;
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
    #[cfg(unix)]
    mode: Option<u32>,
}

impl DirBuilder {
    /// One directory, with the permissions that the process's umask leaves.
    #[must_use]
    pub fn new() -> DirBuilder {
        DirBuilder::default()
    }

    /// Whether parents that are not there are created too, and a directory that is there is no error.
    pub fn recursive(&mut self, recursive: bool) -> &mut DirBuilder {
        self.recursive = recursive;
        self
    }

    /// The permissions, before the process's umask. Default: 0o777.
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut DirBuilder {
        self.mode = Some(mode);
        self
    }

    /// Creates it.
    ///
    /// # Errors
    ///
    /// Those of [`std::fs::DirBuilder::create`].
    ///
    /// # Cancel safety
    ///
    /// Given up it goes on to its end, once it has been polled.
    pub async fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let mut std = std::fs::DirBuilder::new();
        std.recursive(self.recursive);
        #[cfg(unix)]
        if let Some(mode) = self.mode {
            std::os::unix::fs::DirBuilderExt::mode(&mut std, mode);
        }
        let path = path.as_ref().to_owned();
        run(move || std.create(path)).await
    }
}
