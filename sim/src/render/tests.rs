//! What each report must contain, whatever the run holds.

use serde_json::Value;

use super::{
    cut, duration, html, mermaid, one_line, perfetto,
    sample::{Run, destroy_while_pulling, large},
    text,
};
use crate::timeline::{LaneKind, Timeline, Verdict};

const HOSTILE: [&str; 9] = [
    "</script><script>alert(1)</script>",
    "<!-- <script> ]]> &lt; &amp;",
    "{{data}} {{script}} {{",
    "%%{init: {'theme': 'dark'}}%% ; end\nparticipant X",
    "a\u{1b}[31mred\u{7} \u{202e}txet",
    "quote \" ' ` \\ #35; |",
    "\u{2028}\u{2029}\u{0}",
    "ünïcödé 日本語 🐳",
    "",
];

fn empty() -> Timeline {
    Run::new(&[]).timeline
}

/// A run in which every text is `text`.
fn saying(text: &str) -> Timeline {
    let mut run = Run::new(&[(text, LaneKind::Process), (text, LaneKind::Docker)]);
    let first = run.event(0, 0, text);
    let second = run.event(first, 1, text);
    run.remark(second, "fault", text);
    run.remark(second, text, text);
    run.state(first, text, text);
    run.state(second, text, "GONE");
    let mut timeline = run.violation(text, text, second);
    timeline.scenario = text.to_owned();
    timeline.strategy = text.to_owned();
    timeline.replay = text.to_owned();
    if let Some(verdict) = &mut timeline.verdict {
        verdict.finding = Some(text.to_owned());
    }
    timeline
}

/// A run whose references lead nowhere.
fn dangling() -> Timeline {
    let mut run = Run::new(&[("only", LaneKind::Process)]);
    run.event(0, 0, "known");
    run.event(77, 5, "of an unknown lane and cause");
    run.event(3, 0, "its own cause");
    run.remark(99, "fault", "nowhere");
    run.state(99, "c", "PULLING");
    run.state(0, "c", "GONE");
    let mut timeline = run.violation("I-X", "nowhere", u64::MAX);
    timeline.chain = vec![0, 1, 99, u64::MAX];
    timeline
}

fn all() -> Vec<(&'static str, Timeline)> {
    let mut all = vec![
        ("empty", empty()),
        ("sample", destroy_while_pulling()),
        ("dangling", dangling()),
        ("large", large(10_000)),
    ];
    all.extend(HOSTILE.map(|text| ("hostile", saying(text))));
    let mut early = empty();
    let (oracle, message) = ("I-FUT".to_owned(), "before the first event".to_owned());
    early.verdict = Some(Verdict { oracle, finding: None, message, event: 0 });
    all.push(("early", early));
    all
}

/// The JSON that the page carries.
fn page_data(page: &str) -> Value {
    let (_, after) = page.split_once("id=\"data\">").expect("the page carries data");
    let (data, _) = after.split_once("</script>").expect("the data end");
    serde_json::from_str(data).expect("the data are JSON")
}

fn trace_events(trace: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_str(trace).expect("the trace is JSON");
    trace["traceEvents"].as_array().expect("an array of events").clone()
}

#[test]
fn text_tells_the_story_in_order() {
    let report = text(&destroy_while_pulling());
    let parts = [
        "destroy-during-pull, seed 4711, strategy random\n",
        "I-CLI violated: the pull of alpine:3.20",
        "noticed after event 54 at 2.7 s\n",
        "\nHow it came about (14 of 54 events",
        "\n   1.     #1            0  scenario                 Scenario::start\n",
        "· timer: destroy in 1.2 s\n",
        "\n   7.    #39        1.2 s  docker-containerizer(1)  DockerContainerizerProcess::destroy\n",
        "· b9f0c2d4-71aa: PULLING → DESTROYING\n",
        "· destroy: while PULLING: discards the future of the pull\n",
        "\n  14.    #54        2.7 s  scenario                 Oracle::pullsOutlive\n",
        "X after this, I-CLI no longer held\n",
        "\nContainer states\n  b9f0c2d4-71aa\n",
        "#17  PULLING  for 1.191 s\n",
        "\nFaults injected\n",
        "58 ms     #24  pull-stalled: layer 2 of 5",
        "\nAll 54 events\n  > on the causal chain",
        "\n>     1 <start          0  scenario                 Scenario::start\n",
        "\n !   24 <22         58 ms  registry                 Registry::layer\n",
        "\n> *  39 <36         1.2 s  docker-containerizer(1)  DockerContainerizerProcess::destroy\n",
        "\n>  X 54 <53         2.7 s  scenario                 Oracle::pullsOutlive\n",
        "\nReplay: drydock sim replay trace.json\n",
    ];
    let mut rest = report.as_str();
    for part in parts {
        // Parts share their line ends.
        let place = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing in\n{rest}"));
        rest = &rest[place + part.len() - 1..];
    }
    assert_eq!(rest, "\n");
}

