//! JSON in the layout of upstream's `jsonify`: no blanks, RapidJSON's numbers and escapes.
//!
//! Mirrors `3rdparty/stout/include/stout/jsonify.hpp`, which writes with RapidJSON 1.1.0.

use std::fmt::Write;

/// Appends a finite number as upstream prints doubles: always with a fraction or an exponent, the
/// exponent only below a millionth and from 10²¹ on. What is not finite has no form in JSON and is
/// written as `null`; callers with a better answer must give it before.
///
/// Now and then RapidJSON's digits are not the shortest ones that mean the same number; these are.
pub(crate) fn number(out: &mut String, value: f64) {
    if !value.is_finite() {
        out.push_str("null");
        return;
    }
    // Rust's `{:e}` gives the shortest digits that read back as the same number: `-1.25e-7`.
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    if unsigned.len() < mantissa.len() {
        out.push('-');
    }
    let digits: String = unsigned.chars().filter(char::is_ascii_digit).collect();

    // Where the point goes, counted from the first digit.
    let point = exponent + 1;
    match usize::try_from(point) {
        Ok(point @ 1..=21) if digits.len() <= point => {
            out.push_str(&digits);
            out.extend(std::iter::repeat_n('0', point - digits.len()));
            out.push_str(".0");
        }
        Ok(point @ 1..=21) => {
            let (whole, fraction) = digits.split_at(point);
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
        _ if (-5..=0).contains(&point) => {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
            out.push_str(&digits);
        }
        _ => {
            out.push_str(unsigned);
            out.push('e');
            out.push_str(&exponent.to_string());
        }
    }
}

/// Appends a string with its quotes. Only what JSON forbids is escaped; all else stays UTF-8.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{number, string};

    fn printed(value: f64) -> String {
        let mut out = String::new();
        number(&mut out, value);
        out
    }

    #[test]
    fn numbers_are_laid_out_as_rapidjson_does() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (42.0, "42.0"),
            (-1.5, "-1.5"),
            (130.853888, "130.853888"),
            (2_147_483_648.0, "2147483648.0"),
            (19_702_427_648.0, "19702427648.0"),
            (0.09787904, "0.09787904"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.000_001, "0.000001"),
            (0.000_001_25, "0.00000125"),
            (0.000_000_1, "1e-7"),
            (0.000_000_125, "1.25e-7"),
            (1e20, "100000000000000000000.0"),
            (1.5e20, "150000000000000000000.0"),
            (1e21, "1e21"),
            (-1.234e33, "-1.234e33"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(printed(value), expected);
        }
    }

    #[test]
    fn numbers_read_back_as_themselves() {
        let mut bits = 1_u64;
        for _ in 0..10_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_eq!(printed(value).parse(), Ok(value));
            }
        }
    }

    #[test]
    fn strings_escape_what_they_must() {
        let mut out = String::new();
        string(&mut out, "a/\"b\"\\ \u{8}\t\n\u{c}\r \u{1}\u{1f}\u{7f} ä€");
        assert_eq!(out, "\"a/\\\"b\\\"\\\\ \\b\\t\\n\\f\\r \\u0001\\u001F\u{7f} ä€\"");
    }
}
