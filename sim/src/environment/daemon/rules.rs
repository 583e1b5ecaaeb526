//! Rules: faults that strike what they name, set and changed while the daemon runs.
//!
//! The first rule that matches strikes; without a number of times it does so until it is taken
//! away. What hangs because of a rule goes on when the rules are changed.

use super::request::Method;
use super::shell::{size, time};
use super::trouble::{Place, Trouble};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How rules are written, for people.
pub const HELP: &str = "\
ON:WHAT[*TIMES][~SUBJECT]      e.g. pull:stall@30%   stop:hang*1   create:fail=500~web

ON   pull create start stop kill remove inspect list wait attach logs exec-create exec-start
     inspect-image tag remove-image ... (any request by its name), any (every request),
     task (a container's program)
WHAT fail[=STATUS]             answered with an error, without effect (500)
     hang                      no answer and no effect, until the rules are changed
     delay=TIME                takes effect later
     silent                    takes effect, but the answer never comes
     break                     takes effect, but the connection breaks before the answer
     drop                      no effect, and the connection breaks
of pull
     slow=TIMES                everything takes so many times as long
     trickle=SIZE              so many bytes a second: 1k
     silence=TIME              no first byte for so long
     stall[@PLACE]             no further byte, until the rules are changed
     cut[@PLACE]               the registry cuts the connection, each time
     status=CODE[@PLACE]       401, 404, 429, 500, 503 ... from the registry
     denied  corrupt  no-space
     PLACE is manifest (the default), config, or NN% of the largest layer
of remove
     half-way                  the container is dead and stays
of task
     ignore-term               takes no notice of SIGTERM
     oom                       is killed for its memory, a second after its start

TIMES     strikes so many times
SUBJECT   only where the container's name or the image's reference contains this
";

/// What a rule strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Every request.
    Any,
    /// Requests of one kind.
    Request(Method),
    /// Programs of containers.
    Task,
}

/// What happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answered with this status, without effect.
    Fail(u16),
    /// No answer and no effect, until the rules are changed.
    Hang,
    /// Takes effect later.
    Delay(Duration),
    /// Takes effect; the answer never comes.
    Silent,
    /// Takes effect; the connection breaks before the answer.
    Break,
    /// No effect; the connection breaks.
    Drop,
    /// A removal leaves the container dead.
    HalfWay,
    /// A pull meets this.
    Pull(Trouble),
    /// A program takes no notice of SIGTERM.
    IgnoreTerm,
    /// A program is killed for its memory.
    Oom,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it strikes.
    pub on: On,
    /// What happens then.
    pub effect: Effect,
    /// How often it still strikes; for ever if `None`.
    pub times: Option<u32>,
    /// Only what has this in its name.
    pub subject: Option<String>,
}

/// All rules, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// These rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Rules(rules)
    }

    /// Each of them; one that has struck as often as it should is gone.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// The effect of the first rule that matches this request.
    pub(super) fn strike(&mut self, method: Method, subject: &str) -> Option<Effect> {
        self.first(subject, |rule| match rule.on {
            On::Any => true,
            On::Request(kind) => kind == method,
            On::Task => false,
        })
    }

    /// The effect of the first rule that matches the program of this container.
    pub(super) fn strike_task(&mut self, name: &str) -> Option<Effect> {
        self.first(name, |rule| rule.on == On::Task)
    }

    fn first(&mut self, subject: &str, matches: impl Fn(&Rule) -> bool) -> Option<Effect> {
        let index = self.0.iter().position(|rule| {
            matches(rule)
                && rule.subject.as_ref().is_none_or(|part| subject.contains(part.as_str()))
        })?;
        let rule = &mut self.0[index];
        let effect = rule.effect;
        if let Some(times) = &mut rule.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(effect)
    }
}

