//! Values of `drydock sim`'s options.

use sim::environment::{Fault, Faults};
use sim::scenario::Scenario;
use std::ops::Range;

/// A number of seeds for campaigns that end by time: more than fit into any campaign.
const ENDLESS: u64 = u64::MAX / 2;

/// `A..B`, or `N` for `0..N`.
pub fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |part: &str| {
        part.replace('_', "").parse::<u64>().map_err(|_| {
            format!("'{part}' is no number: expected seeds as A..B, for instance 0..10000")
        })
    };
    let range = match text.split_once("..") {
        Some((first, end)) => number(first)?..number(end)?,
        None => 0..number(text)?,
    };
    if range.is_empty() || range.end > ENDLESS {
        return Err(format!("{text}: expected A..B with A less than B and B at most {ENDLESS}"));
    }
    Ok(range)
}

/// All seeds there are.
pub fn endless() -> Range<u64> {
    0..ENDLESS
}

/// `I/N` with I from 0 and less than N.
pub fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text
        .split_once('/')
        .and_then(|(index, count)| Some((index.parse::<u64>().ok()?, count.parse::<u64>().ok()?)));
    match parts {
        Some((index, count)) if index < count => Ok((index, count)),
        _ => Err(format!("'{text}': expected I/N with 0 <= I < N, for instance 0/4")),
    }
}

/// `60s`, or any duration in Mesos's notation.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let long = match text.strip_suffix(|last: char| matches!(last, 's' | 'm' | 'h')) {
        Some(number) if number.ends_with(|last: char| last.is_ascii_digit()) => {
            match text.as_bytes().last() {
                Some(b's') => format!("{number}secs"),
                Some(b'm') => format!("{number}mins"),
                _ => format!("{number}hrs"),
            }
        }
        _ => text.to_owned(),
    };
    mesos::duration::parse(&long)
        .map_err(|_| format!("'{text}' is no duration: expected for instance 60s, 10m or 8h"))
}

/// `K` for at most K faults of the scenario's kinds, or `kind=K,…` for these.
pub fn faults(text: &str, scenario: &Scenario) -> Result<Faults, String> {
    if let Ok(total) = text.parse::<u32>() {
        let kinds = scenario.faults.keys().filter_map(|name| Fault::from_name(name));
        return Ok(kinds
            .fold(Faults::none(), |faults, kind| faults.with(kind, total))
            .at_most(total));
    }
    let mut faults = Faults::none();
    for part in text.split(',') {
        let (name, budget) = part.split_once('=').ok_or_else(|| {
            format!("--faults: '{part}': expected a number, or kind=K as in pull-stall=1")
        })?;
        let fault = Fault::from_name(name).ok_or_else(|| {
            let known: Vec<_> = Fault::ALL.iter().map(|(_, name)| *name).collect();
            format!("--faults: there is no fault '{name}'; there are {}", known.join(", "))
        })?;
        let budget = budget
            .parse::<u32>()
            .map_err(|_| format!("--faults: {name}={budget}: expected a number"))?;
        faults = faults.with(fault, budget);
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn seeds_are_a_range_or_a_count() {
        assert_eq!(seeds("0..10"), Ok(0..10));
        assert_eq!(seeds("5..1_000"), Ok(5..1000));
        assert_eq!(seeds("7"), Ok(0..7));
        for bad in ["", "a..b", "5..5", "9..1", "-1..3", "0..99999999999999999999"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!(shard("0/1"), Ok((0, 1)));
        assert_eq!(shard("3/4"), Ok((3, 4)));
        for bad in ["4/4", "1", "/", "-1/2", "1/0"] {
            assert!(shard(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_may_be_short_or_as_mesos_writes_them() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("8h"), Ok(Duration::from_secs(8 * 3600)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2mins"), Ok(Duration::from_secs(120)));
        for bad in ["", "s", "10", "ten seconds"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
