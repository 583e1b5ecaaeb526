//! A conversation with a daemon, and what is written down of it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Answer, Open};
use super::normalise::Normaliser;
use super::progress;
use super::stage::{Stage, Trouble};
use crate::names;

/// How long the daemon may take until something is as it must become.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// How long a daemon is listened to that is to say nothing.
const SILENCE: Duration = Duration::from_millis(300);

/// A conversation under way.
///
/// Requests are written `METHOD PATH`. In paths and bodies `~img/` is the registry, `~priv/` the
/// same registry for those who have credentials, `~` before anything else what makes names this
/// conversation's own, and `<id1>` the first id that was answered. The transcript has them so too.
pub struct Talk<'a> {
    stage: &'a dyn Stage,
    prefix: String,
    normaliser: Normaliser,
    lines: Vec<String>,
}

impl<'a> Talk<'a> {
    /// A conversation with the daemon of this stage.
    pub fn new(stage: &'a dyn Stage) -> Talk<'a> {
        let prefix = format!("{}-", names::unique("cf"));
        let normaliser = Normaliser::new(vec![
            (stage.registry().to_owned(), "~img".to_owned()),
            (stage.private_registry().to_owned(), "~priv".to_owned()),
            (stage.registry_host().to_owned(), "~host".to_owned()),
            (stage.private_host().to_owned(), "~privhost".to_owned()),
            (stage.namespace().to_owned(), "~ns".to_owned()),
            (prefix.clone(), "~".to_owned()),
        ]);
        Talk { stage, prefix, normaliser, lines: Vec::new() }
    }

    /// What was written down. Removes what the conversation has left in the daemon.
    pub fn end(mut self) -> Vec<String> {
        self.clean_up();
        std::mem::take(&mut self.lines)
    }

    fn expand(&self, text: &str) -> String {
        let text = text.replace("~img/", &format!("{}/", self.stage.registry()));
        let text = text.replace("~priv/", &format!("{}/", self.stage.private_registry()));
        self.normaliser.expand(&text.replace('~', &self.prefix))
    }

    /// Writes something down.
    pub fn note(&mut self, line: impl AsRef<str>) {
        let line = self.normaliser.text(line.as_ref());
        self.lines.push(line);
    }

    fn send(&self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Open, String> {
        let request = self.expand(request);
        let (method, path) = request.split_once(' ').unwrap_or(("GET", &request));
        Open::send(self.stage.endpoint(), method, path, headers, body)
            .map_err(|error| format!("broken: {error}"))
    }

    fn answer(&self, request: &str, body: Option<&Value>) -> Result<Answer, String> {
        let headers = [("Content-Type", "application/json"), ("Connection", "close")];
        let body = body.map(|body| self.expand(&body.to_string())).unwrap_or_default();
        let open = self.send(request, &headers, body.as_bytes())?;
        open.finish().map_err(|error| format!("broken: {error}"))
    }

    /// Asks, and writes down nothing; the body's JSON is returned.
    pub fn quietly(&mut self, request: &str, body: Option<&Value>) -> (u16, Value) {
        match self.answer(request, body) {
            Ok(answer) => {
                (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
            }
            Err(error) => {
                self.note(format!("{request}: {error}"));
                (0, Value::Null)
            }
        }
    }

    /// The body of an answer as text; nothing is written down.
    pub fn body(&self, request: &str) -> String {
        let answer = self.answer(request, None).map(|answer| answer.body).unwrap_or_default();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Somebody else who asks, of the same conversation.
    pub fn asker(&self) -> Asker<'a> {
        Asker { stage: self.stage, prefix: self.prefix.clone() }
    }

    /// Asks without a body, and writes down all of the answer; its status.
    pub fn ask(&mut self, request: &str) -> u16 {
        self.lines.push(request.to_owned());
        let answer = self.answer(request, None);
        self.outcome(answer, render)
    }

    /// Asks with a body, and writes down all of the answer; its status.
    pub fn json(&mut self, request: &str, body: &Value) -> u16 {
        self.lines.push(format!("{request} {body}"));
        let answer = self.answer(request, Some(body));
        self.outcome(answer, render)
    }

    /// Asks with a body that need not be JSON and with this content type.
    pub fn raw(&mut self, request: &str, content_type: &str, body: &str) {
        self.lines.push(format!("{request} {content_type} {body:?}"));
        let headers = [("Content-Type", content_type), ("Connection", "close")];
        let headers = if content_type.is_empty() { &headers[1..] } else { &headers[..] };
        let answer = self
            .send(request, headers, self.expand(body).as_bytes())
            .and_then(|open| open.finish().map_err(|error| format!("broken: {error}")));
        self.outcome(answer, render);
    }

    /// Asks, and writes down these headers of the answer and its body.
    pub fn headers(&mut self, request: &str, names: &[&str]) {
        self.lines.push(request.to_owned());
        let answer = self.answer(request, None);
        if let Ok(answer) = &answer {
            let shown: Vec<String> =
                names.iter().map(|name| format!("  {name}: {}", answer.header(name))).collect();
            self.lines.extend(shown);
        }
        self.outcome(answer, render);
    }

    /// Asks, and writes down these fields of the answer, as in `State.Status`: of each element
    /// where it is a list. A refusal is written down whole.
    pub fn see(&mut self, request: &str, fields: &[&str]) {
        self.lines.push(request.to_owned());
        let answer = self.answer(request, None);
        self.outcome(answer, |answer| {
            let Ok(value) = serde_json::from_slice::<Value>(&answer.body) else {
                return render(answer);
            };
            match &value {
                _ if answer.status >= 300 => render(answer),
                Value::Array(all) => all.iter().map(|one| pick(one, fields)).collect(),
                one => vec![Line::Value(pick_value(one, fields))],
            }
        });
    }

    /// Asks, and writes down which fields the answer has and of what kind they are: of the object
    /// at `within`, or of all.
    pub fn shape(&mut self, request: &str, within: &str) {
        self.lines.push(format!("{request} has in {within:?}"));
        let answer = self.answer(request, None);
        self.outcome(answer, |answer| {
            let value: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
            let mut fields = Vec::new();
            shape(at(&value, within), "", &mut fields);
            // What is in there is up to how the daemon is set up.
            fields.retain(|field| !field.contains("LogConfig.Config."));
            fields.sort();
            fields.into_iter().map(Line::Text).collect()
        });
    }

    /// Sends a request whose answer is to come later.
    pub fn open(&mut self, request: &str) -> Option<Open> {
        self.open_with(request, &[])
    }

    /// The same with these headers.
    pub fn open_with(&mut self, request: &str, headers: &[(&str, &str)]) -> Option<Open> {
        self.lines.push(format!("{request} ..."));
        match self.send(request, headers, b"") {
            Ok(open) => Some(open),
            Err(error) => {
                self.note(format!("  {error}"));
                None
            }
        }
    }

    /// Writes down the status of an answer whose body is to come later.
    pub fn head(&mut self, open: &mut Option<Open>) {
        let line = match open.as_mut().map(Open::head) {
            None => return,
            Some(Ok(answer)) => format!("  {} ...", answer.status),
            Some(Err(error)) => format!("  broken: {error}"),
        };
        self.note(line);
    }

    /// Writes on a connection that was taken over, and may say that this was all.
    pub fn write(&mut self, open: &mut Option<Open>, text: &str, all: bool) {
        let Some(open) = open else { return };
        let written = open.write(text.as_bytes());
        let written = written.and_then(|()| if all { open.writes_no_more() } else { Ok(()) });
        let end = if all { ", and that is all" } else { "" };
        self.lines.push(match written {
            Ok(()) => format!("  written: {text:?}{end}"),
            Err(error) => format!("  broken: {error}"),
        });
    }

    /// Writes down that nothing comes, or that something does.
    pub fn silence(&mut self, open: &mut Option<Open>) {
        let line = match open.as_mut().map(|open| open.is_silent_for(SILENCE)) {
            None => return,
            Some(Ok(true)) => "  nothing comes".to_owned(),
            Some(Ok(false)) => "  something comes".to_owned(),
            Some(Err(error)) => format!("  broken: {error}"),
        };
        self.note(line);
    }

    /// Writes down the whole answer to a request that was sent before.
    pub fn finish(&mut self, what: &str, open: Option<Open>) {
        let Some(open) = open else { return };
        self.lines.push(format!("... {what}"));
        let answer = open.finish().map_err(|error| format!("broken: {error}"));
        self.outcome(answer, render);
    }

    /// Writes down pieces of an answer until it has said this, then leaves.
    pub fn until_said(&mut self, what: &str, open: Option<Open>, text: &str, fields: &[&str]) {
        let Some(mut open) = open else { return };
        self.lines.push(format!("... {what}"));
        let text = self.expand(text);
        let mut body = Vec::new();
        let answer = loop {
            match open.piece() {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => break open.head().cloned(),
                Err(error) => break Err(error),
            }
            if String::from_utf8_lossy(&body).contains(&text) {
                break open.head().cloned();
            }
        };
        let answer = answer.map(|answer| Answer { body, ..answer });
        let answer = answer.map_err(|error| format!("broken: {error}"));
        self.outcome(answer, |answer| {
            let values: Vec<Value> =
                serde_json::Deserializer::from_slice(&answer.body).into_iter().flatten().collect();
            values.iter().map(|one| pick(one, fields)).collect()
        });
    }

    /// Asks, and writes down these fields of each value of a stream that ends by itself.
    pub fn stream(&mut self, request: &str, fields: &[&str]) {
        self.lines.push(request.to_owned());
        let answer = self.answer(request, None);
        self.outcome(answer, |answer| {
            let values: Vec<Value> =
                serde_json::Deserializer::from_slice(&answer.body).into_iter().flatten().collect();
            if answer.status >= 300 {
                return render(answer);
            }
            values.iter().map(|one| pick(one, fields)).collect()
        });
    }

    /// Pulls, and writes down what is said of each layer in its order, without how far it has come.
    pub fn pull(&mut self, image: &str, headers: &[(&str, &str)]) {
        let request = pull_request(image);
        self.lines.push(request.clone());
        let answer = self
            .send(&request, headers, b"")
            .and_then(|open| open.finish().map_err(|error| format!("broken: {error}")));
        self.outcome(answer, progress::lines);
    }

    /// Begins a pull.
    pub fn begin_pull(&mut self, image: &str) -> Option<Open> {
        self.open(&pull_request(image))
    }

    /// The end of a pull that was begun.
    pub fn finish_pull(&mut self, what: &str, open: Option<Open>) {
        let Some(open) = open else { return };
        self.lines.push(format!("... {what}"));
        let answer = open.finish().map_err(|error| format!("broken: {error}"));
        self.outcome(answer, progress::lines);
    }

    /// Writes down the status of an answer that then comes to its end.
    pub fn finish_status(&mut self, what: &str, open: Option<Open>) {
        let Some(open) = open else { return };
        self.lines.push(format!("... {what}"));
        let answer = open.finish().map_err(|error| format!("broken: {error}"));
        self.outcome(answer, |_| Vec::new());
    }

    fn outcome(
        &mut self,
        answer: Result<Answer, String>,
        lines: impl FnOnce(&Answer) -> Vec<Line>,
    ) -> u16 {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.note(format!("  {error}"));
                return 0;
            }
        };
        let mut lines = lines(&answer).into_iter().map(|line| match line {
            Line::Text(text) => self.normaliser.text(&text),
            Line::Value(value) => self.normaliser.value(&value).to_string(),
        });
        let mut shown = Vec::new();
        match lines.next() {
            None => shown.push(format!("  {}", answer.status)),
            Some(first) => shown.push(format!("  {} {first}", answer.status)),
        }
        shown.extend(lines.map(|line| format!("      {line}")));
        self.lines.extend(shown);
        answer.status
    }

    /// Creates a container of `bb:1` with this command and these other fields.
    pub fn create(&mut self, name: &str, command: &[&str], others: &Value) -> u16 {
        let mut body = serde_json::json!({ "Image": "~img/bb:1", "Cmd": command });
        if let (Some(body), Some(others)) = (body.as_object_mut(), others.as_object()) {
            body.extend(others.clone());
        }
        self.json(&format!("POST /containers/create?name=~{name}"), &body)
    }

    /// Creates and starts one without writing anything down; waits until it runs, or has.
    pub fn run(&mut self, name: &str, command: &[&str], others: &Value) {
        let from = self.lines.len();
        self.create(name, command, others);
        self.ask(&format!("POST /containers/~{name}/start"));
        let shown: Vec<String> = self.lines.drain(from..).collect();
        let statuses: Vec<&str> = shown
            .iter()
            .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
            .filter(|status| !status.is_empty())
            .collect();
        let command = command.join(" ");
        let others = if others.is_null() { String::new() } else { format!(" {others}") };
        self.lines.push(format!("run ~{name}: {command}{others} {}", statuses.join(" ")));
    }

    /// A container that does nothing until it is stopped, and stops on SIGTERM at once.
    pub fn run_idle(&mut self, name: &str) {
        self.run(name, &IDLE, &serde_json::json!({ "OpenStdin": true }));
        self.until_log(name, "ready");
    }

    /// Waits until a container has written this.
    pub fn until_log(&mut self, name: &str, text: &str) {
        let request = format!("GET /containers/~{name}/logs?stdout=1&stderr=1");
        self.until(&format!("~{name} has written {text}"), |talk| {
            let answer = talk.answer(&request, None).map(|answer| answer.body);
            String::from_utf8_lossy(&answer.unwrap_or_default()).contains(text)
        });
    }

    /// Waits until a container is in this state.
    pub fn until_state(&mut self, name: &str, state: &str) {
        let request = format!("GET /containers/~{name}/json");
        self.until(&format!("~{name} is {state}"), |talk| {
            let answer = talk.answer(&request, None);
            let value: Value = answer
                .ok()
                .and_then(|answer| serde_json::from_slice(&answer.body).ok())
                .unwrap_or_default();
            value["State"]["Status"] == state
        });
    }

    /// Waits until this container is not there.
    pub fn until_gone(&mut self, name: &str) {
        let request = format!("GET /containers/~{name}/json");
        self.until(&format!("~{name} is gone"), |talk| {
            talk.answer(&request, None).is_ok_and(|answer| answer.status == 404)
        });
    }

    /// Waits for this; that it does not come is written down.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&mut Self) -> bool) {
        let since = Instant::now();
        while !condition(self) {
            if since.elapsed() > PATIENCE {
                self.note(format!("never: {what}"));
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// From now on the registry behaves so.
    pub fn trouble(&mut self, trouble: Trouble) {
        self.lines.push(format!("registry: {trouble}"));
        self.stage.set_trouble(trouble);
    }

    /// Waits until the registry is in the midst of so many transfers.
    pub fn until_transfers(&mut self, what: &str, condition: impl Fn(super::Transfers) -> bool) {
        let stage = self.stage;
        self.until(what, |_| condition(stage.transfers()));
        self.lines.push(format!("until {what}"));
    }

    fn clean_up(&mut self) {
        let of = |prefix: &str| {
            let filters = serde_json::json!({ "name": [prefix] }).to_string();
            filters.replace('"', "%22").replace('{', "%7B").replace('}', "%7D")
        };
        let filters = of(&self.prefix);
        let (_, list) =
            self.quietly(&format!("GET /containers/json?all=1&filters={filters}"), None);
        for container in list.as_array().into_iter().flatten() {
            let id = container["Id"].as_str().unwrap_or_default().to_owned();
            self.quietly(&format!("POST /containers/{id}/unpause"), None);
            self.quietly(&format!("DELETE /containers/{id}?force=1&v=1"), None);
        }
        let (_, list) = self.quietly(&format!("GET /networks?filters={filters}"), None);
        for network in list.as_array().into_iter().flatten() {
            let id = network["Id"].as_str().unwrap_or_default().to_owned();
            self.quietly(&format!("DELETE /networks/{id}"), None);
        }
        let (_, list) = self.quietly(&format!("GET /volumes?filters={filters}"), None);
        for volume in list["Volumes"].as_array().into_iter().flatten() {
            let name = volume["Name"].as_str().unwrap_or_default().to_owned();
            self.quietly(&format!("DELETE /volumes/{name}"), None);
        }
        let (_, list) = self.quietly("GET /images/json", None);
        let tags = list.as_array().into_iter().flatten();
        let tags = tags.flat_map(|image| image["RepoTags"].as_array().into_iter().flatten());
        let tags: Vec<String> = tags.filter_map(Value::as_str).map(str::to_owned).collect();
        let prefix = self.prefix.clone();
        for tag in tags.iter().filter(|tag| tag.starts_with(&prefix)) {
            self.quietly(&format!("DELETE /images/{tag}"), None);
        }
    }
}

/// Somebody else who asks in a conversation, at the same time.
pub struct Asker<'a> {
    stage: &'a dyn Stage,
    prefix: String,
}

impl Asker<'_> {
    /// The status of the answer to a request; 0 if there is none.
    pub fn status(&self, request: &str) -> u16 {
        let request = request.replace('~', &self.prefix);
        let (method, path) = request.split_once(' ').unwrap_or(("GET", &request));
        let open = Open::send(self.stage.endpoint(), method, path, &[("Connection", "close")], b"");
        open.and_then(Open::finish).map_or(0, |answer| answer.status)
    }
}

/// A command that ends on SIGTERM at once, and on nothing else.
pub const IDLE: [&str; 3] =
    ["sh", "-c", "trap 'exit 0' TERM; echo ready; while true; do sleep 0.1; done"];

fn pull_request(image: &str) -> String {
    let (repository, tag) = image.rsplit_once(':').unwrap_or((image, ""));
    format!("POST /images/create?fromImage={repository}&tag={tag}")
}

/// Something to write down.
pub enum Line {
    /// A text.
    Text(String),
    /// A value.
    Value(Value),
}

/// All of an answer.
pub fn render(answer: &Answer) -> Vec<Line> {
    let body = &answer.body;
    if body.is_empty() {
        return Vec::new();
    }
    let values: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(body).into_iter().collect();
    if answer.header("content-type").contains("json")
        && let Ok(values) = values
    {
        return values.into_iter().map(Line::Value).collect();
    }
    if let Some(frames) = frames(body) {
        return frames.into_iter().map(Line::Text).collect();
    }
    vec![Line::Text(format!("{:?}", String::from_utf8_lossy(body)))]
}

/// The frames of a stream that has some; those of one kind that follow each other as one.
fn frames(mut body: &[u8]) -> Option<Vec<String>> {
    let mut all: Vec<(u8, Vec<u8>)> = Vec::new();
    while !body.is_empty() {
        let (head, rest) = body.split_first_chunk::<8>()?;
        let [kind @ 0..=2, 0, 0, 0, size @ ..] = head else { return None };
        let size = u32::from_be_bytes(*size) as usize;
        let content = rest.get(..size)?;
        match all.last_mut() {
            Some((last, bytes)) if last == kind => bytes.extend_from_slice(content),
            _ => all.push((*kind, content.to_vec())),
        }
        body = &rest[size..];
    }
    let names = ["stdin", "stdout", "stderr"];
    let show = |(kind, bytes): (u8, Vec<u8>)| {
        format!("{}: {:?}", names[usize::from(kind)], String::from_utf8_lossy(&bytes))
    };
    Some(all.into_iter().map(show).collect())
}

fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    // A field's name may contain dots: then it is found as a whole.
    path.split('.').filter(|part| !part.is_empty()).fold(value, |value, part| {
        match value {
            Value::Array(all) => part.parse().ok().and_then(|at: usize| all.get(at)),
            other => other.get(part),
        }
        .unwrap_or(&Value::Null)
    })
}

fn pick_value(value: &Value, fields: &[&str]) -> Value {
    Value::Object(fields.iter().map(|path| ((*path).to_owned(), at(value, path).clone())).collect())
}

fn pick(value: &Value, fields: &[&str]) -> Line {
    Line::Value(pick_value(value, fields))
}

fn shape(value: &Value, path: &str, into: &mut Vec<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    if !path.is_empty() {
        into.push(format!("{path}: {kind}"));
    }
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            let dot = if path.is_empty() { "" } else { "." };
            shape(value, &format!("{path}{dot}{name}"), into);
        }
    }
}
