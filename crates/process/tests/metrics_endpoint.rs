//! What the endpoints of metrics need beside them: JSON, a timeout, a rate limit, help.

mod support;

use process::help::Help;
use process::metrics::{RateLimit, endpoint, json};
use std::collections::BTreeMap;
use std::time::Duration;
use support::in_both_worlds;

#[test]
fn json_has_the_keys_in_order_and_upstreams_numbers() {
    let values = [
        ("slave/uptime_secs", 7.452_382_976),
        ("slave/mem_total", 4096.0),
        ("b", 1e21),
        ("a/b", -0.5),
        ("a", 0.0),
        ("a-b", 0.000_000_5),
        ("Z\"\\\n\u{1}é", 1.0),
    ];
    let values: BTreeMap<_, _> = values.map(|(key, value)| (key.to_owned(), value)).into();
    assert_eq!(
        json(&values),
        "{\"Z\\\"\\\\\\n\\u0001é\":1.0,\"a\":0.0,\"a-b\":5e-7,\"a/b\":-0.5,\"b\":1e21,\
         \"slave/mem_total\":4096.0,\"slave/uptime_secs\":7.452382976}"
    );
}

#[test]
fn json_leaves_out_what_it_cannot_say() {
    assert_eq!(json(&BTreeMap::new()), "{}");
    let values = [("a", f64::NAN), ("b", 1.0), ("c", f64::INFINITY), ("d", f64::NEG_INFINITY)];
    let values: BTreeMap<_, _> = values.map(|(key, value)| (key.to_owned(), value)).into();
    assert_eq!(json(&values), r#"{"b":1.0}"#);
}

#[test]
fn rate_limits_are_read_as_upstream_reads_them() {
    let limit = |setting| {
        let limit = RateLimit::from_setting(setting).unwrap();
        limit.map(|limit| (limit.requests(), limit.interval()))
    };
    assert_eq!(limit(None), Some((2, Duration::from_secs(1))));
    assert_eq!(limit(Some("")), None);
    assert_eq!(limit(Some("10/1secs")), Some((10, Duration::from_secs(1))));
    assert_eq!(limit(Some("1/500ms")), Some((1, Duration::from_millis(500))));
    assert_eq!(limit(Some("0x10/2.5mins")), Some((16, Duration::from_secs(150))));
    // Upstream splits into what is between slashes.
    assert_eq!(limit(Some("/10//1secs/")), Some((10, Duration::from_secs(1))));
}

#[test]
fn a_bad_rate_limit_says_what_is_wrong_with_it() {
    for (setting, reason) in [
        ("10", "expected two parts"),
        ("/", "expected two parts"),
        ("10/1secs/2", "expected two parts"),
        ("ten/1secs", "the number of requests 'ten' is no number from 1 on"),
        ("0/1secs", "the number of requests '0' is no number from 1 on"),
        ("-1/1secs", "the number of requests '-1' is no number from 1 on"),
        ("3000000000/1secs", "the number of requests '3000000000'"),
        ("1.5/1secs", "the number of requests '1.5'"),
        ("0x/1secs", "the number of requests '0x'"),
        ("10/1", "Invalid duration '1'"),
        ("10/second", "Invalid duration 'second'"),
        ("10/1sec", "Unknown duration unit 'sec' in '1sec'"),
        ("10/0secs", "the interval must not be zero"),
        ("10/0.1ns", "the interval must not be zero"),
        ("10/99999weeks", "more than 64 bits"),
    ] {
        let error = RateLimit::from_setting(Some(setting)).unwrap_err().to_string();
        let start = format!("Failed to parse {} '{setting}': ", RateLimit::VARIABLE);
        assert!(error.starts_with(&start), "{error}");
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("<number of requests>/<interval duration>"), "{error}");
    }
}

#[test]
fn a_limit_becomes_a_limiter() {
    in_both_worlds(|world| {
        let limit = RateLimit::from_setting(Some("4/2secs")).unwrap().unwrap();
        let limiter = limit.limiter();
        let permits = [limiter.acquire(), limiter.acquire(), limiter.acquire()];
        world.ready(&permits[0]);
        // The limiter has seen them all once it has given this one up.
        let last = limiter.acquire();
        last.discard();
        world.discarded(&last);
        for permit in &permits[1..] {
            assert!(permit.is_pending());
            world.advance(Duration::from_millis(500));
            world.ready(permit);
        }
    });
}

/// The first half of upstream's `THREADSAFE_SnapshotTimeout`.
#[test]
fn a_bad_timeout_is_refused() {
    assert_eq!(endpoint::timeout(None), Ok(None));
    assert_eq!(endpoint::timeout(Some("2secs")), Ok(Some(Duration::from_secs(2))));
    for (parameter, reason) in [
        ("foobar", "Invalid duration 'foobar'"),
        ("", "Invalid duration ''"),
        ("2", "expected a number and a unit"),
        ("2parsecs", "Unknown duration unit 'parsecs'"),
    ] {
        let body = endpoint::timeout(Some(parameter)).unwrap_err();
        assert!(body.starts_with(&format!("Invalid timeout '{parameter}': ")), "{body}");
        assert!(body.contains(reason) && body.ends_with(".\n"), "{body}");
    }
}

#[test]
fn the_endpoints_have_help() {
    let mut help = Help::new(None);
    help.add("metrics", "/", Some(&endpoint::prometheus_help().to_string()));
    help.add("metrics", "/snapshot", Some(&endpoint::snapshot_help().to_string()));
    let page = help.page("/help/metrics/snapshot").unwrap().markdown();
    assert!(page.starts_with("### USAGE ###\n>        /metrics/snapshot\n"), "{page}");
    assert!(page.contains("timeout=5secs"), "{page}");
    let contents = help.page("/help/metrics").unwrap().markdown();
    assert!(contents.contains("> [/metrics][metrics]\n"), "{contents}");
}
