//! Sockets as leaf futures: they work on any executor.
