//! Names and numbers of signals, as requests give them.

use super::answer::Refusal;
use super::messages;

/// SIGHUP to SIGSYS, by number from 1, as Linux has them on most machines.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The largest number of a signal.
const LAST: i32 = 64;

/// The signal of this name (`TERM`, `SIGTERM`, `term`) or number.
///
/// # Errors
///
/// The daemon's refusal when there is none.
pub fn parse(text: &str) -> Result<i32, Refusal> {
    if let Ok(number) = text.parse::<i32>() {
        return if (1..=LAST).contains(&number) {
            Ok(number)
        } else {
            Err(messages::invalid_signal(text))
        };
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let place = NAMES.iter().position(|known| *known == name);
    place.map(|place| place as i32 + 1).ok_or_else(|| messages::invalid_signal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, number) in
            [("TERM", 15), ("SIGTERM", 15), ("sigkill", 9), ("9", 9), ("USR1", 10)]
        {
            assert_eq!(parse(text).ok(), Some(number), "{text}");
        }
        for text in ["NOPE", "0", "65", "-1", ""] {
            let refusal = parse(text).unwrap_err();
            assert_eq!(
                (refusal.status, &*refusal.message),
                (400, &*format!("Invalid signal: {text}"))
            );
        }
    }
}
