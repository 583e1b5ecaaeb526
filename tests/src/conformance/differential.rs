//! Random operations on a few containers and an image, in a form in which two daemons must say the
//! same: what takes time is waited for.

use std::collections::BTreeMap;

use serde_json::json;

use super::stage::Stage;
use super::talk::{IDLE, Talk};

/// An operation. Containers and tags are numbers; what they stand for may not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is an operation of the Engine's API")]
pub enum Operation {
    Create { name: u8, program: Program, own_image: bool },
    Start(u8),
    Stop { name: u8, seconds: u8 },
    Kill { name: u8, signal: &'static str },
    Restart { name: u8, seconds: u8 },
    Pause(u8),
    Unpause(u8),
    Remove { name: u8, force: bool },
    Rename { from: u8, to: u8 },
    Wait(u8),
    Inspect(u8),
    List,
    Tag(u8),
    Untag { tag: u8, force: bool },
    RemoveImage { force: bool },
    Pull,
}

/// What a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// It ends at once.
    True,
    /// It fails at once.
    Fails,
    /// It ends on SIGTERM.
    Idle,
    /// It takes no notice of signals.
    Stubborn,
    /// It does not exist.
    Missing,
    /// It ends at once, and its container is removed then.
    RemovedTrue,
    /// It takes no notice of signals; its container is removed at its end.
    RemovedStubborn,
}

impl Program {
    fn command(self) -> Vec<&'static str> {
        match self {
            Program::True | Program::RemovedTrue => vec!["true"],
            Program::Fails => vec!["sh", "-c", "exit 3"],
            Program::Idle => IDLE.to_vec(),
            Program::Stubborn | Program::RemovedStubborn => vec!["sleep", "infinity"],
            Program::Missing => vec!["nosuchprogram"],
        }
    }

    fn is_removed(self) -> bool {
        matches!(self, Program::RemovedTrue | Program::RemovedStubborn)
    }

    fn ends_at_once(self) -> bool {
        matches!(self, Program::True | Program::Fails | Program::RemovedTrue)
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// The fields of a container that must be the same.
const FIELDS: [&str; 14] = [
    "Name",
    "Config.Image",
    "Path",
    "Args",
    "RestartCount",
    "State.Status",
    "State.Running",
    "State.Paused",
    "State.Restarting",
    "State.OOMKilled",
    "State.Dead",
    "State.ExitCode",
    "State.Error",
    "HostConfig.AutoRemove",
];

/// What is known of a container without asking: what it runs, and how often that was started.
#[derive(Clone, Copy)]
struct Known {
    program: Program,
    starts: usize,
}

/// Operations under way on one daemon.
struct Run<'a, 't> {
    talk: &'t mut Talk<'a>,
    image: String,
    known: BTreeMap<u8, Known>,
}

/// Does all of this to the daemon, in a lane with an image of its own; what was said.
pub fn perform(stage: &dyn Stage, lane: usize, operations: &[Operation]) -> Vec<String> {
    let mut talk = Talk::new(stage);
    let image = format!("~img/lane{lane}:1");
    talk.quietly(&format!("DELETE /images/{image}?force=1"), None);
    let mut run = Run { talk: &mut talk, image, known: BTreeMap::new() };
    for operation in operations {
        run.perform(*operation);
    }
    run.list();
    for name in 0..3 {
        run.inspect(name);
    }
    let image = run.image.clone();
    talk.see(&format!("GET /images/{image}/json"), &["RepoTags", "Config.Env"]);
    talk.end().iter().map(|line| without_chance(line)).collect()
}

/// Of several containers that use an image the Engine names any.
fn without_chance(line: &str) -> String {
    let named = ["is using its referenced image", "image is being used by"];
    if !named.iter().any(|words| line.contains(words)) {
        return line.to_owned();
    }
    let mut words: Vec<&str> = line.split("<id").collect();
    let first = words.remove(0).to_owned();
    words.iter().fold(first, |shown, rest| {
        let rest = rest.split_once('>').map_or(*rest, |(_, rest)| rest);
        format!("{shown}<one of its containers>{rest}")
    })
}

fn name(number: u8) -> &'static str {
    NAMES[usize::from(number) % NAMES.len()]
}

