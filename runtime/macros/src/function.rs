//! The item under the attribute, split where it is changed.
use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

use crate::{Entry, Error};

/// An `async fn` without parameters.
pub(crate) struct Function {
    /// Attributes and visibility.
    head: Vec<TokenTree>,
    /// `fn name()` and the return type.
    signature: Vec<TokenTree>,
    name: TokenTree,
    body: Group,
}

impl Function {
    /// # Errors
    ///
    /// All that is wrong with it.
    pub(crate) fn split(item: TokenStream, entry: Entry) -> Result<Function, Vec<Error>> {
        let attribute = entry.attribute();
        let mut head: Vec<TokenTree> = item.into_iter().collect();
        let Some(fn_at) = head.iter().position(|token| is_ident(token, "fn")) else {
            let span = head.first().map_or_else(Span::call_site, TokenTree::span);
            return Err(vec![Error::new(span, format!("`{attribute}` goes on an `async fn`"))]);
        };
        let mut signature = head.split_off(fn_at);
        let mut errors = Vec::new();
        if entry == Entry::Test
            && let Some(test) = test_attribute(&head)
        {
            let message = format!("`{attribute}` makes the function a test already; remove this attribute");
            errors.push(Error::new(test, message));
        }
        for qualifier in ["unsafe", "extern", "const"] {
            if let Some(token) = head.iter().find(|token| is_ident(token, qualifier)) {
                let message = format!("the function under `{attribute}` cannot be `{qualifier}`");
                errors.push(Error::new(token.span(), message));
            }
        }
        match head.iter().position(|token| is_ident(token, "async")) {
            Some(async_at) => drop(head.remove(async_at)),
            None => {
                let message = format!("the function under `{attribute}` must be `async`");
                errors.push(Error::new(signature[0].span(), message));
            }
        }
        match signature.get(2) {
            Some(TokenTree::Group(parameters)) if parameters.delimiter() == Delimiter::Parenthesis => {
                if !parameters.stream().is_empty() {
                    let message = format!("the function under `{attribute}` takes no parameters");
                    errors.push(Error::new(parameters.span(), message));
                }
            }
            other => {
                let span = other.map_or_else(|| signature[0].span(), TokenTree::span);
                let message = format!("the function under `{attribute}` cannot be generic");
                errors.push(Error::new(span, message));
            }
        }
        match (signature.pop(), signature.get(1)) {
            (Some(TokenTree::Group(body)), Some(name)) if body.delimiter() == Delimiter::Brace => {
                let name = name.clone();
                if errors.is_empty() { Ok(Function { head, signature, name, body }) } else { Err(errors) }
            }
            _ => {
                let message = format!("the function under `{attribute}` needs a body");
                errors.push(Error::new(Span::call_site(), message));
                Err(errors)
            }
        }
    }

    /// The function, no longer async, around itself as it was written: the compiler then holds the body against the
    /// return type as in any function, and speaks of the user's own lines. `block_on` makes of `name()` what follows.
    pub(crate) fn wrap(self, entry: Entry, block_on: impl FnOnce(TokenStream) -> TokenStream) -> TokenStream {
        let attribute = match entry {
            Entry::Main => "",
            Entry::Test => "#[::core::prelude::v1::test]",
        };
        let mut body: TokenStream = "#[allow(clippy::unused_async)] async".parse().expect("Rust");
        body.extend(self.signature.iter().cloned());
        body.extend([TokenTree::Group(self.body)]);
        let call = [self.name, TokenTree::Group(Group::new(Delimiter::Parenthesis, TokenStream::new()))];
        body.extend(block_on(call.into_iter().collect()));

        let mut tokens: TokenStream = attribute.parse().expect("an attribute");
        tokens.extend(self.head);
        tokens.extend(self.signature);
        tokens.extend([TokenTree::Group(Group::new(Delimiter::Brace, body))]);
        tokens
    }

    /// What is left beside the errors: of a `main` an empty one, so that its absence is not reported as well; of another
    /// function nothing; of what is no function all.
    pub(crate) fn rest(item: TokenStream) -> TokenStream {
        let mut tokens = item.clone().into_iter().skip_while(|token| !is_ident(token, "fn")).skip(1);
        match tokens.next() {
            Some(name) if is_ident(&name, "main") => "fn main() {}".parse().expect("Rust"),
            Some(_) => TokenStream::new(),
            None => item,
        }
    }
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == name)
}

/// Where one of the attributes is a plain `#[test]`, or a path that ends in it.
fn test_attribute(tokens: &[TokenTree]) -> Option<Span> {
    tokens.iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
            group.stream().into_iter().last().filter(|last| is_ident(last, "test")).map(|last| last.span())
        }
        _ => None,
    })
}
