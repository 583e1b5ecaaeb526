//! Texts that the `docker` program checks before it sends them on, and how it takes others apart.

use super::numbers::Problem;
use std::net::IpAddr;

/// The key and value of `key=value`; without the `=` the value is empty.
pub(super) fn key_value(text: &str) -> (String, String) {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    (key.to_owned(), value.to_owned())
}

/// The fields of one line of comma-separated values, which may be quoted as in RFC 4180.
// differs: Go's reader takes a quoted line break for a part of the field; here it is an error.
pub(super) fn comma_separated(text: &str) -> Result<Vec<String>, Problem> {
    if text.is_empty() {
        return Err("empty".to_owned());
    }
    if text.contains(['\n', '\r']) {
        return Err("there is a line break in it".to_owned());
    }
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let (field, behind) = match rest.split_once(',') {
                    Some((field, behind)) => (field, Some(behind)),
                    None => (rest, None),
                };
                if field.contains('"') {
                    return Err("a quote within a field that does not begin with one".to_owned());
                }
                (field.to_owned(), behind)
            }
        };
        fields.push(field);
        match behind {
            Some(behind) => rest = behind,
            None => return Ok(fields),
        }
    }
}

/// What stands before the closing quote, with doubled quotes made single; and what comes behind the
/// comma, if there is one.
fn quoted_field(text: &str) -> Result<(String, Option<&str>), Problem> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, behind) = rest.split_once('"').ok_or("a quote is not closed")?;
        field.push_str(before);
        if let Some(behind) = behind.strip_prefix('"') {
            field.push('"');
            rest = behind;
        } else if behind.is_empty() {
            return Ok((field, None));
        } else if let Some(behind) = behind.strip_prefix(',') {
            return Ok((field, Some(behind)));
        } else {
            return Err("something behind a closing quote".to_owned());
        }
    }
}

/// An IP address in its usual form; spaces around it do not count.
pub(super) fn ip_address(text: &str) -> Result<String, Problem> {
    let address: IpAddr = text.trim().parse().map_err(|_| "not an IP address".to_owned())?;
    Ok(address.to_canonical().to_string())
}

/// Whether a text is a hardware address of 6, 8 or 20 bytes, in one of the usual forms.
pub(super) fn is_mac_address(text: &str) -> bool {
    let text = text.trim();
    let groups = |separator: char, digits: usize| -> Option<usize> {
        let groups: Vec<_> = text.split(separator).collect();
        let valid = |group: &&str| {
            group.len() == digits && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        groups.iter().all(valid).then_some(groups.len() * digits / 2)
    };
    [groups(':', 2), groups('-', 2), groups('.', 4)]
        .into_iter()
        .flatten()
        .any(|bytes| matches!(bytes, 6 | 8 | 20))
}

/// A search domain; `.` is none at all. A dot at the end does not count.
pub(super) fn search_domain(text: &str) -> Result<String, Problem> {
    let text = text.trim_matches(' ');
    if text == "." {
        return Ok(text.to_owned());
    }
    let trimmed = text.trim_end_matches(|c: char| c.is_ascii_whitespace());
    let domain = trimmed.strip_suffix('.').unwrap_or(trimmed);
    let label = |label: &str| {
        let bytes = label.as_bytes();
        label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
    };
    let lettered = domain.contains(|c: char| c.is_ascii_alphabetic());
    if lettered && domain.len() < 255 && domain.split('.').all(label) {
        Ok(domain.to_owned())
    } else {
        Err("not a domain".to_owned())
    }
}

/// `name:address` of a further host, from that or `name=address`, the address in brackets or not.
pub(super) fn extra_host(text: &str) -> Result<String, Problem> {
    let invalid = || "not of the form host:ip".to_owned();
    let (host, address) =
        text.split_once('=').or_else(|| text.split_once(':')).ok_or_else(invalid)?;
    if host.is_empty() || host.contains(':') {
        return Err(invalid());
    }
    let inner = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let address = inner.filter(|inner| !inner.is_empty()).unwrap_or(address);
    if address != "host-gateway" {
        ip_address(address)?;
    }
    Ok(format!("{host}:{address}"))
}

/// Checks `container[:alias]`.
pub(super) fn link(text: &str) -> Result<String, Problem> {
    match text.split(':').count() {
        _ if text.is_empty() => Err("empty".to_owned()),
        1 | 2 => Ok(text.to_owned()),
        _ => Err("not of the form container:alias".to_owned()),
    }
}

/// Checks `key[=value]`: labels have a name without spaces.
pub(super) fn label(text: &str) -> Result<(String, String), Problem> {
    let (key, value) = key_value(text);
    let name = key.trim_start_matches([' ', '\t']);
    if name.is_empty() {
        return Err("a label has a name".to_owned());
    }
    if name.contains([' ', '\t']) {
        return Err("there are spaces in a label's name".to_owned());
    }
    Ok((key, value))
}

/// Checks `key=value`: only kernel parameters of namespaces can be set.
pub(super) fn sysctl(text: &str) -> Result<(String, String), Problem> {
    const SINGLE: [&str; 8] = [
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ];
    let (key, _) = text.split_once('=').ok_or("not of the form key=value")?;
    if SINGLE.contains(&key) || key.starts_with("net.") || key.starts_with("fs.mqueue.") {
        Ok(key_value(text))
    } else {
        Err("this kernel parameter cannot be set for a container".to_owned())
    }
}

/// A variable. Without a value it would be taken from the environment of the `docker` program.
// differs: there is no such program, and whose environment would count instead is anybody's guess.
pub(super) fn variable(text: &str) -> Result<(String, String), Problem> {
    match text.split_once('=') {
        Some(("", _)) => Err("a variable has a name".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => {
            Err("without a value it would be taken from the environment of the docker program; \
                     say NAME=value"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields() {
        for (text, expected) in [
            ("a", Some(&["a"][..])),
            ("a,b=c", Some(&["a", "b=c"])),
            (",", Some(&["", ""])),
            ("\"a,b\",\"c\"\"d\"", Some(&["a,b", "c\"d"])),
            ("\"\"", Some(&[""])),
            ("\"a\"b", None),
            ("a\"b\"", None),
            ("\"a", None),
            ("a\nb", None),
            ("", None),
        ] {
            let fields = comma_separated(text).ok();
            assert_eq!(fields.as_deref(), expected.map(|e| e.map_to_owned()).as_deref(), "{text}");
        }
    }

    trait MapToOwned {
        fn map_to_owned(&self) -> Vec<String>;
    }

    impl MapToOwned for &[&str] {
        fn map_to_owned(&self) -> Vec<String> {
            self.iter().map(|&text| text.to_owned()).collect()
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[-a-zä0-9=:,.\"\\[\\] ]{0,24}") {
            let _ = (comma_separated(&text), ip_address(&text), is_mac_address(&text));
            let _ = (search_domain(&text), extra_host(&text), link(&text), label(&text));
            let _ = (sysctl(&text), variable(&text), key_value(&text));
        }

        #[test]
        fn quoted_fields_survive(fields in prop::collection::vec("[a-z,\"]{0,6}", 1..5)) {
            let quoted: Vec<_> =
                fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            prop_assert_eq!(comma_separated(&quoted.join(",")), Ok(fields));
        }
    }
}
