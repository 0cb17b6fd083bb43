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

/// Runs an `async fn main` on a runtime.
///
/// Options, separated by commas:
///
/// * `flavor = "multi_thread"` (the default) or `"current_thread"`;
/// * `worker_threads = N`, for the multi-threaded flavor;
/// * `crate = "path"`: where the crate `runtime` is found, if not at `::runtime`.
///
/// The runtime is dropped when `main` returns: tasks that still run are cancelled.
///
/// ```ignore
/// #[runtime::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = runtime::net::TcpListener::bind("127.0.0.1:8080").await?;
///     // …
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, Entry::Main)
}

/// Runs an `async fn` as a test, on a current-thread runtime of its own.
///
/// Takes the options of [`macro@main`]; the default flavor is `"current_thread"`, or `"multi_thread"` when
/// `worker_threads` is given.
///
/// ```ignore
/// #[runtime::test]
/// async fn spawned_tasks_finish() {
///     assert_eq!(runtime::spawn(async { 1 + 1 }).await.unwrap(), 2);
/// }
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(options, item, Entry::Test)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Main,
    Test,
}

fn expand(options: TokenStream, item: TokenStream, entry: Entry) -> TokenStream {
    let expanded = Options::parse(options, entry).and_then(|options| {
        let function = Function::split(item.clone(), entry)?;
        Ok(function.with_body(entry, |body| options.block_on(body)))
    });
    match expanded {
        Ok(tokens) => tokens,
        // The item stays beside the error, so that it alone is reported.
        Err(error) => [error.into_tokens(), Function::without_async(item)].into_iter().collect(),
    }
}
