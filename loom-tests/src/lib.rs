//! The models are in `tests/`; see this crate's README. There is nothing in the library itself.
