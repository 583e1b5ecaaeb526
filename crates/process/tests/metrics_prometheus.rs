//! The text that Prometheus reads, checked by a parser that is stricter than Prometheus' own.

mod support;

use process::metrics::prometheus::text;
use process::metrics::{
    self, Counter, Kind, Metric, Milliseconds, PushGauge, Sample, Statistics, Timer,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::in_both_worlds;

/// Series with one name, as the parser found them.
#[derive(Debug, PartialEq)]
struct Family {
    name: String,
    help: String,
    kind: String,
    series: Vec<Series>,
}

#[derive(Debug, PartialEq)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// Parses the text; says what is wrong with it otherwise. Demanded beyond the format: HELP and TYPE
/// for each family in this order, at least one series, no timestamps, no blanks to spare.
fn parse(text: &str) -> Result<Vec<Family>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let mut families = Vec::<Family>::new();
    let mut lines = text.split_terminator('\n').peekable();
    while let Some(line) = lines.next() {
        let (name, help) = head(line, "HELP")?;
        let help = unescaped(help, &[('\\', '\\'), ('n', '\n')])?;
        let (same, kind) = head(lines.next().ok_or("no TYPE")?, "TYPE")?;
        if same != name || !["counter", "gauge", "summary"].contains(&kind) {
            return Err(format!("HELP of {name}, TYPE {kind} of {same}"));
        }
        let mut series = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            series.push(one_series(line)?);
        }
        let family = Family { name: name.to_owned(), help, kind: kind.to_owned(), series };
        check(&family)?;
        families.push(family);
    }
    let mut names = BTreeSet::new();
    for family in &families {
        // Nothing may be told twice, nor look as if it belonged to another family.
        let own: BTreeSet<&str> = [family.name.as_str()]
            .into_iter()
            .chain(family.series.iter().map(|series| series.name.as_str()))
            .collect();
        if let Some(twice) = own.into_iter().find(|name| !names.insert(*name)) {
            return Err(format!("{twice} is in two families"));
        }
    }
    Ok(families)
}

fn head<'a>(line: &'a str, keyword: &str) -> Result<(&'a str, &'a str), String> {
    let rest = line.strip_prefix("# ").and_then(|rest| rest.strip_prefix(keyword));
    let rest = rest.and_then(|rest| rest.strip_prefix(' '));
    let (name, rest) = rest.and_then(|rest| rest.split_once(' ')).ok_or(line)?;
    if is_name(name, ":") { Ok((name, rest)) } else { Err(format!("no name: {name}")) }
}

fn is_name(name: &str, also: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || also.contains(c);
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

fn unescaped(text: &str, escapes: &[(char, char)]) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escaped = chars.next();
        let found = escapes.iter().find(|(from, _)| Some(*from) == escaped);
        out.push(found.ok_or_else(|| format!("bad escape in {text}"))?.1);
    }
    Ok(out)
}

fn one_series(line: &str) -> Result<Series, String> {
    let (left, value) = line.rsplit_once(' ').ok_or_else(|| format!("no value: {line}"))?;
    let number = match value {
        "NaN" => f64::NAN,
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        _ if value.contains(|c: char| !c.is_ascii_digit() && !".-e".contains(c)) => {
            return Err(format!("no number: {line}"));
        }
        _ => value.parse().map_err(|_| format!("no number: {line}"))?,
    };
    let (name, labels) = match left.split_once('{') {
        None => (left, Vec::new()),
        Some((name, rest)) => {
            let inner = rest.strip_suffix('}').ok_or_else(|| format!("no brace: {line}"))?;
            (name, vec![label(inner)?])
        }
    };
    if !is_name(name, ":") {
        return Err(format!("no name: {line}"));
    }
    Ok(Series { name: name.to_owned(), labels, value: number })
}

/// The one label that there is at most.
fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("no label: {text}"))?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = value.ok_or_else(|| format!("no quotes: {text}"))?;
    if !is_name(name, "") || value.contains('"') {
        return Err(format!("bad label: {text}"));
    }
    Ok((name.to_owned(), unescaped(value, &[('\\', '\\'), ('n', '\n'), ('"', '"')])?))
}

