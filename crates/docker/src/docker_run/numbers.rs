//! Numbers as the `docker` program reads them: Go's conversions, and its units of bytes and time.

use std::num::IntErrorKind;

/// What is wrong with a value, for people.
pub(super) type Problem = String;

/// `1`, `t`, `T`, `true`, `TRUE`, `True`, and the same of false.
pub(super) fn boolean(text: &str) -> Result<bool, Problem> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

/// A whole number with an optional sign, in decimal.
pub(super) fn decimal(text: &str) -> Result<i64, Problem> {
    text.parse::<i64>().map_err(|error| explain(error.kind()))
}

/// A whole number with an optional sign; `0x`, `0o`, `0b` and a leading `0` name another base, and
/// underscores may stand between digits if there is a prefix, as in Go.
pub(super) fn integer(text: &str) -> Result<i64, Problem> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(unsigned(digits)?);
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map_err(|_| explain(&IntErrorKind::PosOverflow))
}

/// The same without a sign.
pub(super) fn unsigned(text: &str) -> Result<u64, Problem> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &*lower),
    };
    let invalid = || explain(&IntErrorKind::InvalidDigit);
    // One between any two digits, or between prefix and digits.
    let misplaced =
        digits.ends_with('_') || digits.contains("__") || (radix == 10 && digits.starts_with('_'));
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    if plain.is_empty() || misplaced || !plain.chars().all(|c| c.is_digit(radix)) {
        return Err(invalid());
    }
    u64::from_str_radix(&plain, radix).map_err(|error| explain(error.kind()))
}

fn explain(kind: &IntErrorKind) -> Problem {
    let out_of_range = matches!(kind, IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
    if out_of_range { "out of range" } else { "not a whole number" }.to_owned()
}

/// Bytes: a number that may have a fraction, and `b`, `k`, `m`, `g`, `t` or `p`, with `b` or `ib`
/// behind it if one likes. Units are powers of 1024.
// differs: the `docker` program takes what is larger than an i64 for a negative number.
pub(super) fn bytes(text: &str) -> Result<i64, Problem> {
    let invalid = || "not a size such as 64m or 1.5g".to_owned();
    let last =
        text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').ok_or_else(invalid)?;
    let unit = text[last + 1..].to_ascii_lowercase();
    let number = if text.as_bytes()[last] == b' ' { &text[..last] } else { &text[..=last] };
    let number = float(number).filter(|number| *number >= 0.0).ok_or_else(invalid)?;

    let exponent = match unit.as_bytes() {
        [] | [b'b'] => 0,
        [prefix] | [prefix, b'b'] | [prefix, b'i', b'b'] => {
            let place = b"kmgtp".iter().position(|known| known == prefix).ok_or_else(invalid)?;
            i32::try_from(place + 1).map_err(|_| invalid())?
        }
        _ => return Err(invalid()),
    };
    let value = number * 1024_f64.powi(exponent);
    if value >= 9_223_372_036_854_775_807.0 {
        return Err("too large".to_owned());
    }
    Ok(value as i64)
}

/// A decimal number: no names, no other bases.
fn float(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
}

/// CPUs as billionths of one: a decimal number or a fraction of two, without a rest.
// differs: other bases, and values larger than an i64, which the `docker` program mistakes for
// something else, are errors.
pub(super) fn nano_cpus(text: &str) -> Result<i64, Problem> {
    let invalid = || "not a number of CPUs such as 1.5".to_owned();
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let (above, below) = (scaled(above).ok_or_else(invalid)?, scaled(below).ok_or_else(invalid)?);
    // Both are in units of 10^-18, so their quotient is the plain number.
    if below == 0 {
        return Err(invalid());
    }
    let nano = above.checked_mul(1_000_000_000).ok_or_else(|| "too large".to_owned())?;
    if nano % below != 0 {
        return Err("too precise: a CPU can be shared in billionths".to_owned());
    }
    i64::try_from(nano / below).map_err(|_| "too large".to_owned())
}

/// A decimal number in units of 10^-18; none if it has smaller parts, or is huge.
fn scaled(text: &str) -> Option<i128> {
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => (text, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(18)?;
    let number = digits.parse::<i128>().ok()?;
    let number = match u32::try_from(places) {
        Ok(places) => number.checked_mul(10_i128.checked_pow(places)?)?,
        Err(_) => {
            let divisor = 10_i128.checked_pow(places.unsigned_abs())?;
            (number % divisor == 0).then(|| number / divisor)?
        }
    };
    Some(if negative { -number } else { number })
}

/// Nanoseconds: numbers with units, `1h30m`, `1.5s`, `500ms`; a bare `0` is 0.
pub(super) fn duration(text: &str) -> Result<i64, Problem> {
    let invalid = || "not a duration such as 1m30s or 500ms".to_owned();
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let number = scaled(&rest[..end]).ok_or_else(invalid)?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit: i128 = match &rest[..end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(invalid()),
        };
        rest = &rest[end..];
        let part = number.checked_mul(unit).ok_or_else(invalid)? / 1_000_000_000_000_000_000;
        total = total.checked_add(part).ok_or_else(invalid)?;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bases_and_underscores() {
        for (text, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0x1F", Some(31)),
            ("0x_1", Some(1)),
            ("0b101", Some(5)),
            ("017", Some(15)),
            ("1_0", Some(10)),
            ("0_7", Some(7)),
            ("_1", None),
            ("0x", None),
            ("08", None),
            ("1__0", None),
            ("--1", None),
            ("+-1", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
        ] {
            assert_eq!(integer(text).ok(), value, "{text}");
        }
    }

    #[test]
    fn quotas_do_not_overflow() {
        for text in ["1e400", "1e20", "1e-30", "99999999999999999999999999999999999999999", "1/0"] {
            assert!(nano_cpus(text).is_err(), "{text}");
        }
        assert_eq!(nano_cpus("9e9"), Ok(9_000_000_000_000_000_000));
        assert!(bytes("99999999999999999999").is_err() && bytes("1e300").is_err());
        assert!(duration("99999999999999999999999999999999999h").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[-+0-9a-zµ._/ ]{0,24}") {
            let _ = (boolean(&text), decimal(&text), integer(&text), unsigned(&text));
            let _ = (bytes(&text), nano_cpus(&text), duration(&text));
        }

        #[test]
        fn numbers_survive(number: i64) {
            prop_assert_eq!(integer(&number.to_string()), Ok(number));
            prop_assert_eq!(decimal(&number.to_string()), Ok(number));
            prop_assert_eq!(duration(&format!("{number}ns")), Ok(number));
        }
    }
}
