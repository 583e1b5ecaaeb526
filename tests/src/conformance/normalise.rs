//! What differs from run to run, replaced by what stays: ids, times, addresses.

use serde_json::Value;

/// Replaces what differs from run to run. The first id that it meets becomes `<id1>`, and so on.
#[derive(Clone, Debug, Default)]
pub struct Normaliser {
    /// Texts, and what they become, in this order.
    texts: Vec<(String, String)>,
    ids: Vec<String>,
    digests: Vec<String>,
}

impl Normaliser {
    /// One that knows these texts.
    pub fn new(texts: Vec<(String, String)>) -> Normaliser {
        Normaliser { texts, ..Normaliser::default() }
    }

    /// Replaces placeholders of ids by the ids: `<id1>`, and `<id1:12>` by its first 12 digits.
    pub fn expand(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (all, kind) in [(&self.ids, "id"), (&self.digests, "sha")] {
            for (index, id) in all.iter().enumerate().rev() {
                let number = index + 1;
                text = text.replace(&format!("<{kind}{number}>"), id);
                for length in [4, 12] {
                    let short = format!("<{kind}{number}:{length}>");
                    text = text.replace(&short, &id[..length]);
                }
            }
        }
        text
    }

    /// A text as it is recorded.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.texts {
            text = text.replace(from, to);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let word_before = out.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
            let replaced = if word_before { None } else { self.token(rest, &out) };
            match replaced {
                Some((length, with)) => {
                    out.push_str(&with);
                    rest = &rest[length..];
                }
                None => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }

    /// What the beginning of a text becomes, and how long that is.
    fn token(&mut self, rest: &str, before: &str) -> Option<(usize, String)> {
        let hex = rest.bytes().take_while(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
        let hex = hex.count();
        let word = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        if hex == 64 && word == 64 {
            let (ids, kind) = match before.ends_with("sha256:") {
                true => (&mut self.digests, "sha"),
                false => (&mut self.ids, "id"),
            };
            let id = &rest[..64];
            let index = ids.iter().position(|known| known == id).unwrap_or_else(|| {
                ids.push(id.to_owned());
                ids.len() - 1
            });
            return Some((64, format!("<{kind}{}>", index + 1)));
        }
        if hex == 12 && word == 12 {
            for (ids, kind) in [(&self.ids, "id"), (&self.digests, "sha")] {
                if let Some(index) = ids.iter().position(|known| known.starts_with(&rest[..12])) {
                    return Some((12, format!("<{kind}{}:12>", index + 1)));
                }
            }
            return None;
        }
        time(rest).map(|length| (length, "<time>".to_owned()))
    }

    /// A value as it is recorded: fields in the order of their names.
    pub fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(all) => all.iter().map(|one| self.value(one)).collect(),
            Value::Object(fields) => {
                let mut names: Vec<&String> = fields.keys().collect();
                names.sort();
                let field = |name: &String| (self.text(name), self.value(&fields[name]));
                Value::Object(names.into_iter().map(field).collect())
            }
            other => other.clone(),
        }
    }
}

/// The length of the time at the beginning, if there is one that is not the time of nothing.
fn time(text: &str) -> Option<usize> {
    let digits = |from: usize, count: usize| {
        let part = text.as_bytes().get(from..from + count);
        part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
    let day = digits(0, 4) && is(4, b'-') && digits(5, 2) && is(7, b'-') && digits(8, 2);
    if !(day && is(10, b'T') && digits(11, 2) && is(13, b':')) || text.starts_with("0001-") {
        return None;
    }
    text.find('Z').filter(|end| *end <= 30).map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_replaced_and_the_rest_is_not() {
        let mut normaliser = Normaliser::new(vec![("cf7-".to_owned(), "~".to_owned())]);
        let (one, two) = ("a1".repeat(32), "b2".repeat(32));
        let text = format!("cf7-web {one} {two} {one} {} sha256:{one}", &one[..12]);
        assert_eq!(normaliser.text(&text), "~web <id1> <id2> <id1> <id1:12> sha256:<sha1>");
        assert_eq!(normaliser.expand("/x/<id2>/<id1:12>"), format!("/x/{two}/{}", &one[..12]));
        assert_eq!(normaliser.text("at 2026-01-02T03:04:05.678Z."), "at <time>.");
        let nothing = "0001-01-01T00:00:00Z and 123456789abc";
        assert_eq!(normaliser.text(nothing), nothing);
        let value = normaliser.value(&json!({"b": [two], "a": 1}));
        assert_eq!(value.to_string(), r#"{"a":1,"b":["<id2>"]}"#);
    }
}
