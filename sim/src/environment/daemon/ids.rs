//! Ids and digests: made up, but of the right form, and different in their first twelve digits.
//!
//! Nothing here is a secure hash. Layers and configurations have no content, so that a digest only
//! has to be the same for the same thing, in every run.

use std::sync::Arc;

const DIGITS: usize = 64;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What an id is of; ids of different kinds differ also for equal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Kind {
    Container = 0x5bd1_e995_9d1b_58c3,
    Exec = 0x1f83_d9ab_fb41_bd6b,
    Network = 0x3c6e_f372_fe94_f82b,
    Endpoint = 0xa54f_f53a_5f1d_36f1,
    Sandbox = 0x510e_527f_ade6_82d1,
}

fn scramble(mut value: u64) -> u64 {
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

fn write_hex(into: &mut [u8], value: u64) {
    for (place, digit) in into.iter_mut().enumerate() {
        *digit = HEX[(value >> (60 - 4 * place) & 15) as usize];
    }
}

fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("hexadecimal digits are ASCII")
}

/// An id: the number at the end, the number scrambled at the start.
pub(super) fn id(kind: Kind, number: u64) -> Arc<str> {
    let mut id = [b'0'; DIGITS];
    let salt = kind as u64;
    write_hex(&mut id[..16], scramble(number.wrapping_add(salt)));
    write_hex(&mut id[DIGITS - 16..], number);
    text(&id).into()
}

/// The number in a full id.
pub(super) fn number_in(id: &str) -> Option<u64> {
    if id.len() != DIGITS {
        return None;
    }
    u64::from_str_radix(id.get(DIGITS - 16..)?, 16).ok()
}

/// The digest of a text: `sha256:` and 64 digits.
pub(super) fn digest(of: &str) -> Arc<str> {
    const PREFIX: &[u8; 7] = b"sha256:";
    let mut hash = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut digits = [b'0'; 7 + DIGITS];
    digits[..7].copy_from_slice(PREFIX);
    for part in digits[7..].chunks_mut(16) {
        hash = scramble(hash.wrapping_add(0x9e37_79b9_7f4a_7c15));
        write_hex(part, hash);
    }
    text(&digits).into()
}

/// The short form of an id or a digest: twelve digits.
pub(super) fn short(id: &str) -> &str {
    let value = id.strip_prefix("sha256:").unwrap_or(id);
    value.get(..12).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_contains_its_number() {
        let first = id(Kind::Container, 0x1234);
        assert_eq!(first.len(), 64);
        assert_eq!(number_in(&first), Some(0x1234));
        assert_ne!(short(&first), short(&id(Kind::Container, 0x1235)));
        assert_ne!(short(&first), short(&id(Kind::Network, 0x1234)));
        assert_eq!(number_in("12"), None);
    }

    #[test]
    fn a_digest_has_the_form_of_one_and_depends_on_the_text() {
        let one = digest("app");
        assert_eq!(one.len(), 71);
        assert!(one.starts_with("sha256:"));
        assert!(one[7..].bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(one, digest("app"));
        assert_ne!(short(&one), short(&digest("apq")));
        assert_eq!(short("ab"), "ab");
    }
}
