//! Amounts of memory and disk; mirrors `stout/bytes.hpp`.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Mul, Sub, SubAssign},
    str::FromStr,
};

/// A number of bytes, written `64MB`. Arithmetic saturates.
// differs: upstream wraps around, which turns "too little" into 16 exabytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(u64);

/// Why a text is no number of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseBytesError {
    /// Not digits followed by a unit.
    #[error("Invalid bytes '{0}': expected digits and a unit, as in 64MB")]
    Invalid(String),
    /// A decimal point.
    #[error("Fractional bytes '{0}': use a smaller unit")]
    Fractional(String),
    /// None of B, KB, MB, GB, TB.
    #[error("Unknown bytes unit '{unit}' in '{text}': expected B, KB, MB, GB or TB")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// All of the text.
        text: String,
    },
    /// More than 64 bits can hold.
    #[error("Bytes '{0}' are more than 64 bits can hold")]
    TooLarge(String),
}

/// From the largest to the smallest.
const UNITS: [(&str, u64); 5] =
    [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)];

impl Bytes {
    /// None at all.
    pub const ZERO: Self = Self(0);

    /// So many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many times 2^10 bytes.
    #[doc(alias = "Kilobytes")]
    pub const fn kilobytes(value: u64) -> Self {
        Self(value.saturating_mul(1 << 10))
    }

    /// So many times 2^20 bytes.
    #[doc(alias = "Megabytes")]
    pub const fn megabytes(value: u64) -> Self {
        Self(value.saturating_mul(1 << 20))
    }

    /// So many times 2^30 bytes.
    #[doc(alias = "Gigabytes")]
    pub const fn gigabytes(value: u64) -> Self {
        Self(value.saturating_mul(1 << 30))
    }

    /// So many times 2^40 bytes.
    #[doc(alias = "Terabytes")]
    pub const fn terabytes(value: u64) -> Self {
        Self(value.saturating_mul(1 << 40))
    }

    /// The number of bytes.
    #[doc(alias = "bytes")]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Reads `64MB`; units are not case sensitive, fractions are refused.
    #[doc(alias = "Bytes::parse")]
    pub fn parse(text: &str) -> Result<Self, ParseBytesError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        if unit.starts_with('.') {
            return Err(ParseBytesError::Fractional(text.into()));
        }
        if number.is_empty() || unit.is_empty() {
            return Err(ParseBytesError::Invalid(text.into()));
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))
        else {
            return Err(ParseBytesError::UnknownUnit { unit: unit.into(), text: text.into() });
        };
        let value = number.parse::<u64>().ok().and_then(|value| value.checked_mul(*factor));
        value.map(Self).ok_or_else(|| ParseBytesError::TooLarge(text.into()))
    }
}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// In the largest unit that loses nothing.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .into_iter()
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl Add for Bytes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Bytes {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Mul<u64> for Bytes {
    type Output = Self;

    fn mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, ParseBytesError};

    #[test]
    fn parse() {
        for (text, expected) in [
            ("1TB", Bytes::terabytes(1)),
            ("1GB", Bytes::gigabytes(1)),
            ("1MB", Bytes::megabytes(1)),
            ("1kb", Bytes::kilobytes(1)),
            ("1B", Bytes::new(1)),
            ("0B", Bytes::ZERO),
        ] {
            assert_eq!(Bytes::parse(text), Ok(expected), "{text}");
        }
        for text in ["1.5B", "1.5GB", "1PB", "", "12", "MB", "-1B", "1 MB", "99999999999TB", "1é"]
        {
            assert!(Bytes::parse(text).is_err(), "{text}");
        }
        assert_eq!(Bytes::parse("1.5GB"), Err(ParseBytesError::Fractional("1.5GB".into())));
    }

    #[test]
    fn arithmetic() {
        assert_eq!(Bytes::gigabytes(512) + Bytes::gigabytes(512), Bytes::terabytes(1));
        assert_eq!(Bytes::terabytes(2) - Bytes::terabytes(1), Bytes::terabytes(1));
        assert_eq!(Bytes::gigabytes(1) * 1024, Bytes::terabytes(1));
        assert_eq!(Bytes::new(1) - Bytes::new(2), Bytes::ZERO);
    }

    #[test]
    fn display() {
        for (bytes, expected) in [
            (Bytes::default(), "0B"),
            (Bytes::kilobytes(1), "1KB"),
            (Bytes::megabytes(1), "1MB"),
            (Bytes::gigabytes(1), "1GB"),
            (Bytes::terabytes(1), "1TB"),
            (Bytes::terabytes(2048), "2048TB"),
            (Bytes::new(1023), "1023B"),
            (Bytes::kilobytes(1023), "1023KB"),
            (Bytes::megabytes(1023), "1023MB"),
            (Bytes::gigabytes(1023), "1023GB"),
        ] {
            assert_eq!(bytes.to_string(), expected);
            assert_eq!(Bytes::parse(expected), Ok(bytes));
        }
    }
}