impl Run<'_, '_> {
    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Create { name, program, own_image } => self.create(name, program, own_image),
            Operation::Start(number) => {
                let status = self.container(number, "POST", "start");
                self.started(number, status == 204);
            }
            Operation::Stop { name, seconds } => {
                // Whether a signal's handler or the SIGKILL behind it comes first is chance.
                let handles =
                    self.known.get(&name).is_some_and(|known| known.program == Program::Idle);
                let seconds = if handles { 30 } else { seconds };
                let status = self.container(name, "POST", &format!("stop?t={seconds}"));
                self.ended(name, status == 204);
            }
            Operation::Kill { name, signal } => self.kill(name, signal),
            Operation::Restart { name, seconds } => {
                let status = self.container(name, "POST", &format!("restart?t={seconds}"));
                self.started(name, status == 204);
            }
            Operation::Pause(name) => drop(self.container(name, "POST", "pause")),
            Operation::Unpause(name) => drop(self.container(name, "POST", "unpause")),
            Operation::Remove { name: number, force } => {
                let force = u8::from(force);
                let name = name(number);
                let status = self.talk.ask(&format!("DELETE /containers/~{name}?force={force}"));
                if status == 204 {
                    self.known.remove(&number);
                }
            }
            Operation::Rename { from, to } => {
                let other = name(to);
                let status = self.container(from, "POST", &format!("rename?name=~{other}"));
                if status == 204
                    && let Some(known) = self.known.remove(&from)
                {
                    self.known.insert(to, known);
                }
            }
            Operation::Wait(number) => {
                // One that runs would be waited for without end.
                if !matches!(self.state(number).as_str(), "running" | "paused") {
                    self.container(number, "POST", "wait");
                }
            }
            Operation::Inspect(name) => self.inspect(name),
            Operation::List => self.list(),
            Operation::Tag(tag) => {
                let image = self.image.clone();
                self.talk.ask(&format!("POST /images/{image}/tag?repo=~t&tag={tag}"));
            }
            Operation::Untag { tag, force } => {
                self.talk.ask(&format!("DELETE /images/~t:{tag}?force={}", u8::from(force)));
            }
            Operation::RemoveImage { force } => {
                let image = self.image.clone();
                self.talk.ask(&format!("DELETE /images/{image}?force={}", u8::from(force)));
            }
            Operation::Pull => {
                let image = self.image.clone();
                self.talk.pull(&image, &[]);
                self.talk.see(&format!("GET /images/{image}/json"), &["Id", "RepoTags"]);
            }
        }
    }

    fn create(&mut self, number: u8, program: Program, own_image: bool) {
        let image = if own_image { self.image.as_str() } else { "~img/bb:1" };
        let others = json!({
            "Image": image,
            "HostConfig": { "AutoRemove": program.is_removed() },
        });
        let status = self.talk.create(name(number), &program.command(), &others);
        if status == 201 {
            self.known.insert(number, Known { program, starts: 0 });
        }
    }

    fn container(&mut self, number: u8, method: &str, action: &str) -> u16 {
        self.talk.ask(&format!("{method} /containers/~{}/{action}", name(number)))
    }

    fn state(&mut self, number: u8) -> String {
        let (_, value) =
            self.talk.quietly(&format!("GET /containers/~{}/json", name(number)), None);
        value["State"]["Status"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for what follows from a start.
    fn started(&mut self, number: u8, done: bool) {
        if !done {
            return self.removed_by_itself(number);
        }
        let Some(known) = self.known.get_mut(&number) else { return };
        known.starts += 1;
        let Known { program, starts } = *known;
        let name = name(number);
        if program == Program::RemovedTrue {
            self.talk.until_gone(name);
            self.known.remove(&number);
        } else if program.ends_at_once() {
            self.talk.until_state(name, "exited");
        } else if program == Program::Idle {
            let request = format!("GET /containers/~{name}/logs?stdout=1");
            self.talk.until("it is ready", |talk| {
                talk.body(&request).matches("ready").count() >= starts
            });
        }
    }

    /// A container that is to be removed when its start fails may be.
    fn removed_by_itself(&mut self, number: u8) {
        let removed = self.known.get(&number).is_some_and(|known| known.program.is_removed());
        if removed && self.state(number).is_empty() {
            self.known.remove(&number);
        }
    }

    /// Waits for what follows from an end.
    fn ended(&mut self, number: u8, done: bool) {
        let Some(known) = self.known.get(&number).filter(|_| done) else { return };
        if known.program.is_removed() {
            self.talk.until_gone(name(number));
            self.known.remove(&number);
        } else {
            self.talk.until_state(name(number), "exited");
        }
    }

    fn kill(&mut self, number: u8, signal: &'static str) {
        let was_paused = self.state(number) == "paused";
        let status = self.container(number, "POST", &format!("kill?signal={signal}"));
        if status != 204 {
            return;
        }
        let program = self.known.get(&number).map(|known| known.program);
        if signal == "KILL" || (signal == "TERM" && program == Some(Program::Idle)) {
            self.ended(number, true);
        } else if was_paused {
            // The signal wakes it, a moment later.
            self.talk.until_state(name(number), "running");
        }
    }

    fn inspect(&mut self, number: u8) {
        self.talk.see(&format!("GET /containers/~{}/json", name(number)), &FIELDS);
    }

    fn list(&mut self) {
        let request = "GET /containers/json?all=1&filters=%7B%22name%22:%5B%22~%22%5D%7D";
        self.talk.see(request, &["Names", "State", "Image", "Command", "ImageID"]);
    }
}

/// The two transcripts side by side, if they differ: the first line that does, and all of both.
pub fn difference(engine: &[String], simulated: &[String]) -> Option<String> {
    if engine == simulated {
        return None;
    }
    let at = engine.iter().zip(simulated).take_while(|(one, other)| one == other).count();
    let show = |lines: &[String]| lines.join("\n  ");
    let line = |lines: &[String]| lines.get(at).map_or("nothing", String::as_str).to_owned();
    Some(format!(
        "after {}\nthe Engine says  {}\nthe simulated    {}\n\nthe Engine:\n  {}\n\nthe simulated \
         daemon:\n  {}",
        at.checked_sub(1).and_then(|at| engine.get(at)).map_or("", String::as_str),
        line(engine),
        line(simulated),
        show(engine),
        show(simulated)
    ))
}

/// Whether nothing was said that a daemon in order would not say.
pub fn is_sound(lines: &[String]) -> bool {
    !lines.iter().any(|line| line.starts_with("never:") || line.contains("broken: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let lines = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let (one, other) = (lines(&["ask", "  204"]), lines(&["ask", "  304"]));
        assert_eq!(difference(&one, &one), None);
        let shown = difference(&one, &other).expect("they differ");
        assert!(shown.starts_with("after ask\nthe Engine says    204\nthe simulated      304"));
        assert!(is_sound(&one) && !is_sound(&lines(&["never: x"])));
    }
}
