//! Request targets: path and query.
//!
//! Mirrors `http::decode`, `http::encode` and `http::query::decode` in
//! `3rdparty/libprocess/src/http.cpp`.

use std::collections::BTreeMap;
use std::fmt;

/// The target of a request.
#[doc(alias = "http::URL")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// The path as it was sent: percent-encoded.
    pub path: String,
    /// The decoded parameters. Of a repeated one the last counts; one without `=` has the value "".
    pub query: BTreeMap<String, String>,
}

impl Url {
    /// Splits a request target. The part behind a `#` is dropped.
    ///
    /// # Errors
    ///
    /// A query with a `%` that no two hexadecimal digits follow, or that is no UTF-8.
    pub fn parse(target: &str) -> Result<Self, String> {
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut decoded = BTreeMap::new();
        for pair in query.split(['&', ';']).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            decoded.insert(form_decode(key)?, form_decode(value)?);
        }
        Ok(Url { path: path.to_owned(), query: decoded })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (index, (key, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(f, "{separator}{}={}", percent_encode(key), percent_encode(value))?;
        }
        Ok(())
    }
}

fn form_decode(text: &str) -> Result<String, String> {
    percent_decode(&text.replace('+', " "))
}

/// Replaces each `%` and the two hexadecimal digits behind it by the byte that they stand for.
///
/// # Errors
///
/// A `%` that no two hexadecimal digits follow, or a result that is no UTF-8.
#[doc(alias = "http::decode")]
pub fn percent_decode(text: &str) -> Result<String, String> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            decoded.push(first);
            rest = tail;
            continue;
        }
        let digit = |at: usize| tail.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err(format!("Malformed % escape in '{text}'"));
        };
        decoded.push((high * 16 + low) as u8);
        rest = &tail[2..];
    }
    String::from_utf8(decoded).map_err(|_| format!("'{text}' is not UTF-8 when decoded"))
}

/// Replaces all bytes but letters, digits and `-_.~` by `%` and two hexadecimal digits.
#[doc(alias = "http::encode")]
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split() {
        let url = Url::parse("/slave(1)/state?a=1&b=x+y%21;flag&a=2#part").unwrap();
        assert_eq!(url.path, "/slave(1)/state");
        let query: Vec<_> = url.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(query, ["a=2", "b=x y!", "flag="]);
        assert_eq!(url.to_string(), "/slave(1)/state?a=2&b=x%20y%21&flag=");
    }

    #[test]
    fn broken_escapes_are_named() {
        for text in ["%", "%4", "%zz", "a%+1"] {
            assert_eq!(percent_decode(text), Err(format!("Malformed % escape in '{text}'")));
            assert!(Url::parse(&format!("/?k={text}&")).is_err());
        }
        assert!(percent_decode("%ff").unwrap_err().contains("not UTF-8"));
        assert_eq!(percent_decode("%28%e2%82%ac").unwrap(), "(€");
        assert_eq!(percent_encode("(€"), "%28%E2%82%AC");
    }
}
