//! What a snapshot says of each metric, and the snapshot as JSON.

use super::metric::Kind;
use super::statistics::Statistics;
use crate::stout::jsonify;
use std::collections::BTreeMap;

/// What one metric said when it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// What its value does over time.
    pub kind: Kind,
    /// It keeps a history, even if there is not enough in it for statistics yet.
    pub has_history: bool,
    /// Its value; `None` when it failed or did not answer in time.
    pub value: Option<f64>,
    /// The statistics of its history.
    pub statistics: Option<Statistics<f64>>,
}

impl Statistics<f64> {
    /// The statistics under the names that they have in a snapshot, after a slash. Upstream leaves
    /// the 25th and the 75th percentile out.
    pub(super) fn named(&self) -> [(&'static str, f64); 9] {
        [
            ("count", self.count as f64),
            ("max", self.max),
            ("min", self.min),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p999", self.p999),
            ("p9999", self.p9999),
        ]
    }
}

/// Values by key: each metric that has one under its name, its statistics under `name/count`,
/// `name/p50` and so on. Of two with the same key the first one stays, that of the statistics.
#[doc(alias = "MetricsProcess::__snapshot")]
pub(super) fn by_key(samples: &[Sample]) -> BTreeMap<String, f64> {
    let mut values = BTreeMap::new();
    for Sample { name, value, statistics, .. } in samples {
        if let Some(value) = value {
            values.entry(name.clone()).or_insert(*value);
        }
        for (suffix, value) in statistics.iter().flat_map(Statistics::named) {
            values.entry(format!("{name}/{suffix}")).or_insert(value);
        }
    }
    values
}

/// A snapshot as the body of `/metrics/snapshot`: one object, keys in the order of their bytes.
#[doc(alias = "MetricsProcess::_snapshot")]
pub fn json(values: &BTreeMap<String, f64>) -> String {
    let mut out = String::with_capacity(48 * values.len() + 2);
    out.push('{');
    // differs: upstream aborts on a number that is not finite. JSON cannot say it; it is left out,
    // as a gauge that failed.
    for (key, value) in values.iter().filter(|(_, value)| value.is_finite()) {
        if out.len() > 1 {
            out.push(',');
        }
        jsonify::string(&mut out, key);
        out.push(':');
        jsonify::number(&mut out, *value);
    }
    out.push('}');
    out
}
