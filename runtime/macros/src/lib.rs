//! The attribute macros of `runtime`: `#[runtime::main]` and `#[runtime::test]`.
//!
//! They take an `async fn` without parameters and put its body into `Runtime::block_on`. That needs no parser of Rust:
//! the item is split at its `async`, its parameters and its last braces, and everything in between is passed on as it
//! is. (A parser would be four more crates in every build that uses the runtime.)
#![forbid(unsafe_code)]

mod function;
mod options;

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use function::Function;
use options::Options;

/// What is wrong, and where.
#[derive(Clone)]
struct Error {
    span: Span,
    message: String,
}

impl Error {
    fn new(span: Span, message: impl Into<String>) -> Error {
        Error { span, message: message.into() }
    }

    /// `::core::compile_error! { "…" }`, at the place of the mistake.
    fn into_tokens(self) -> TokenStream {
        let at = |mut token: TokenTree| {
            token.set_span(self.span);
            token
        };
        let message = TokenTree::Literal(Literal::string(&self.message));
        [
            at(Punct::new(':', Spacing::Joint).into()),
            at(Punct::new(':', Spacing::Alone).into()),
            at(Ident::new("core", self.span).into()),
            at(Punct::new(':', Spacing::Joint).into()),
            at(Punct::new(':', Spacing::Alone).into()),
            at(Ident::new("compile_error", self.span).into()),
            at(Punct::new('!', Spacing::Alone).into()),
            at(Group::new(Delimiter::Brace, at(message).into()).into()),
        ]
        .into_iter()
        .collect()
    }
}

/// Runs an `async fn main` on a runtime, which is built first and dropped when `main` returns: tasks that still run are
/// then cancelled, and closures of `spawn_blocking` that have started get one second more (`shutdown_timeout`), after which the process ends.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `flavor = "multi_thread"` or `"current_thread"` | `"multi_thread"` | a pool of workers, or this thread alone |
/// | `worker_threads = 4` | the machine's parallelism | how many workers: a number, one or more |
/// | `shutdown_timeout = Duration::MAX` | one second | how long closures of `spawn_blocking` that run are waited for at the end, an expression: `Builder::shutdown_timeout` |
/// | `tokio_compat = true` | `false` | tokio's own reactor and timers, for futures that need them: `Builder::tokio_compat`, with the feature `tokio-compat` of `runtime` |
/// | `crate = "path"` | `::runtime` | where to find the crate, if it was renamed or re-exported |
///
/// ```
/// #[runtime::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await?;
///     println!("listens on {}", listener.local_addr()?);
///     Ok(())
/// }
/// ```
///
/// In a debug build a task that keeps its worker in one poll for long is reported on standard error, with what to do
/// (`Builder::print_stalls`).
///
/// What that stands for, but for those reports:
///
/// ```
/// fn main() -> std::io::Result<()> {
///     async fn main() -> std::io::Result<()> {
///         let listener = runtime::net::TcpListener::bind("127.0.0.1:0").await?;
///         println!("listens on {}", listener.local_addr()?);
///         Ok(())
///     }
///     runtime::Builder::new_multi_thread().build()?.block_on(main())
/// }
/// ```
///
/// Other functions without parameters may have it too: each call builds a runtime of its own.
///
/// # Panics
///
/// The function panics, naming the error, when the operating system refuses the runtime what it needs.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, Entry::Main)
}

/// Runs an `async fn` as a test, on a current-thread runtime of its own.
///
/// Takes the options of [`macro@main`]; the default flavor is `"current_thread"`, or `"multi_thread"` when
/// `worker_threads` is given. The function may return what any test may, and keeps its other attributes.
///
/// ```
/// #[runtime::test]
/// async fn spawned_tasks_finish() -> Result<(), runtime::task::JoinError> {
///     assert_eq!(runtime::spawn(async { 1 + 1 }).await?, 2);
///     Ok(())
/// }
/// ```
///
/// # Panics
///
/// The test panics, naming the error, when the operating system refuses the runtime what it needs.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, Entry::Test)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Main,
    Test,
}

impl Entry {
    /// As the user wrote it.
    fn attribute(self) -> &'static str {
        match self {
            Entry::Main => "#[runtime::main]",
            Entry::Test => "#[runtime::test]",
        }
    }
}

fn expand(options: TokenStream, item: TokenStream, entry: Entry) -> TokenStream {
    let errors = match (Options::parse(options, entry), Function::split(item.clone(), entry)) {
        (Ok(options), Ok(function)) => return function.wrap(entry, |call| options.block_on(entry, call)),
        (Err(error), Ok(_)) => vec![error],
        (Ok(_), Err(errors)) => errors,
        (Err(error), Err(errors)) => [vec![error], errors].concat(),
    };
    errors.into_iter().map(Error::into_tokens).chain([Function::rest(item)]).collect()
}
