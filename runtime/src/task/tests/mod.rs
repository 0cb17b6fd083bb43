//! Promises of the task cell, one module each.
mod smoke;
