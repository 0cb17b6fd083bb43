//! What `reactor-hook` promises, a module a subject.
mod small;
mod support;
