//! Arithmetic on resource values, and their text form; mirrors `src/common/values.cpp`.
//!
//! Scalars are compared and added in fixed point with three decimals, so that sums come out as
//! people expect.

use std::fmt;

use crate::{
    Value, number,
    value::{self, Range, Ranges, Scalar, Set, Text},
};

/// Why a text is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing but spaces.
    #[error("expected a value, found nothing")]
    Empty,
    /// An opening bracket without a closing one, or the reverse.
    #[error("mismatched brackets in '{0}'")]
    Brackets(String),
    /// Not pairs of numbers.
    #[error("expected ranges as in [1-10, 20-30], found '{0}'")]
    Ranges(String),
    /// A number too small to be told from zero.
    #[error("'{0}' is too small a number")]
    Subnormal(String),
    /// A bracket in the middle.
    #[error("unexpected '{bracket}' in '{text}'")]
    Unexpected {
        /// The bracket.
        bracket: char,
        /// All of the text.
        text: String,
    },
}

/// In thousandths; what does not fit is cut off.
#[doc(alias = "convertToFixed")]
pub(crate) fn to_fixed(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

#[doc(alias = "convertToFloating")]
fn to_floating(fixed: i64) -> f64 {
    // In two steps, as upstream: the division only ever sees numbers below 1000.
    (fixed / 1000) as f64 + (fixed % 1000) as f64 / 1000.0
}

/// To three decimals.
pub(crate) fn rounded(value: f64) -> f64 {
    to_floating(to_fixed(value))
}

pub(crate) fn add_scalar(left: &mut Scalar, right: &Scalar) {
    left.value = to_floating(to_fixed(left.value).saturating_add(to_fixed(right.value)));
}

pub(crate) fn subtract_scalar(left: &mut Scalar, right: &Scalar) {
    left.value = to_floating(to_fixed(left.value).saturating_sub(to_fixed(right.value)));
}

/// Sorts ranges and joins those that overlap or touch.
pub fn coalesce(ranges: &mut Ranges) {
    ranges.range.sort_by_key(|range| (range.begin, range.end));
    ranges.range.dedup_by(|next, current| {
        let joined = next.begin <= current.end.saturating_add(1);
        if joined {
            current.end = current.end.max(next.end);
        }
        joined
    });
}

pub(crate) fn add_ranges(left: &mut Ranges, right: &Ranges) {
    left.range.extend(right.range.iter().copied());
    coalesce(left);
}

#[doc(alias = "subtract")]
pub(crate) fn subtract_ranges(left: &mut Ranges, right: &Ranges) {
    if left.range.is_empty() || right.range.is_empty() {
        return;
    }
    left.range.sort_by_key(|range| range.begin);
    let mut right = right.range.clone();
    right.sort_by_key(|range| range.begin);

    let mut result = Vec::new();
    for &range in &left.range {
        let mut rest = Some(range);
        for &cut in &right {
            let Some(current) = rest else { break };
            if cut.end < current.begin || current.end < cut.begin {
                continue;
            }
            if current.begin < cut.begin {
                result.push(Range { begin: current.begin, end: cut.begin - 1 });
            }
            rest = (cut.end < current.end)
                .then(|| Range { begin: cut.end.saturating_add(1), end: current.end });
        }
        result.extend(rest);
    }
    left.range = result;
}

pub(crate) fn ranges_equal(left: &Ranges, right: &Ranges) -> bool {
    coalesced(left) == coalesced(right)
}

/// Whether each range of `inner` lies within one of `outer`.
pub(crate) fn ranges_within(inner: &Ranges, outer: &Ranges) -> bool {
    let outer = coalesced(outer);
    coalesced(inner).range.iter().all(|range| {
        outer.range.iter().any(|around| around.begin <= range.begin && range.end <= around.end)
    })
}

fn coalesced(ranges: &Ranges) -> Ranges {
    let mut ranges = ranges.clone();
    coalesce(&mut ranges);
    ranges
}

pub(crate) fn add_set(left: &mut Set, right: &Set) {
    for item in &right.item {
        if !left.item.contains(item) {
            left.item.push(item.clone());
        }
    }
}

pub(crate) fn subtract_set(left: &mut Set, right: &Set) {
    for item in &right.item {
        if let Some(position) = left.item.iter().position(|present| present == item) {
            left.item.remove(position);
        }
    }
}

pub(crate) fn set_within(inner: &Set, outer: &Set) -> bool {
    inner.item.len() <= outer.item.len() && inner.item.iter().all(|item| outer.item.contains(item))
}

/// At most three decimals.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&number::shortest(rounded(self.value)))
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, range) in self.range.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{}-{}", range.begin, range.end)?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.item.join(", "))
    }
}

