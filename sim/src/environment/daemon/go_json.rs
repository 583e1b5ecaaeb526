//! What Go's JSON decoder says of bytes that are no JSON.

/// What is expected next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// A value, or the end of the list.
    FirstElement,
    /// A key, or the end of the object.
    FirstKey,
    Key,
    Colon,
    /// What may follow a member or an element; nothing more at the top.
    After,
}

/// Why the first value in these bytes is none; nothing if it is one, or has no end.
pub fn complaint(bytes: &[u8]) -> Option<String> {
    let mut stack: Vec<u8> = Vec::new();
    let mut next = Next::Value;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let wrong = |context: &str| Some(format!("invalid character {} {context}", quoted(byte)));
        match next {
            Next::FirstElement if byte == b']' => {
                stack.pop();
                next = Next::After;
                at += 1;
            }
            Next::FirstKey if byte == b'}' => {
                stack.pop();
                next = Next::After;
                at += 1;
            }
            Next::Value | Next::FirstElement => match byte {
                b'{' => {
                    stack.push(byte);
                    next = Next::FirstKey;
                    at += 1;
                }
                b'[' => {
                    stack.push(byte);
                    next = Next::FirstElement;
                    at += 1;
                }
                b'"' => {
                    at = text(bytes, at)?;
                    next = Next::After;
                }
                b't' | b'f' | b'n' => {
                    at = match word(bytes, at) {
                        Ok(at) => at?,
                        Err(complaint) => return Some(complaint),
                    };
                    next = Next::After;
                }
                b'-' | b'0'..=b'9' => {
                    let number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                    at += bytes[at..].iter().take_while(|byte| number(byte)).count();
                    next = Next::After;
                }
                _ => return wrong("looking for beginning of value"),
            },
            Next::FirstKey | Next::Key => match byte {
                b'"' => {
                    at = text(bytes, at)?;
                    next = Next::Colon;
                }
                _ => return wrong("looking for beginning of object key string"),
            },
            Next::Colon if byte == b':' => {
                next = Next::Value;
                at += 1;
            }
            Next::Colon => return wrong("after object key"),
            Next::After => {
                let open = stack.last()?;
                let (close, context) = match open {
                    b'{' => (b'}', "after object key:value pair"),
                    _ => (b']', "after array element"),
                };
                match byte {
                    b',' => next = if *open == b'{' { Next::Key } else { Next::Value },
                    _ if byte == close => {
                        stack.pop();
                    }
                    _ => return wrong(context),
                }
                at += 1;
            }
        }
        if next == Next::After && stack.is_empty() {
            return None;
        }
    }
    None
}

/// A character as Go shows it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => format!("{:?}", char::from(byte)),
    }
}

/// Where a text ends that begins here; nothing if it does not.
fn text(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Where one of the words ends that begins here.
fn word(bytes: &[u8], from: usize) -> Result<Option<usize>, String> {
    let word = match bytes[from] {
        b't' => "true",
        b'f' => "false",
        _ => "null",
    };
    for (index, wanted) in word.bytes().enumerate() {
        match bytes.get(from + index) {
            None => return Ok(None),
            Some(found) if *found == wanted => {}
            Some(found) => {
                let (found, wanted) = (quoted(*found), quoted(wanted));
                return Err(format!(
                    "invalid character {found} in literal {word} (expecting {wanted})"
                ));
            }
        }
    }
    Ok(Some(from + word.len()))
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn what_is_wrong_is_said_in_gos_words() {
        for (text, expected) in [
            ("x", "invalid character 'x' looking for beginning of value"),
            ("{\"a\"}", "invalid character '}' after object key"),
            ("{\"a\":}", "invalid character '}' looking for beginning of value"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{1", "invalid character '1' looking for beginning of object key string"),
            ("nonsense", "invalid character 'o' in literal null (expecting 'u')"),
            ("[\"a\\\"b\", ']", "invalid character '\\'' looking for beginning of value"),
        ] {
            assert_eq!(complaint(text.as_bytes()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "{", "{\"a\"", "nul", "{} x", "[1, {\"a\": [true, null]}, -1.5e3]", "\"x"]
        {
            assert_eq!(complaint(text.as_bytes()), None, "{text}");
        }
    }
}
