//! What `reactor-hook` promises, a module a subject.
mod errors;
mod hosted;
mod nested;
mod owned;
mod place;
mod reactors;
mod small;
mod support;
