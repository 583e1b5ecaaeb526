//! Lines of a pull's progress as JSON, each with a drawing of it.

use super::super::progress::Progress;
use serde_json::{Map, Value, json};

/// How long the bar is.
const WIDTH: u64 = 50;

pub(super) fn progress(line: &Progress) -> Value {
    let mut object = Map::new();
    object.insert("status".to_owned(), json!(line.status.text()));
    if line.status.has_details() {
        let details = match line.bytes {
            Some((current, total)) => json!({ "current": current, "total": total }),
            None => json!({}),
        };
        object.insert("progressDetail".to_owned(), details);
        if let Some((current, total)) = line.bytes {
            object.insert("progress".to_owned(), json!(bar(current, total)));
        }
    }
    if !line.id.is_empty() {
        object.insert("id".to_owned(), json!(line.id));
    }
    Value::Object(object)
}

fn bar(current: u64, total: u64) -> String {
    let done = (current.saturating_mul(100) / total.max(1) / 2).min(WIDTH) as usize;
    let (equals, spaces) = ("=".repeat(done), " ".repeat(WIDTH as usize - done));
    format!("[{equals}>{spaces}] {:>8}/{}", size(current), size(total))
}

/// A size in decimal units, with four digits that count.
fn size(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if number < 1000.0 {
            break;
        }
        number /= 1000.0;
        unit = next;
    }
    let before = if number >= 100.0 {
        3
    } else if number >= 10.0 {
        2
    } else {
        1
    };
    let text = format!("{number:.*}", 4 - before);
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::daemon::progress::Status;

    #[test]
    fn lines_are_as_recorded_from_an_engine() {
        let line = Progress {
            id: "ecfe075605b4".into(),
            status: Status::Extracting,
            bytes: Some((229_376, 20_978_100)),
        };
        let expected = json!({
            "status": "Extracting",
            "progressDetail": {"current": 229_376, "total": 20_978_100},
            "progress": "[>                                                  ]  229.4kB/20.98MB",
            "id": "ecfe075605b4",
        });
        assert_eq!(progress(&line), expected);
        let line = Progress { bytes: Some((17_661_952, 20_978_100)), ..line };
        let drawn = progress(&line);
        assert_eq!(
            drawn["progress"],
            "[==========================================>        ]  17.66MB/20.98MB"
        );
        let line = Progress { bytes: Some((20_978_100, 20_978_100)), ..line };
        assert_eq!(
            progress(&line)["progress"],
            "[==================================================>]  20.98MB/20.98MB"
        );
        let whole = Progress::whole("1", Status::PullingFrom("t/big".into()));
        assert_eq!(progress(&whole), json!({"status": "Pulling from t/big", "id": "1"}));
        let layer = Progress::of_layer("sha256:7364abc8ee9e0000", Status::PullComplete, None);
        let expected =
            json!({"status": "Pull complete", "progressDetail": {}, "id": "7364abc8ee9e"});
        assert_eq!(progress(&layer), expected);
    }

    #[test]
    fn sizes_have_four_digits_that_count() {
        for (bytes, text) in
            [(0, "0B"), (999, "999B"), (1000, "1kB"), (32_768, "32.77kB"), (655_566, "655.6kB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
