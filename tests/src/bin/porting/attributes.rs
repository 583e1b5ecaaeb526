//! What the attributes of an item say.

use syn::parse::Parse;
use syn::{Attribute, Expr, Ident, Token};

/// Upstream's names in some attributes. One that is the item's own name says nothing.
pub fn aliases(attributes: &[Attribute], own: &str) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        // What is no list, as the text of a comment, is no alias.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("alias") {
                if meta.input.peek(Token![=]) {
                    found.push(meta.value()?.parse::<syn::LitStr>()?.value());
                } else {
                    let list;
                    syn::parenthesized!(list in meta.input);
                    let several =
                        list.parse_terminated(<syn::LitStr as Parse>::parse, Token![,])?;
                    found.extend(several.iter().map(syn::LitStr::value));
                }
            } else if meta.input.peek(Token![=]) {
                meta.value()?.parse::<Expr>()?;
            }
            Ok(())
        });
    }
    found.retain(|alias| alias != own);
    found
}

/// Whether an attribute makes a function a test.
pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().segments.last().is_some_and(|segment| segment.ident == "test")
    })
}

/// Whether it is compiled for tests only.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Ident>().is_ok_and(|ident| ident == "test")
    })
}