#[test]
fn text_without_a_violation_says_so() {
    let mut run = Run::new(&[("slave(1)", LaneKind::Process)]);
    let event = run.event(0, 0, "Slave::initialize");
    run.timeline.seed = None;
    run.timeline.chain = vec![event];
    let report = text(&run.timeline);
    assert!(report.starts_with("destroy-during-pull, strategy random\nno violation\n"), "{report}");
    assert!(report.contains("\nThe main line (1 of 1 event,"), "{report}");
    assert!(report.contains("\nNo faults were injected.\n"), "{report}");
}

#[test]
fn text_is_safe_to_print_and_keeps_a_line_a_line() {
    let lines = |timeline: &Timeline| text(timeline).lines().count();
    let usual = lines(&saying("usual"));
    for hostile in HOSTILE {
        let timeline = saying(hostile);
        assert_eq!(lines(&timeline), usual, "{hostile:?}");
        let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text(&timeline).contains(bad), "{hostile:?}");
    }
}

#[test]
fn the_chain_is_worked_out_when_the_timeline_has_none() {
    let mut timeline = destroy_while_pulling();
    let report = text(&timeline);
    timeline.chain.clear();
    assert_eq!(text(&timeline), report);
}

#[test]
fn html_refers_to_nothing_outside_itself() {
    for (name, timeline) in all() {
        let page = html(&timeline);
        for outside in ["http://", "https://", "src=", "href=", "@import", "url(", "import("] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
        assert!(page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn html_is_whole_whatever_the_run_says() {
    let scripts = |page: &str| page.to_lowercase().matches("<script").count();
    for (name, timeline) in all() {
        let page = html(&timeline);
        assert_eq!(scripts(&page), 2, "{name}");
        assert_eq!(page.matches("</script>").count(), 2, "{name}");
        assert_eq!(page.matches("<!--").count(), 0, "{name}");
        assert_eq!(page.matches("</noscript>").count(), 1, "{name}");
        assert!(page.trim_end().ends_with("</html>"), "{name}");
        let data = page_data(&page);
        assert_eq!(data["events"].as_array().map(Vec::len), Some(timeline.events.len()), "{name}");
        assert_eq!(data["scenario"], timeline.scenario.as_str(), "{name}");
        for (row, event) in data["events"].as_array().into_iter().flatten().zip(&timeline.events) {
            let label = row[4].as_u64().and_then(|label| usize::try_from(label).ok());
            assert_eq!(data["labels"][label.expect("a number")], event.label.as_str(), "{name}");
            assert!(row[3].as_u64() < data["lanes"].as_array().map(|it| it.len() as u64), "{name}");
        }
    }
}

#[test]
fn html_carries_the_run() {
    let mut timeline = destroy_while_pulling();
    timeline.seed = Some(u64::MAX);
    let data = page_data(&html(&timeline));
    assert_eq!(data["seed"], "18446744073709551615");
    assert_eq!(data["verdict"]["oracle"], "I-CLI");
    assert_eq!(data["lanes"][0]["kind"], "scenario");
    assert_eq!(data["events"][38][1], 36);
    assert_eq!(data["states"][2][1], "DESTROYING");
    assert_eq!(data["chain"].as_array().map(Vec::len), Some(14));
}

#[test]
fn the_size_of_a_page_stays_in_bounds() {
    let (small, page) = (html(&empty()).len(), html(&large(10_000)).len());
    assert!(page - small < 10_000 * 80, "{page} bytes");
}

#[test]
fn mermaid_is_a_sequence_diagram_line_by_line() {
    for (name, timeline) in all() {
        let diagram = mermaid(&timeline);
        let mut lines = diagram.lines();
        assert_eq!(lines.next(), Some("---"), "{name}");
        let title = lines.next().and_then(|line| line.strip_prefix("title: "));
        let title: Result<String, _> = serde_json::from_str(title.expect("a title"));
        assert!(title.is_ok(), "{name}");
        assert_eq!(lines.next(), Some("---"), "{name}");
        assert_eq!(lines.next(), Some("sequenceDiagram"), "{name}");
        let mut declared = Vec::new();
        for line in lines {
            let line = line.trim_start();
            let text = if let Some(participant) = line.strip_prefix("participant ") {
                let (id, alias) = participant.split_once(" as ").expect("an alias");
                declared.push(id);
                alias
            } else {
                let (who, text) = line.split_once(": ").expect("a text");
                let who = who.strip_prefix("Note over ").unwrap_or(who);
                for id in who.split(['-', '>', ',']).filter(|id| !id.is_empty()) {
                    assert!(declared.contains(&id), "{name}: {id} in {line}");
                }
                text
            };
            let text = text.replace("<br/>", "");
            let bad = |c: char| c.is_control() || "%{}<>\"&|\\`$[]".contains(c);
            assert!(!text.contains(bad), "{name}: {text}");
            assert_eq!(text.matches('#').count(), text.matches(';').count(), "{name}: {text}");
        }
    }
}

#[test]
fn mermaid_shows_causes_effects_states_and_faults() {
    let diagram = mermaid(&destroy_while_pulling());
    for line in [
        "participant L2 as docker-containerizer(1)",
        "Note over L0,L8: Solid arrows: the causal chain",
        "L0->>L1: 35 Slave::killTask",
        "L2-->>L5: 40 Docker::pull discarded",
        "Note over L2: b9f0c2d4-71aa: PULLING → DESTROYING<br/>destroy: while PULLING: discards",
        "Note over L6: FAULT: pull-stalled: layer 2 of 5",
        "Note over L0,L8: at 1.2 s",
        "Note over L0,L8: I-CLI violated: the pull of alpine:3.20",
    ] {
        assert!(diagram.contains(&format!("\n    {line}")), "{line} is missing in\n{diagram}");
    }
}

#[test]
fn mermaid_of_a_large_run_shows_the_end_of_the_chain_and_says_so() {
    let diagram = mermaid(&large(10_000));
    assert_eq!(diagram.matches(">>").count(), 80);
    assert!(diagram.contains("80 of 10000 events: the causal chain and what is nearest to it"));
    assert!(diagram.contains(": 10000 Process"));

    let mut run = Run::new(&[("a", LaneKind::Process), ("b", LaneKind::Process)]);
    let first = run.event(0, 0, "first");
    for _ in 0..200 {
        run.event(first, 1, "other");
    }
    let last = run.event(first, 1, "last");
    let diagram = mermaid(&run.violation("I-X", "x", last));
    for shown in ["L0->>L0: 1 first", "L0->>L1: 202 last", "L0-->>L1: 201 other"] {
        assert!(diagram.contains(shown), "{shown} is missing in\n{diagram}");
    }
}

#[test]
fn perfetto_has_a_thread_for_each_lane_and_a_slice_for_each_event() {
    let timeline = destroy_while_pulling();
    let events = trace_events(&perfetto(&timeline));
    let count = |wanted: &dyn Fn(&Value) -> bool| events.iter().filter(|it| wanted(it)).count();
    let is = |key: &'static str, value: &'static str| move |it: &Value| it[key] == value;
    assert_eq!(count(&is("name", "thread_name")), timeline.lanes.len() + 1);
    assert_eq!(count(&|it| it["cat"] == "event" && it["ph"] == "X"), timeline.events.len());
    assert_eq!(count(&is("cat", "chain")), timeline.chain.len());
    assert_eq!(count(&is("ph", "C")), 10);
    assert_eq!(count(&|it| it["cat"] == "fault" && it["ph"] == "i"), 1);
    assert_eq!(count(&|it| it["cat"] == "violation" && it["s"] == "g"), 1);
}

#[test]
fn perfetto_is_consistent_whatever_the_run_says() {
    for (name, timeline) in all() {
        let events = trace_events(&perfetto(&timeline));
        let of = |ph: &str| events.iter().filter(|it| it["ph"] == *ph).collect::<Vec<_>>();
        // A flow leads forward from a slice to a slice.
        let (starts, ends) = (of("s"), of("f"));
        assert_eq!(starts.len(), ends.len(), "{name}");
        for (start, end) in starts.iter().zip(&ends) {
            assert_eq!(start["id"], end["id"], "{name}");
            assert!(start["ts"].as_u64() <= end["ts"].as_u64(), "{name}");
        }
        // Slices of a container open and close like brackets.
        let mut open = Vec::new();
        for slice in events.iter().filter(|it| it["cat"] == "container") {
            let key = (slice["id"].clone(), slice["name"].clone());
            if slice["ph"] == "b" {
                open.push(key);
            } else {
                let last = open.iter().rposition(|it| it.0 == key.0).expect("one is open");
                assert_eq!(open.remove(last), key, "{name}");
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn nothing_panics_on_any_run() {
    for (name, timeline) in all() {
        for report in [text(&timeline), html(&timeline), mermaid(&timeline), perfetto(&timeline)] {
            assert!(!report.is_empty(), "{name}");
        }
    }
    assert!(text(&empty()).contains("Nothing happened"));
    assert!(mermaid(&empty()).contains("Nothing happened"));
}

#[test]
fn durations_read_well() {
    for (ns, said) in [
        (0, "0"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (1_999_999, "1.999 ms"),
        (40_000_000, "40 ms"),
        (1_200_000_000, "1.2 s"),
        (59_999_999_999, "59.999 s"),
        (60_000_000_000, "1 min 0 s"),
        (63_250_000_000, "1 min 3.25 s"),
        (3_600_000_000_000, "1 h 0 min 0 s"),
        (90_061_000_000_000, "1 d 1 h 1 min"),
        (u64::MAX, "213503 d 23 h 34 min"),
    ] {
        assert_eq!(duration(ns), said);
    }
}

#[test]
fn texts_are_cut_between_characters() {
    assert_eq!(cut("日本語", 3), "日本語");
    assert_eq!(cut("日本語", 2), "日本…");
    assert_eq!(one_line("a\nb\u{1b}"), "a\\nb\\u{1b}");
}
