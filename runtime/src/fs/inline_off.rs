//! Where no kernel promises not to wait: everything is done on the pool.
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// See the other `inline`.
pub(super) const MOST: usize = 256 * 1024;

pub(super) fn is_on() -> bool {
    false
}

#[must_use]
#[allow(dead_code)]
pub(super) enum Tried<T> {
    Done(io::Result<T>),
    Elsewhere(Lesson),
}

#[derive(Debug, Default)]
pub(super) struct Lesson;

impl Lesson {
    pub(super) fn learn(self) {}
}

pub(super) fn is_file_local(_: &File) -> bool {
    false
}

pub(super) fn read(_: &Path) -> Tried<Vec<u8>> {
    Tried::Elsewhere(Lesson)
}

pub(super) fn metadata(_: &Path, _follow: bool) -> Tried<Metadata> {
    Tried::Elsewhere(Lesson)
}

pub(super) fn open(_: &Path) -> Tried<File> {
    Tried::Elsewhere(Lesson)
}

#[derive(Debug)]
#[allow(dead_code)]
pub(super) enum CachedRead {
    Done(io::Result<usize>),
    NotNow,
    Never,
}

pub(super) fn read_cached(_: &File, _: &mut [u8], _: Option<u64>) -> CachedRead {
    CachedRead::Never
}
