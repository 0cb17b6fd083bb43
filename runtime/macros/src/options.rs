//! The options in the parentheses of the attribute.
use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

use crate::{Entry, Error};

/// What was asked for.
pub(crate) struct Options {
    flavor: Flavor,
    worker_threads: Option<Literal>,
    /// Whether it is wanted: the builder has the option with the feature only.
    tokio_compat: bool,
    /// An expression, of the user's.
    shutdown_timeout: Option<TokenStream>,
    /// Path of the crate `runtime`.
    krate: TokenStream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavor {
    MultiThread,
    CurrentThread,
}

const KNOWN: &str = "`flavor`, `worker_threads`, `shutdown_timeout`, `tokio_compat` and `crate`";

impl Options {
    pub(crate) fn parse(tokens: TokenStream, entry: Entry) -> Result<Options, Error> {
        let mut flavor: Option<(Flavor, Span)> = None;
        let mut worker_threads: Option<(Literal, Span)> = None;
        let mut tokio_compat: Option<(bool, Span)> = None;
        let mut shutdown_timeout: Option<TokenStream> = None;
        let mut krate: Option<TokenStream> = None;
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let TokenTree::Ident(name) = &token else {
                return Err(Error::new(token.span(), format!("expected an option: one of {KNOWN}")));
            };
            let option = name.to_string();
            match tokens.next() {
                Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => {}
                _ => return Err(Error::new(name.span(), format!("expected `{option} = value`"))),
            }
            let Some(value) = tokens.next() else {
                return Err(Error::new(name.span(), format!("expected a value after `{option} =`")));
            };
            let twice = match option.as_str() {
                "flavor" => flavor.replace((parse_flavor(&value)?, name.span())).is_some(),
                "worker_threads" => worker_threads.replace((parse_count(&value)?, name.span())).is_some(),
                "tokio_compat" => tokio_compat.replace((parse_bool(&value)?, name.span())).is_some(),
                "shutdown_timeout" => {
                    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                    if is_comma(&value) {
                        return Err(Error::new(value.span(), "expected a `Duration`"));
                    }
                    let rest = std::iter::from_fn(|| tokens.next_if(|token| !is_comma(token)));
                    shutdown_timeout.replace(std::iter::once(value).chain(rest).collect()).is_some()
                }
                "crate" => krate.replace(parse_path(&value)?).is_some(),
                _ => {
                    let message = match option.as_str() {
                        "start_paused" => format!(
                            "`start_paused`: the clock cannot be stopped here, so a test waits in real time; the options are {KNOWN}"
                        ),
                        _ => format!("unknown option `{option}`; the options are {KNOWN}"),
                    };
                    return Err(Error::new(name.span(), message));
                }
            };
            if twice {
                return Err(Error::new(name.span(), format!("option `{option}` is given twice")));
            }
            match tokens.next() {
                None => break,
                Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => {}
                Some(other) => return Err(Error::new(other.span(), "expected a comma between options")),
            }
        }
        let default = match (entry, &worker_threads) {
            (Entry::Test, None) => Flavor::CurrentThread,
            _ => Flavor::MultiThread,
        };
        let chosen = flavor.map_or(default, |(flavor, _)| flavor);
        if let (Flavor::CurrentThread, Some((_, span))) = (chosen, &worker_threads) {
            let message = "a `current_thread` runtime has no workers; \
                           leave `worker_threads` out, or use `flavor = \"multi_thread\"`";
            return Err(Error::new(*span, message));
        }
        if let Some((true, span)) = tokio_compat
            && !cfg!(feature = "tokio-compat")
        {
            let message = "`tokio_compat = true` needs the feature `tokio-compat` of `runtime`: \
                           in Cargo.toml, `runtime = { …, features = [\"tokio-compat\"] }`";
            return Err(Error::new(span, message));
        }
        Ok(Options {
            flavor: chosen,
            worker_threads: worker_threads.map(|(count, _)| count),
            tokio_compat: tokio_compat.is_some_and(|(wanted, _)| wanted),
            shutdown_timeout,
            krate: krate.unwrap_or_else(|| "::runtime".parse().expect("a path")),
        })
    }

