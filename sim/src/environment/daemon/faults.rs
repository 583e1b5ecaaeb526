//! What may keep a request from taking effect, or its answer from arriving.
//!
//! Two sources of trouble: [rules](super::rules), which strike what they name, and the budgets of
//! the environment, from which the stream of choices draws.

use super::Shared;
use super::answer::{Refusal, Reply};
use super::exchange::RequestId;
use super::messages;
use super::request::{Method, Request};
use super::rules::Effect;
use super::trouble::Trouble;
use crate::environment::faults::Fault;
use process::Label;
use std::sync::Arc;
use std::time::Duration;

/// What happens to the answer of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives.
    #[default]
    Answer,
    /// It never arrives, and the connection stays open.
    Lose,
    /// The connection breaks in its place; also: the removal gets stuck half way.
    Break,
}

/// What happens while a request takes effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Special {
    #[default]
    Nothing,
    /// A removal gets stuck: the container is dead, and stays.
    HalfWay,
    /// A pull meets trouble.
    Trouble(Trouble),
}

impl Method {
    /// The faults that may keep it from taking effect, or its answer from arriving. Pulls have
    /// their own.
    fn obstacles(self) -> &'static [Fault] {
        match self {
            Method::Create | Method::Start => &[Fault::RunFail, Fault::AnswerLost],
            Method::Stop => &[Fault::StopFail, Fault::StopHang, Fault::AnswerLost],
            Method::Kill => &[Fault::KillFail, Fault::AnswerLost],
            Method::Remove => &[Fault::RemoveFail, Fault::RemoveDead, Fault::AnswerLost],
            Method::InspectContainer | Method::InspectImage => {
                &[Fault::InspectFail, Fault::InspectHang]
            }
            Method::List => &[Fault::ListFail],
            _ => &[],
        }
    }

    /// The answer when a fault has struck that has one.
    fn refusal(self, subject: &str) -> Refusal {
        match self {
            Method::Remove => messages::device_busy(subject),
            _ => messages::server_error(self.name(), subject),
        }
    }
}

impl Shared {
    /// Lets a request that has arrived take effect, unless something keeps it from that.
    pub(super) fn meet_faults(
        self: &Arc<Self>,
        id: RequestId,
        request: Request,
        method: Method,
        subject: &str,
    ) {
        let rule = self.state.lock().rules.strike(method, subject);
        if let Some(effect) = rule {
            process::note("fault", || format!("{effect}: {} {subject}", method.name()));
            return self.meet_rule(id, request, method, effect);
        }
        let struck = self.operations.inject(method.name(), subject, method.obstacles());
        match struck {
            None => self.take_effect(id, request),
            Some(Fault::InspectHang | Fault::StopHang) => {
                let daemon = Arc::clone(self);
                let label = Label::plain("Daemon", method.name());
                let effect = move || daemon.take_effect(id, request);
                self.operations.hold(self.contexts.daemon, label, effect);
            }
            Some(Fault::AnswerLost) => {
                self.set_fate(id, Fate::Break);
                self.take_effect(id, request);
            }
            Some(Fault::RemoveDead) => {
                self.set_special(id, Special::HalfWay);
                self.take_effect(id, request);
            }
            Some(_) if method == Method::Start => super::starting::refuse(self, id, subject),
            Some(_) => self.refuse(id, method.refusal(subject)),
        }
    }

    fn meet_rule(
        self: &Arc<Self>,
        id: RequestId,
        request: Request,
        method: Method,
        effect: Effect,
    ) {
        let (daemon, context) = (Arc::clone(self), self.contexts.daemon);
        let label = Label::plain("Daemon", method.name());
        match effect {
            Effect::Fail(status) => {
                let reason = messages::server_error(method.name(), &request.subject());
                self.refuse(id, Refusal { status, ..reason });
            }
            Effect::Hang => {
                let op =
                    self.operations.hold(context, label, move || daemon.take_effect(id, request));
                self.state.lock().held.push(op);
            }
            Effect::Delay(time) => {
                self.operations
                    .schedule(context, label, time, move || daemon.take_effect(id, request));
            }
            Effect::Silent | Effect::Break => {
                let fate = if effect == Effect::Break { Fate::Break } else { Fate::Lose };
                self.set_fate(id, fate);
                self.take_effect(id, request);
            }
            Effect::Drop => self.reply(id, Reply::Broken, Duration::ZERO),
            Effect::HalfWay => {
                self.set_special(id, Special::HalfWay);
                self.take_effect(id, request);
            }
            Effect::Pull(trouble) => {
                self.set_special(id, Special::Trouble(trouble));
                self.take_effect(id, request);
            }
            // Those of programs strike when one is started.
            Effect::IgnoreTerm | Effect::Oom => self.take_effect(id, request),
        }
    }

    fn set_fate(&self, id: RequestId, fate: Fate) {
        if let Some(exchange) = self.state.lock().exchanges.get_mut(&id) {
            exchange.fate = fate;
        }
    }

    fn set_special(&self, id: RequestId, special: Special) {
        if let Some(exchange) = self.state.lock().exchanges.get_mut(&id) {
            exchange.special = special;
        }
    }
}