/// The name of a kind of request in a rule.
fn method_name(method: Method) -> String {
    method.name().replace(' ', "-")
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Fail(status) => write!(f, "fail={status}"),
            Effect::Hang => f.write_str("hang"),
            Effect::Delay(time) => write!(f, "delay={}s", time.as_secs_f64()),
            Effect::Silent => f.write_str("silent"),
            Effect::Break => f.write_str("break"),
            Effect::Drop => f.write_str("drop"),
            Effect::HalfWay => f.write_str("half-way"),
            Effect::Pull(trouble) => trouble.fmt(f),
            Effect::IgnoreTerm => f.write_str("ignore-term"),
            Effect::Oom => f.write_str("oom"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.on {
            On::Any => write!(f, "any:{}", self.effect)?,
            On::Task => write!(f, "task:{}", self.effect)?,
            On::Request(method) => write!(f, "{}:{}", method_name(method), self.effect)?,
        }
        if let Some(times) = self.times {
            write!(f, "*{times}")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, "~{subject}")?;
        }
        Ok(())
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = |what: &str| format!("fault '{text}': {what}");
        let (head, subject) = match text.split_once('~') {
            Some((head, subject)) => (head, Some(subject.to_owned())),
            None => (text, None),
        };
        let (head, times) = match head.rsplit_once('*') {
            Some((head, times)) => {
                let times = times.parse().ok().filter(|times| *times > 0);
                (head, Some(times.ok_or_else(|| fail("a number of times is expected after *"))?))
            }
            None => (head, None),
        };
        let (on, what) = head
            .split_once(':')
            .ok_or_else(|| fail("expected ON:WHAT, such as pull:stall@30% or stop:hang"))?;
        let on = match on {
            "any" => On::Any,
            "task" => On::Task,
            "rm" => On::Request(Method::Remove),
            "ps" => On::Request(Method::List),
            "rmi" => On::Request(Method::RemoveImage),
            name => {
                let method = Method::ALL.iter().find(|method| method_name(**method) == name);
                On::Request(*method.ok_or_else(|| fail(&format!("no request is called '{name}'")))?)
            }
        };
        let effect = effect(on, what).map_err(|error| fail(&error))?;
        Ok(Rule { on, effect, times, subject })
    }
}

fn effect(on: On, what: &str) -> Result<Effect, String> {
    let (what, place) = match what.split_once('@') {
        Some((what, place)) => (what, Some(self::place(place)?)),
        None => (what, None),
    };
    let (what, value) = what.split_once('=').map_or((what, None), |(w, v)| (w, Some(v)));
    let pulls = on == On::Request(Method::Pull);
    let requests = on != On::Task;
    let effect = match (what, value) {
        ("fail", value) if requests => Effect::Fail(value.map_or(Ok(500), status)?),
        ("hang", None) if requests => Effect::Hang,
        ("delay", Some(value)) if requests => Effect::Delay(duration(value)?),
        ("silent", None) if requests => Effect::Silent,
        ("break", None) if requests => Effect::Break,
        ("drop", None) if requests => Effect::Drop,
        ("half-way", None) if on == On::Request(Method::Remove) => Effect::HalfWay,
        ("ignore-term", None) if on == On::Task => Effect::IgnoreTerm,
        ("oom", None) if on == On::Task => Effect::Oom,
        (what, value) if pulls => Effect::Pull(trouble(what, value, place)?),
        _ => return Err(format!("'{what}' does not happen there, or not like that")),
    };
    let placed =
        matches!(effect, Effect::Pull(Trouble::Stall(_) | Trouble::Cut(_) | Trouble::Status(..)));
    if place.is_some() && !placed {
        return Err(format!("'{what}' has no place"));
    }
    Ok(effect)
}

