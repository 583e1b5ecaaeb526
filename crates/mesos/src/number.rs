//! Numbers as C++ streams print them.

/// A double with 15 significant digits and no trailing zeros: `%.15g`, which is what upstream sets
/// its streams to (`std::numeric_limits<double>::digits10`).
pub(crate) fn shortest(value: f64) -> String {
    const DIGITS: i32 = 15;
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".into() } else { "0".into() };
    }

    // The exponent after rounding to 15 digits decides between the two notations.
    let scientific = format!("{value:.14e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);

    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        trim(&format!("{value:.decimals$}")).to_string()
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
    }
}

fn trim(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn prints_as_a_cpp_stream_does() {
        for (value, expected) in [
            (0.0, "0"),
            (45.55, "45.55"),
            (0.1 + 0.2, "0.3"),
            (1024.0, "1024"),
            (-2.5, "-2.5"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (123_456_789_012_345_680.0, "1.23456789012346e+17"),
            (15_250.284_452_471_54, "15250.2844524715"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(shortest(value), expected);
        }
    }
}
