//! Promises of the idle set and of the parker.
mod blocking;
mod parker;
mod set;
mod transitions;