/// The series of a family are those of its type.
fn check(family: &Family) -> Result<(), String> {
    let Family { name, kind, series, .. } = family;
    let bad = |what: &str| Err(format!("{kind} {name}: {what}"));
    if kind != "summary" {
        return match series.as_slice() {
            [one] if one.name == *name && one.labels.is_empty() => Ok(()),
            _ => bad("not exactly one series without labels"),
        };
    }
    let Some((count, quantiles)) = series.split_last() else { return bad("empty") };
    if count.name != format!("{name}_count") || !count.labels.is_empty() || count.value < 0.0 {
        return bad("no count at the end");
    }
    let mut before = (-1.0, f64::NEG_INFINITY);
    for one in quantiles {
        let [(label, quantile)] = one.labels.as_slice() else { return bad("not one label") };
        let quantile: f64 = quantile.parse().map_err(|_| format!("quantile {quantile}"))?;
        if one.name != *name || label != "quantile" || !(0.0..=1.0).contains(&quantile) {
            return bad("not a quantile");
        }
        if quantile <= before.0 || one.value < before.1 {
            return bad("quantiles do not rise");
        }
        before = (quantile, one.value);
    }
    Ok(())
}

#[track_caller]
fn parsed(samples: &[Sample]) -> Vec<Family> {
    let text = text(samples);
    parse(&text).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

fn sample(name: &str, kind: Kind, value: f64) -> Sample {
    let name = name.to_owned();
    Sample { name, kind, has_history: false, value: Some(value), statistics: None }
}

fn with_history(name: &str, kind: Kind, value: f64, history: &[f64]) -> Sample {
    let statistics = Statistics::of_values(history.iter().copied());
    Sample { has_history: true, statistics, ..sample(name, kind, value) }
}

#[test]
fn the_parser_refuses_what_is_wrong() {
    let good = "# HELP a a/b\n# TYPE a gauge\na 1.0\n";
    assert_eq!(parse(good).map(|families| families.len()), Ok(1));
    for bad in [
        "# HELP a a/b\n# TYPE a gauge\na 1.0",
        "a 1.0\n",
        "# HELP a a/b\na 1.0\n",
        "# TYPE a gauge\na 1.0\n",
        "# HELP a a/b\n# TYPE a gauge\n",
        "# HELP a a/b\n# TYPE b gauge\na 1.0\n",
        "# HELP a a/b\n# TYPE a timer\na 1.0\n",
        "# HELP a a\\b\n# TYPE a gauge\na 1.0\n",
        "# HELP a/b a/b\n# TYPE a/b gauge\na/b 1.0\n",
        "# HELP 1a a\n# TYPE 1a gauge\n1a 1.0\n",
        "# HELP a a\n# TYPE a gauge\na one\n",
        "# HELP a a\n# TYPE a gauge\na inf\n",
        "# HELP a a\n# TYPE a gauge\na 1.0 1700000000\n",
        "# HELP a a\n# TYPE a gauge\na 1.0\na 2.0\n",
        "# HELP a a\n# TYPE a gauge\na 1.0\n# HELP a b\n# TYPE a gauge\na 1.0\n",
        "# HELP a a\n# TYPE a summary\na 1.0\na_count 1.0\n",
        "# HELP a a\n# TYPE a summary\na{quantile=\"0.5\"} 1.0\n",
        "# HELP a a\n# TYPE a summary\na{quantile=\"0.5} 1.0\na_count 1.0\n",
        "# HELP a a\n# TYPE a summary\na{p=\"0.5\"} 1.0\na_count 1.0\n",
        "# HELP a a\n# TYPE a summary\na{quantile=\"2\"} 1.0\na_count 1.0\n",
        "# HELP a a\n# TYPE a summary\na{quantile=\"0\"} 2.0\na{quantile=\"1\"} 1.0\na_count 1.0\n",
        "# HELP a a\n# TYPE a summary\na{quantile=\"0\"} 2.0\na_count 1.0\n\
         # HELP a_count a\n# TYPE a_count gauge\na_count 1.0\n",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn each_kind_has_its_series() {
    let history: Vec<f64> = (0..=10).map(f64::from).collect();
    let samples = [
        sample("slave/tasks_running", Kind::Gauge, 3.0),
        sample("slave/valid_status_updates", Kind::Counter, 12.0),
        sample("slave/recovery_time_secs", Kind::Timer, 0.097_879_04),
        with_history("containerizer/docker/image_pull_ms", Kind::Timer, 2.5, &history),
        with_history("http/requests", Kind::Counter, 10.0, &history),
    ];
    assert_eq!(
        text(&samples),
        "\
# HELP slave_tasks_running slave/tasks_running
# TYPE slave_tasks_running gauge
slave_tasks_running 3.0
# HELP slave_valid_status_updates slave/valid_status_updates
# TYPE slave_valid_status_updates counter
slave_valid_status_updates 12.0
# HELP slave_recovery_time_secs slave/recovery_time_secs
# TYPE slave_recovery_time_secs gauge
slave_recovery_time_secs 0.09787904
# HELP containerizer_docker_image_pull_ms_last containerizer/docker/image_pull_ms
# TYPE containerizer_docker_image_pull_ms_last gauge
containerizer_docker_image_pull_ms_last 2.5
# HELP containerizer_docker_image_pull_ms containerizer/docker/image_pull_ms
# TYPE containerizer_docker_image_pull_ms summary
containerizer_docker_image_pull_ms{quantile=\"0\"} 0.0
containerizer_docker_image_pull_ms{quantile=\"0.5\"} 5.0
containerizer_docker_image_pull_ms{quantile=\"0.9\"} 9.0
containerizer_docker_image_pull_ms{quantile=\"0.95\"} 9.5
containerizer_docker_image_pull_ms{quantile=\"0.99\"} 9.9
containerizer_docker_image_pull_ms{quantile=\"0.999\"} 9.99
containerizer_docker_image_pull_ms{quantile=\"0.9999\"} 9.999
containerizer_docker_image_pull_ms{quantile=\"1\"} 10.0
containerizer_docker_image_pull_ms_count 11.0
# HELP http_requests http/requests
# TYPE http_requests counter
http_requests 10.0
# HELP http_requests_window http/requests
# TYPE http_requests_window summary
http_requests_window{quantile=\"0\"} 0.0
http_requests_window{quantile=\"0.5\"} 5.0
http_requests_window{quantile=\"0.9\"} 9.0
http_requests_window{quantile=\"0.95\"} 9.5
http_requests_window{quantile=\"0.99\"} 9.9
http_requests_window{quantile=\"0.999\"} 9.99
http_requests_window{quantile=\"0.9999\"} 9.999
http_requests_window{quantile=\"1\"} 10.0
http_requests_window_count 11.0
"
    );
    assert_eq!(parsed(&samples).len(), 7);
}

#[test]
fn what_has_no_value_is_left_out() {
    assert_eq!(text(&[]), "");
    let silent = Sample { value: None, ..sample("a", Kind::Gauge, 0.0) };
    let one = with_history("b", Kind::Timer, 1.0, &[1.0]);
    assert_eq!(text(&[silent, one]), "# HELP b_last b\n# TYPE b_last gauge\nb_last 1.0\n");
}

#[test]
fn numbers_that_json_does_not_know() {
    let samples = [
        sample("a", Kind::Gauge, f64::NAN),
        sample("b", Kind::Gauge, f64::INFINITY),
        sample("c", Kind::Gauge, f64::NEG_INFINITY),
        sample("d", Kind::Gauge, 1e-9),
    ];
    let values: Vec<_> = parsed(&samples).iter().map(|family| family.series[0].value).collect();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [f64::INFINITY, f64::NEG_INFINITY, 1e-9]);
}

/// What each metric is called, by its own name.
fn names(samples: &[Sample]) -> BTreeMap<String, Vec<String>> {
    let mut names = BTreeMap::<_, Vec<_>>::new();
    for family in parsed(samples) {
        names.entry(family.help).or_default().push(family.name);
    }
    names.values_mut().for_each(|names| names.sort());
    names
}

#[test]
fn names_are_made_fit() {
    for (name, expected) in [
        ("slave/cpus_total", "slave_cpus_total"),
        ("frameworks/a:b/x", "frameworks_a:b_x"),
        ("5min", "_5min"),
        ("", "_"),
        ("größe", "gr__e"),
        ("a b\tc\"d{e}", "a_b_c_d_e_"),
        ("back\\slash\nline", "back_slash_line"),
    ] {
        assert_eq!(names(&[sample(name, Kind::Gauge, 1.0)])[name], [expected]);
    }
}

#[test]
fn names_that_collide_are_told_apart() {
    let gauge = |name| sample(name, Kind::Gauge, 1.0);
    // The one that is called so by itself keeps the name, wherever it is.
    let own = names(&[gauge("a.b"), gauge("a/b"), gauge("a_b")]);
    assert_eq!(own["a_b"], ["a_b"]);
    assert!(own["a.b"][0].starts_with("a_b_") && own["a/b"][0].starts_with("a_b_"), "{own:?}");

    // Otherwise nobody does, so that no name changes its meaning when one more comes.
    let none = names(&[gauge("a.b"), gauge("a/b")]);
    assert_eq!((&none["a.b"], &none["a/b"]), (&own["a.b"], &own["a/b"]));

    // What comes with a history collides, too.
    let history = [1.0, 2.0];
    let timer = with_history("t", Kind::Timer, 1.0, &history);
    for other in ["t_last", "t_count", "t_sum", "t"] {
        let mut samples = vec![timer.clone(), gauge(other)];
        samples.dedup_by(|b, a| a.name == b.name);
        let found = names(&samples);
        if other != "t" {
            assert_eq!(found[other], [other]);
        }
        assert_eq!(found["t"].len(), 2);
    }
}

fn generator(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    }
}

/// Few letters, so that there are many collisions, and some that must not come through.
const PARTS: [&str; 14] =
    ["a", "a", "_", "/", ".", "_last", "_count", "_sum", "_window", "\n", "\\", "\"", "1", "ä"];

fn random_samples(random: &mut impl FnMut(usize) -> usize) -> Vec<Sample> {
    let mut samples = BTreeMap::new();
    for _ in 0..random(30) {
        let name: String = (0..random(4)).map(|_| PARTS[random(PARTS.len())]).collect();
        let kind = [Kind::Counter, Kind::Gauge, Kind::Timer][random(3)];
        let value = random(1000) as f64 / 8.0;
        let sample = match random(2) {
            0 => sample(&name, kind, value),
            _ => with_history(&name, kind, value, &[1.0, 2.0, value]),
        };
        samples.insert(name, sample);
    }
    samples.into_values().collect()
}

#[test]
fn any_names_make_a_valid_text() {
    let mut random = generator(3);
    for _ in 0..2000 {
        let samples = random_samples(&mut random);
        let families = parsed(&samples);
        // Each metric is there, with its value and the statistics that it has.
        let expected: usize = samples.iter().map(|one| 1 + usize::from(one.has_history)).sum();
        assert_eq!(families.len(), expected);
        for sample in &samples {
            let own = || families.iter().filter(|family| family.help == sample.name);
            let value = own().find(|family| family.kind != "summary").unwrap();
            assert_eq!(Some(value.series[0].value), sample.value);
            let counts = own().filter(|family| family.kind == "summary");
            let counts: Vec<_> = counts.map(|family| family.series[8].value).collect();
            assert_eq!(counts, sample.statistics.map(|all| all.count as f64).as_slice());
        }
    }
}

#[test]
fn names_do_not_depend_on_order_or_values() {
    let mut random = generator(5);
    for _ in 0..500 {
        let mut samples = random_samples(&mut random);
        let all = names(&samples);
        samples.reverse();
        assert_eq!(names(&samples), all);

        // Some do not answer this time: the others are called as before.
        for sample in &mut samples {
            if random(3) == 0 {
                (sample.value, sample.statistics) = (None, None);
            }
        }
        for (metric, names) in names(&samples) {
            assert_eq!(names, all[&metric]);
        }
    }
}

#[test]
fn from_the_metrics_to_the_text() {
    in_both_worlds(|world| {
        let counter = Counter::new("test/counter");
        let gauge = PushGauge::new("test/gauge");
        let timer = Timer::<Milliseconds>::with_window("test/timer", Duration::from_secs(60));
        world.ready(&metrics::add(&counter));
        world.ready(&metrics::add(&gauge));
        world.ready(&metrics::add(&timer));
        counter.add(5);
        gauge.set(-0.5);
        for _ in 0..2 {
            timer.start();
            world.advance(Duration::from_millis(40));
            timer.stop();
        }
        let families = parsed(&world.ready(&metrics::samples(None)));
        let found: Vec<_> = families
            .iter()
            .map(|family| (family.name.as_str(), family.kind.as_str(), family.series[0].value))
            .collect();
        assert_eq!(
            found,
            [
                ("test_counter", "counter", 5.0),
                ("test_gauge", "gauge", -0.5),
                ("test_timer_ms_last", "gauge", 40.0),
                ("test_timer_ms", "summary", 40.0),
            ]
        );
        assert_eq!(timer.name(), "test/timer_ms");
        world.ready(&metrics::remove(&counter));
        world.ready(&metrics::remove(&gauge));
        world.ready(&metrics::remove(&timer));
    });
}
