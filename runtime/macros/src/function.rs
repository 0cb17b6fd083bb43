//! The item under the attribute, split where it is changed.
use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::{Entry, Error};

/// An `async fn` without parameters.
pub(crate) struct Function {
    /// Attributes, visibility and qualifiers, without `async`; then `fn name()` and the return type.
    head: Vec<TokenTree>,
    body: Group,
}

impl Function {
    pub(crate) fn split(item: TokenStream, entry: Entry) -> Result<Function, Error> {
        let attribute = match entry {
            Entry::Main => "runtime::main",
            Entry::Test => "runtime::test",
        };
        let mut tokens: Vec<TokenTree> = item.into_iter().collect();
        let Some(fn_at) = tokens.iter().position(|token| is_ident(token, "fn")) else {
            let span = tokens.first().map_or_else(Span::call_site, TokenTree::span);
            return Err(Error::new(span, format!("`#[{attribute}]` goes on an `async fn`")));
        };
        if entry == Entry::Test && has_test_attribute(&tokens[..fn_at]) {
            let message =
                format!("`#[{attribute}]` makes the function a test; a second `#[test]` would run it twice");
            return Err(Error::new(tokens[fn_at].span(), message));
        }
        let Some(async_at) = tokens[..fn_at].iter().position(|token| is_ident(token, "async")) else {
            let message = format!("the function under `#[{attribute}]` must be `async`");
            return Err(Error::new(tokens[fn_at].span(), message));
        };
        match tokens.get(fn_at + 2) {
            Some(TokenTree::Group(parameters)) if parameters.delimiter() == Delimiter::Parenthesis => {
                if let Some(parameter) = parameters.stream().into_iter().next() {
                    let message = format!("the function under `#[{attribute}]` takes no parameters");
                    return Err(Error::new(parameter.span(), message));
                }
            }
            other => {
                let span = other.map_or_else(|| tokens[fn_at].span(), TokenTree::span);
                let message = format!("the function under `#[{attribute}]` cannot be generic");
                return Err(Error::new(span, message));
            }
        }
        match tokens.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
                tokens.remove(async_at);
                Ok(Function { head: tokens, body })
            }
            _ => Err(Error::new(
                Span::call_site(),
                format!("the function under `#[{attribute}]` needs a body"),
            )),
        }
    }

    /// The function, no longer async, with another body.
    pub(crate) fn with_body(self, entry: Entry, body: impl FnOnce(Group) -> Group) -> TokenStream {
        let attribute = match entry {
            Entry::Main => "",
            Entry::Test => "#[::core::prelude::v1::test]",
        };
        let mut tokens: TokenStream = attribute.parse().expect("an attribute");
        tokens.extend(self.head);
        tokens.extend([TokenTree::Group(body(self.body))]);
        tokens
    }

    /// The item as it is but for `async`, which on a `main` would be a second mistake.
    pub(crate) fn without_async(item: TokenStream) -> TokenStream {
        let is_main = item.clone().into_iter().any(|token| is_ident(&token, "main"));
        let empty =
            || TokenTree::Group(Group::new(Delimiter::Brace, "::core::panic!()".parse().expect("Rust")));
        let body_at = item.clone().into_iter().count().saturating_sub(1);
        item.into_iter()
            .enumerate()
            .filter(|(_, token)| !(is_main && is_ident(token, "async")))
            .map(|(at, token)| if is_main && at == body_at { empty() } else { token })
            .collect()
    }
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == name)
}

/// Whether one of the attributes is a plain `#[test]`, or a path that ends in it.
fn has_test_attribute(tokens: &[TokenTree]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
            group.stream().into_iter().last().is_some_and(|last| is_ident(&last, "test"))
        }
        _ => false,
    })
}
