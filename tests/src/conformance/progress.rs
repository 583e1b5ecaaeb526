//! What a pull says, without what depends on how fast it goes.

use serde_json::Value;

use super::http::Answer;
use super::talk::{Line, render};

/// Words that say how far something has come, and may be left out.
const PASSING: [&str; 4] = ["Downloading", "Extracting", "Waiting", "Verifying Checksum"];

/// The lines of a pull: those of each layer together, in the order in which layers are named
/// first. Layers are called by their number.
pub fn lines(answer: &Answer) -> Vec<Line> {
    let values: Vec<Value> =
        serde_json::Deserializer::from_slice(&answer.body).into_iter().flatten().collect();
    if answer.status >= 300 {
        return render(answer);
    }
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    let mut layers = 0;
    for value in &values {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        if let Some(error) = value["error"].as_str() {
            let detail = &value["errorDetail"]["message"];
            let same = if *detail == error { "the same" } else { "another" };
            all.push((String::new(), vec![format!("error: {error} (errorDetail: {same})")]));
            continue;
        }
        let (id, status) = (text("id"), text("status"));
        if PASSING.contains(&status.as_str()) {
            continue;
        }
        let is_layer = id.len() == 12 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_layer {
            let of = if id.is_empty() { String::new() } else { format!("{id}: ") };
            all.push((String::new(), vec![format!("{of}{status}")]));
            continue;
        }
        match all.iter_mut().find(|(other, _)| *other == id) {
            Some((_, lines)) => {
                if lines.last() != Some(&status) {
                    lines.push(status);
                }
            }
            None => {
                layers += 1;
                all.push((id, vec![format!("layer {layers}: {status}")]));
            }
        }
    }
    all.into_iter().map(|(_, lines)| Line::Text(lines.join(", "))).collect()
}
