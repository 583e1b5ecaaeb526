//! Metrics as Prometheus reads them: its text format, version 0.0.4. Upstream has no such thing.
//!
//! A metric `slave/tasks_running` is the series `slave_tasks_running` here:
//!
//! | metric | series |
//! |---|---|
//! | counter | `NAME`, a counter |
//! | gauge, timer without a window | `NAME`, a gauge |
//! | timer with a window | `NAME`, a summary; `NAME_last`, a gauge |
//! | counter with a window | `NAME`, a counter; `NAME_window`, a summary |
//!
//! A summary has the quantiles that a snapshot has, the minimum as quantile 0, the maximum as
//! quantile 1, and `_count`. It is there once the window has two values, and like them the count is
//! that of the window: it may go down. There is no `_sum`, since a window keeps a sample only.
//!
//! The `HELP` of each is the metric's name as it is in the snapshot. A metric that has no value now
//! is left out.
//!
//! What would share a series with something else gets a hash of its name appended, except a counter
//! or gauge whose own name is the series'. So names depend only on which metrics there are: not on
//! their order, nor on which of them have a value.

use super::metric::Kind;
use super::snapshot::Sample;
use super::statistics::Statistics;
use crate::stout::jsonify;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The `Content-Type` of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All samples as text; they must be those of all metrics, see the [module](self).
pub fn text(samples: &[Sample]) -> String {
    let mut families: Vec<_> = samples.iter().flat_map(Family::of).collect();
    name_apart(&mut families);
    let mut out = String::with_capacity(96 * families.len());
    for family in &families {
        family.write(&mut out);
    }
    out
}

/// Series with a common name, and its `HELP` and `TYPE`.
struct Family<'a> {
    /// The metric's own name.
    metric: &'a str,
    name: String,
    content: Content<'a>,
}

enum Content<'a> {
    Single(Kind, Option<f64>),
    Summary(Option<&'a Statistics<f64>>),
}

impl<'a> Family<'a> {
    fn of(sample: &'a Sample) -> impl Iterator<Item = Family<'a>> {
        let metric = sample.name.as_str();
        let plain = sanitized(metric);
        let family =
            |suffix: &str, content| Family { metric, name: format!("{plain}{suffix}"), content };
        let (value_suffix, summary_suffix) = match sample.kind {
            Kind::Timer if sample.has_history => ("_last", ""),
            _ => ("", "_window"),
        };
        let value = family(value_suffix, Content::Single(sample.kind, sample.value));
        let summary = sample
            .has_history
            .then(|| family(summary_suffix, Content::Summary(sample.statistics.as_ref())));
        [Some(value), summary].into_iter().flatten()
    }

    /// The names that no other family may use, if this one were called `name`.
    fn claims(&self, name: &str) -> Vec<String> {
        match self.content {
            Content::Single(..) => vec![name.to_owned()],
            Content::Summary(_) => {
                ["", "_count", "_sum"].iter().map(|suffix| format!("{name}{suffix}")).collect()
            }
        }
    }

    /// Its series is called as the metric is.
    fn is_exact(&self) -> bool {
        matches!(self.content, Content::Single(..)) && self.name == self.metric
    }

    fn write(&self, out: &mut String) {
        match self.content {
            Content::Single(kind, Some(value)) => {
                let kind = if kind == Kind::Counter { "counter" } else { "gauge" };
                self.write_head(out, kind);
                write_series(out, &self.name, "", value);
            }
            Content::Summary(Some(statistics)) => {
                self.write_head(out, "summary");
                for (quantile, value) in quantiles(statistics) {
                    write_series(out, &self.name, &format!("{{quantile=\"{quantile}\"}}"), value);
                }
                let count = statistics.count as f64;
                write_series(out, &format!("{}_count", self.name), "", count);
            }
            Content::Single(_, None) | Content::Summary(None) => {}
        }
    }

    fn write_head(&self, out: &mut String, kind: &str) {
        let help = self.metric.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {} {help}\n# TYPE {} {kind}", self.name, self.name);
    }
}

fn quantiles(statistics: &Statistics<f64>) -> [(&'static str, f64); 8] {
    [
        ("0", statistics.min),
        ("0.5", statistics.p50),
        ("0.9", statistics.p90),
        ("0.95", statistics.p95),
        ("0.99", statistics.p99),
        ("0.999", statistics.p999),
        ("0.9999", statistics.p9999),
        ("1", statistics.max),
    ]
}

fn write_series(out: &mut String, name: &str, labels: &str, value: f64) {
    out.push_str(name);
    out.push_str(labels);
    out.push(' ');
    match value {
        value if value.is_nan() => out.push_str("NaN"),
        f64::INFINITY => out.push_str("+Inf"),
        f64::NEG_INFINITY => out.push_str("-Inf"),
        value => jsonify::number(out, value),
    }
    out.push('\n');
}

/// A name with only letters, digits, underscores and colons, and no digit in front.
fn sanitized(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let front = name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty();
    let rest = name.chars().map(|c| if allowed(c) { c } else { '_' });
    front.then_some('_').into_iter().chain(rest).collect()
}

/// Renames families so that no two claim the same name.
fn name_apart(families: &mut [Family<'_>]) {
    let mut claimed = BTreeMap::<String, usize>::new();
    for claim in families.iter().flat_map(|family| family.claims(&family.name)) {
        *claimed.entry(claim).or_default() += 1;
    }
    let is_alone = |family: &Family<'_>| {
        family.is_exact()
            || family.claims(&family.name).iter().all(|claim| claimed.get(claim) == Some(&1))
    };
    let (alone, others): (Vec<_>, Vec<_>) = families.iter_mut().partition(|one| is_alone(one));
    let mut taken: BTreeSet<String> =
        alone.iter().flat_map(|family| family.claims(&family.name)).collect();
    for family in others {
        let fresh = (0..).find_map(|salt| {
            let name = format!("{}_{:08x}", family.name, hash(family.metric, salt));
            let claims = family.claims(&name);
            claims.iter().all(|claim| !taken.contains(claim)).then_some((name, claims))
        });
        if let Some((name, claims)) = fresh {
            family.name = name;
            taken.extend(claims);
        }
    }
}

/// FNV-1a: the same on every machine, and no secret depends on it.
fn hash(text: &str, salt: u32) -> u32 {
    let bytes = text.bytes().chain(salt.to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
