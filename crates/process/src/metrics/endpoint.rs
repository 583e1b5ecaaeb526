//! What the endpoints of metrics take and say about themselves, without HTTP.

use crate::help::EndpointHelp;
use crate::stout::duration;
use std::time::Duration;

/// The longest time that a request is ready to wait, from its query's `timeout`. The error is the
/// body of the answer, status 400.
#[doc(alias = "MetricsProcess::_snapshot")]
pub fn timeout(parameter: Option<&str>) -> Result<Option<Duration>, String> {
    let parse = |text| {
        duration::parse(text).map_err(|error| format!("Invalid timeout '{text}': {error}.\n"))
    };
    parameter.map(parse).transpose()
}

/// The help for `/metrics/snapshot`.
#[doc(alias = "MetricsProcess::help")]
pub fn snapshot_help() -> EndpointHelp {
    EndpointHelp::new("All metrics, as JSON.")
        .description(&[
            "An object with the value of each metric, a number, under its name. Metrics that keep",
            "a history have more keys, `NAME/count`, `NAME/p50` and so on, with its statistics.",
            "",
            "`timeout=DURATION` in the query, for instance `timeout=5secs`, limits how long the",
            "answer may take: what does not say its value by then is left out. Metrics that fail",
            "are left out, too.",
            "",
            "Requests beyond the rate limit wait for their turn.",
        ])
        .authentication(true)
}

/// The help for `/metrics`.
pub fn prometheus_help() -> EndpointHelp {
    EndpointHelp::new("All metrics, as Prometheus reads them.")
        .description(&[
            "The text format, version 0.0.4. Metrics have the names of `/metrics/snapshot` with an",
            "underscore in place of whatever Prometheus does not allow; those names are in `HELP`.",
            "",
            "`timeout=DURATION` in the query limits how long the answer may take, as for",
            "`/metrics/snapshot`.",
        ])
        .authentication(true)
}
