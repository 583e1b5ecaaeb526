//! `--volume`: a bind mount, a named volume or an anonymous one.

use super::numbers::Problem;

/// What `--volume` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Volume {
    /// Something is mounted: the whole text.
    Bind(String),
    /// A fresh volume is mounted here.
    Anonymous(String),
}

/// Takes `[source:]target[:options]` apart, by the rules of the `docker` program: a single letter
/// before a colon is a drive of Windows, and no source.
// differs: a source that begins with a dot is an error: the `docker` program takes it for one in
// the directory that it was started in.
pub(super) fn volume(text: &str) -> Result<Volume, Problem> {
    if text.is_empty() {
        return Err("empty".to_owned());
    }
    if text.len() <= 2 {
        return Ok(Volume::Anonymous(text.to_owned()));
    }
    let mut sections = Vec::new();
    let mut section = String::new();
    for character in text.chars() {
        let drive = character == ':'
            && section.chars().count() == 1
            && section.starts_with(|c: char| c.is_alphabetic());
        if character == ':' && !drive {
            sections.push(std::mem::take(&mut section));
        } else {
            section.push(character);
        }
    }
    sections.push(section);
    if sections.iter().any(String::is_empty) {
        return Err("an empty section between colons".to_owned());
    }
    match sections.as_slice() {
        [_] => Ok(Volume::Anonymous(text.to_owned())),
        [source, _] | [source, _, _] => {
            // What the daemon gets begins at the first colon, drive or not.
            if source.starts_with('.') {
                return Err("a path that begins with a dot: give an absolute one".to_owned());
            }
            Ok(Volume::Bind(text.to_owned()))
        }
        _ => Err("too many colons".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dots_have_no_directory() {
        assert!(volume("./a:/b").is_err());
        assert!(volume("../a:/b:ro").is_err());
        assert_eq!(volume("/./a:/b"), Ok(Volume::Bind("/./a:/b".to_owned())));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-cäA-C:/\\\\.~,]{0,16}") {
            let _ = volume(&text);
        }
    }
}