fn trouble(what: &str, value: Option<&str>, place: Option<Place>) -> Result<Trouble, String> {
    let place = place.unwrap_or(Place::Manifest);
    Ok(match (what, value) {
        ("slow", Some(value)) => {
            let times = value.parse().ok().filter(|times| *times > 0);
            Trouble::Slow(times.ok_or_else(|| format!("'{value}' is no number of times"))?)
        }
        ("trickle", Some(value)) => {
            let rate = size(value).filter(|rate| *rate > 0);
            Trouble::Trickle(rate.ok_or_else(|| format!("'{value}' is no size like 1k"))?)
        }
        ("silence", Some(value)) => Trouble::Silence(duration(value)?),
        ("stall", None) => Trouble::Stall(place),
        ("cut", None) => Trouble::Cut(place),
        ("status", Some(value)) => Trouble::Status(status(value)?, place),
        ("denied", None) => Trouble::Denied,
        ("corrupt", None) => Trouble::Corrupt,
        ("no-space", None) => Trouble::NoSpace,
        _ => return Err(format!("'{what}' does not happen to a pull, or not like that")),
    })
}

fn place(text: &str) -> Result<Place, String> {
    match text {
        "manifest" => Ok(Place::Manifest),
        "config" => Ok(Place::Config),
        _ => {
            let percent = text.strip_suffix('%').and_then(|number| number.parse().ok());
            percent.filter(|percent| *percent <= 100).map(Place::Layer).ok_or_else(|| {
                format!("'{text}' is no place; expected manifest, config, or 0% to 100%")
            })
        }
    }
}

fn status(text: &str) -> Result<u16, String> {
    let status = text.parse().ok().filter(|status| (400..=599).contains(status));
    status.ok_or_else(|| format!("'{text}' is no status of an error, 400 to 599"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let millis = text.strip_suffix("ms").and_then(|number| number.parse().ok());
    let parsed = millis.map(Duration::from_millis).or_else(|| time(text));
    parsed.ok_or_else(|| format!("'{text}' is no time like 500ms, 5s or 2m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for text in [
            "pull:stall@30%",
            "pull:stall@manifest",
            "pull:status=429@config*2~registry/app",
            "pull:slow=20",
            "pull:trickle=1024",
            "pull:silence=30s",
            "pull:cut@50%",
            "pull:no-space",
            "stop:hang*1",
            "create:fail=500~web",
            "inspect-image:delay=0.5s",
            "any:break",
            "remove:half-way",
            "task:oom",
        ] {
            assert_eq!(text.parse::<Rule>().map(|rule| rule.to_string()), Ok(text.to_owned()));
        }
        let rule: Rule = "pull:stall".parse().unwrap();
        assert_eq!(rule.effect, Effect::Pull(Trouble::Stall(Place::Manifest)));
        assert_eq!("rm:fail".parse::<Rule>().unwrap().on, On::Request(Method::Remove));
        assert_eq!(
            "stop:delay=250ms".parse::<Rule>().unwrap().effect,
            Effect::Delay(Duration::from_millis(250))
        );
    }

    #[test]
    fn what_is_no_rule_is_refused_with_the_reason() {
        for (text, reason) in [
            ("stall", "expected ON:WHAT"),
            ("pul:stall", "no request is called 'pul'"),
            ("stop:stall", "does not happen there"),
            ("pull:stall@10", "is no place"),
            ("pull:stall@101%", "is no place"),
            ("pull:slow", "does not happen to a pull"),
            ("pull:slow=0", "no number of times"),
            ("pull:status=200", "no status of an error"),
            ("pull:denied@50%", "has no place"),
            ("stop:delay=soon", "no time like"),
            ("stop:hang*0", "number of times"),
            ("task:hang", "does not happen there"),
        ] {
            let error = text.parse::<Rule>().unwrap_err();
            assert!(error.contains(reason) && error.contains(text), "{error}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_strikes_as_often_as_it_should() {
        let rules = ["stop:fail*1~web", "any:hang"].map(|text| text.parse().unwrap());
        let mut rules = Rules::new(rules.to_vec());
        assert_eq!(rules.strike(Method::Stop, "other"), Some(Effect::Hang));
        assert_eq!(rules.strike(Method::Stop, "my-web"), Some(Effect::Fail(500)));
        assert_eq!(rules.strike(Method::Stop, "my-web"), Some(Effect::Hang));
        assert_eq!(rules.strike_task("my-web"), None);
        assert_eq!(rules.iter().count(), 1);
    }
}
