//! Names of containers: which are allowed, and what the daemon calls those that have none.

use super::answer::Refusal;
use super::messages;

const LEFT: [&str; 24] = [
    "admiring", "amazing", "bold", "brave", "busy", "clever", "cool", "dazzling", "eager", "epic",
    "focused", "gallant", "happy", "jolly", "keen", "kind", "laughing", "modest", "nice", "quirky",
    "serene", "tender", "vibrant", "zealous",
];

const RIGHT: [&str; 24] = [
    "allen", "babbage", "bell", "boole", "curie", "darwin", "euler", "fermi", "gauss", "germain",
    "hopper", "hypatia", "jackson", "kepler", "lamarr", "lovelace", "meitner", "newton", "noether",
    "pascal", "ritchie", "shannon", "turing", "wiles",
];

/// Checks a name, and takes its leading `/` away. `shown` is how the refusal shows it.
pub(super) fn check<'a>(name: &'a str, shown: &str) -> Result<&'a str, Refusal> {
    let plain = name.strip_prefix('/').unwrap_or(name);
    let mut bytes = plain.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest =
        bytes.len() > 0 && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if first && rest { Ok(plain) } else { Err(messages::invalid_name(shown)) }
}

/// A name for the container of this number; with a digit at its end after some failures.
pub(super) fn generate(number: u64, failures: u32) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let (left, right) = (mixed as usize % LEFT.len(), mixed as usize / LEFT.len() % RIGHT.len());
    let digit = if failures == 0 { String::new() } else { failures.to_string() };
    format!("{}_{}{digit}", LEFT[left], RIGHT[right])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_two_characters_or_more_and_no_strange_ones() {
        for name in ["ab", "/ab", "a.b-c_d", "0x"] {
            assert_eq!(check(name, name).as_deref(), Ok(name.trim_start_matches('/')));
        }
        for name in ["a", "", "/", "-ab", "a b", "a/b", "ä1"] {
            let refusal = check(name, name).unwrap_err();
            assert_eq!(refusal.status, 400, "{name}");
            assert_eq!(
                refusal.message,
                format!(
                    "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
                )
            );
        }
    }

    #[test]
    fn made_up_names_are_allowed_and_differ() {
        let names: std::collections::BTreeSet<_> =
            (0..50).map(|number| generate(number, 0)).collect();
        assert!(names.len() > 30, "{names:?}");
        assert!(names.iter().all(|name| check(name, name).is_ok()));
        assert!(generate(1, 2).ends_with('2'));
    }
}