    /// `match Builder….build() { … block_on(future) … }`
    pub(crate) fn block_on(&self, entry: Entry, future: TokenStream) -> TokenStream {
        let krate = &self.krate;
        let attribute = entry.attribute();
        let constructor = match self.flavor {
            Flavor::MultiThread => "new_multi_thread",
            Flavor::CurrentThread => "new_current_thread",
        };
        let threads = match &self.worker_threads {
            Some(count) => format!(".worker_threads({count})"),
            None => String::new(),
        };
        let tokio_compat = if self.tokio_compat { ".tokio_compat(true)" } else { "" };
        let stalls = match entry {
            // Of the build of the user's crate, not of this one.
            Entry::Main => ".print_stalls(::core::cfg!(debug_assertions))",
            Entry::Test => "",
        };
        let mut tokens: TokenStream =
            format!("let __runtime = match {krate}::Builder::{constructor}(){threads}{tokio_compat}{stalls}")
                .parse()
                .expect("Rust");
        if let Some(timeout) = &self.shutdown_timeout {
            // With the spans that it has: what is wrong with it is told where it is.
            tokens.extend::<TokenStream>(".shutdown_timeout".parse().expect("Rust"));
            tokens.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, timeout.clone()))]);
        }
        let rest = format!(
            ".build() {{
                ::core::result::Result::Ok(runtime) => runtime,
                ::core::result::Result::Err(error) => {{
                    ::core::panic!(\"{attribute}: the runtime could not be started: {{}}\", error)
                }}
            }};
            __runtime.block_on"
        );
        tokens.extend::<TokenStream>(rest.parse().expect("Rust"));
        tokens.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, future))]);
        tokens
    }
}

/// The text of a string literal without escapes.
fn parse_text(value: &TokenTree, expected: &str) -> Result<String, Error> {
    let text = value.to_string();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .filter(|text| !text.contains('\\'))
        .map(str::to_owned)
        .ok_or_else(|| Error::new(value.span(), format!("expected {expected}")))
}

fn parse_flavor(value: &TokenTree) -> Result<Flavor, Error> {
    const EXPECTED: &str = "\"multi_thread\" or \"current_thread\"";
    match parse_text(value, EXPECTED)?.as_str() {
        "multi_thread" => Ok(Flavor::MultiThread),
        "current_thread" => Ok(Flavor::CurrentThread),
        _ => Err(Error::new(value.span(), format!("no such flavor; expected {EXPECTED}"))),
    }
}

fn parse_count(value: &TokenTree) -> Result<Literal, Error> {
    let expected = || Error::new(value.span(), "expected a number of worker threads, at least 1");
    let TokenTree::Literal(literal) = value else { return Err(expected()) };
    let digits = literal.to_string().replace('_', "");
    match digits.trim_end_matches("usize").parse::<usize>() {
        Ok(count) if count > 0 => Ok(Literal::usize_unsuffixed(count)),
        _ => Err(expected()),
    }
}

fn parse_bool(value: &TokenTree) -> Result<bool, Error> {
    value.to_string().parse().map_err(|_| Error::new(value.span(), "expected `true` or `false`"))
}

fn parse_path(value: &TokenTree) -> Result<TokenStream, Error> {
    const EXPECTED: &str = "a path in quotes, such as \"my_crate::runtime\"";
    let text = parse_text(value, EXPECTED)?;
    let is_path = !text.is_empty()
        && text.trim_start_matches("::").split("::").all(|part| {
            !part.is_empty()
                && !part.starts_with(|c: char| c.is_ascii_digit())
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        });
    if !is_path {
        return Err(Error::new(value.span(), format!("not a path; expected {EXPECTED}")));
    }
    text.parse().map_err(|_| Error::new(value.span(), format!("expected {EXPECTED}")))
}