impl Value {
    /// Reads `4.5`, `[31000-32000, 33000-33010]`, `{sda1, sda2}`; anything else without brackets is
    /// text. Spaces do not count.
    #[doc(alias = "values::parse")]
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.replace(' ', "");
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        if !['{', '[', '('].into_iter().zip(['}', ']', ')']).all(|(a, b)| balanced(&text, a, b)) {
            return Err(ParseError::Brackets(text));
        }
        match (text.find('['), text.find('{')) {
            (Some(0), _) => parse_ranges(&text),
            (None, Some(0)) => Ok(parse_set(&text)),
            (None, None) => parse_number_or_text(text),
            (Some(_), _) => Err(ParseError::Unexpected { bracket: '[', text }),
            (None, Some(_)) => Err(ParseError::Unexpected { bracket: '{', text }),
        }
    }

    fn of(r#type: value::Type) -> Self {
        Self { r#type: r#type.into(), scalar: None, ranges: None, set: None, text: None }
    }
}

fn balanced(text: &str, open: char, close: char) -> bool {
    let mut depth = 0usize;
    for c in text.chars() {
        if c == open {
            depth += 1;
        } else if c == close {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            }
        }
    }
    depth == 0
}

fn tokens<'a>(text: &'a str, separators: &'a [char]) -> Vec<&'a str> {
    text.split(separators).filter(|token| !token.is_empty()).collect()
}

fn parse_ranges(text: &str) -> Result<Value, ParseError> {
    let error = || ParseError::Ranges(text.into());
    let numbers = tokens(text, &['[', ']', '-', ',', '\n'])
        .into_iter()
        .map(|token| token.parse::<u64>().map_err(|_| error()))
        .collect::<Result<Vec<_>, _>>()?;
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(error());
    }
    let range = pairs.iter().map(|&[begin, end]| Range { begin, end }).collect();
    let mut ranges = Ranges { range };
    coalesce(&mut ranges);
    Ok(Value { ranges: Some(ranges), ..Value::of(value::Type::Ranges) })
}

fn parse_set(text: &str) -> Value {
    let item = tokens(text, &['{', '}', ',', '\n']).into_iter().map(Into::into).collect();
    Value { set: Some(Set { item }), ..Value::of(value::Type::Set) }
}

fn parse_number_or_text(text: String) -> Result<Value, ParseError> {
    // differs: upstream also reads hexadecimal numbers here.
    match text.parse::<f64>() {
        Ok(number) if number.is_subnormal() => Err(ParseError::Subnormal(text)),
        Ok(number) if number.is_finite() && number >= 0.0 => {
            let scalar = Some(Scalar { value: number });
            Ok(Value { scalar, ..Value::of(value::Type::Scalar) })
        }
        _ => Ok(Value { text: Some(Text { value: text }), ..Value::of(value::Type::Text) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    fn ranges(text: &str) -> Ranges {
        Value::parse(text).unwrap().ranges.unwrap()
    }

    #[test]
    fn parses_the_four_types() {
        for (text, expected) in [
            ("45.55", Type::Scalar),
            ("[10000-20000, 30000-50000]", Type::Ranges),
            ("{sda1, sda2}", Type::Set),
            ("text", Type::Text),
            ("-1", Type::Text),
            ("nan", Type::Text),
        ] {
            assert_eq!(Value::parse(text).unwrap().r#type(), expected, "{text}");
        }
        for text in
            ["", "  ", "[1-2", "1-2]", "{a", "}a{", "[1-]", "[a-b]", "x[1-2]", "x{a}", "1e-310"]
        {
            assert!(Value::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_are_joined() {
        for (text, expected) in [
            ("[1-10, 5-30, 50-60]", "[1-30, 50-60]"),
            ("[1-2, 3-4]", "[1-4]"),
            ("[5-6, 1-2]", "[1-2, 5-6]"),
            ("[1-1, 1-1]", "[1-1]"),
            ("[0-18446744073709551615, 7-7]", "[0-18446744073709551615]"),
        ] {
            assert_eq!(ranges(text).to_string(), expected);
        }
    }

    #[test]
    fn ranges_are_subtracted() {
        for (left, right, expected) in [
            ("[20000-30000]", "[10000-20000, 30000-50000]", "[20001-29999]"),
            ("[50000-60000]", "[50000-50001]", "[50002-60000]"),
            ("[50000-60000]", "[50000-50000]", "[50001-60000]"),
            ("[1-10]", "[11-20]", "[1-10]"),
            ("[1-10]", "[1-10]", "[]"),
            ("[1-10, 20-30]", "[5-25]", "[1-4, 26-30]"),
            ("[0-18446744073709551615]", "[0-0]", "[1-18446744073709551615]"),
            ("[5-5]", "[0-18446744073709551615]", "[]"),
        ] {
            let mut result = ranges(left);
            subtract_ranges(&mut result, &ranges(right));
            assert_eq!(result.to_string(), expected, "{left} - {right}");
        }
    }

    #[test]
    fn scalars_have_three_decimals() {
        let mut scalar = Scalar { value: 0.1 };
        add_scalar(&mut scalar, &Scalar { value: 0.2 });
        assert_eq!(scalar.value, 0.3);
        assert_eq!(Scalar { value: 1.234_56 }.to_string(), "1.235");
        assert_eq!(Scalar { value: f64::NAN }.to_string(), "0");
    }
}
