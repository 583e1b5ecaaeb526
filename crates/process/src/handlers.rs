//! What reaches a process by name: messages, requests to its routes, the end of others.
//!
//! Mirrors `install`, `delegate`, `send`, `route`, `link` and `consume` of `ProcessBase` in
//! `3rdparty/libprocess/{include/process/process.hpp,src/process.cpp}`, and `ProtobufProcess` in
//! `include/process/protobuf.hpp`.

use crate::context::Context;
use crate::filter::{self, Incoming};
use crate::future::{Future, Promise};
use crate::http::{self, Request, Response};
use crate::pid::{Process, Upid};
use crate::remote::{Message, RemoteConnection, counters};
use crate::spawn::Exited;
use crate::{system, transport};
use actix::Handler;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

type OnMessage<A> = Rc<dyn Fn(&mut A, &mut Context<A>, &Upid, &Bytes)>;
type OnRequest<A> = Rc<dyn Fn(&mut A, &mut Context<A>, Request) -> Future<Response>>;

/// What a process has installed. Most have nothing, so a context keeps this in a box.
pub(crate) struct Handlers<A: Process> {
    /// By name. There are few: to compare their lengths is faster than to search a tree.
    messages: Vec<(Cow<'static, str>, OnMessage<A>)>,
    delegates: BTreeMap<String, Upid>,
    routes: BTreeMap<String, OnRequest<A>>,
}

impl<A: Process> Default for Handlers<A> {
    fn default() -> Self {
        Handlers { messages: Vec::new(), delegates: BTreeMap::new(), routes: BTreeMap::new() }
    }
}

impl<A: Process> Context<A> {
    /// Handles protobuf messages of type `M`, which come under their full name. One that cannot be
    /// decoded is counted, logged and dropped.
    ///
    /// Mirrors `ProtobufProcess::install`. Where upstream can give a handler single fields, this
    /// gives the message.
    #[doc(alias = "ProtobufProcess::install")]
    pub fn install<M>(&mut self, handler: impl Fn(&mut A, &mut Self, &Upid, M) + 'static)
    where
        M: prost::Message + prost::Name + Default,
    {
        let decode = |body: &Bytes| M::decode(&body[..]).map_err(|error| error.to_string());
        self.install_with(M::full_name(), decode, handler);
    }

    /// The same with a decoder of its own, for instance one that insists on required fields.
    pub fn install_with<M>(
        &mut self,
        name: String,
        decode: impl Fn(&Bytes) -> Result<M, String> + 'static,
        handler: impl Fn(&mut A, &mut Self, &Upid, M) + 'static,
    ) {
        let shown = name.clone();
        self.install_raw(name, move |actor, context, from, body| match decode(body) {
            Ok(message) => handler(actor, context, from, message),
            Err(error) => counters::undecodable(context.upid(), &shown, from, &error),
        });
    }

    /// Handles messages of this name, whatever they contain.
    ///
    /// Mirrors `ProcessBase::install`.
    #[doc(alias = "ProcessBase::install")]
    pub fn install_raw(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut A, &mut Self, &Upid, &Bytes) + 'static,
    ) {
        let name = name.into();
        let messages = &mut self.handlers().messages;
        // The last one counts.
        messages.retain(|(other, _)| *other != name);
        messages.push((name, Rc::new(handler)));
    }

    /// Passes messages of this name on to `to`, unless there is a handler for them here. They keep
    /// their sender.
    ///
    /// Mirrors `ProcessBase::delegate`.
    #[doc(alias = "ProcessBase::delegate")]
    pub fn delegate(&mut self, name: impl Into<String>, to: Upid) {
        self.handlers().delegates.insert(name.into(), to);
    }

    /// Sends a protobuf message to a process, wherever it is. At most once: whether it arrives is
    /// unknown, and messages to one address stay in order only as long as one connection lasts.
    ///
    /// Mirrors `ProtobufProcess::send`.
    #[doc(alias = "ProtobufProcess::send")]
    pub fn send<M: prost::Message + prost::Name>(&self, to: &Upid, message: &M) {
        transport::send(to, Message::protobuf(self.upid().clone(), to.clone(), message));
    }

    /// Sends a message of any name and content.
    ///
    /// Mirrors `ProcessBase::send`.
    #[doc(alias = "ProcessBase::send")]
    pub fn send_raw(&self, to: &Upid, name: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) {
        transport::send(to, Message::new(self.upid().clone(), to.clone(), name, body));
    }

    /// Handles requests to `/<id of this process><name>` and below, unless there is a longer route
    /// that fits. The future's response is the answer; its failure is answered with status 500.
    /// `help` is shown below `/help`.
    ///
    /// Mirrors `ProcessBase::route`.
    ///
    /// # Panics
    ///
    /// When `name` does not begin with a slash, or ends with one that is not all of it: that is a
    /// bug of the caller.
    #[doc(alias = "ProcessBase::route")]
    pub fn route(
        &mut self,
        name: &str,
        help: Option<String>,
        handler: impl Fn(&mut A, &mut Self, Request) -> Future<Response> + 'static,
    ) {
        let route = name.strip_prefix('/');
        let route = route.filter(|route| !route.ends_with('/'));
        let route = route.unwrap_or_else(|| panic!("'{name}' cannot be a route"));
        self.handlers().routes.insert(route.to_owned(), Rc::new(handler));
        system::add_help(self.upid().id(), name, help);
    }

    /// Asks for an [`Exited`] message once the process `to` has ended, or can no longer be reached.
    /// At once when there is no such process in this program. A process elsewhere is not asked: a
    /// link to a live address with a wrong id is silently fine. Linking twice is linking once.
    ///
    /// Mirrors `ProcessBase::link`.
    #[doc(alias = "ProcessBase::link")]
    pub fn link_to(&mut self, to: &Upid, remote: RemoteConnection)
    where
        A: Handler<Exited, Result = ()>,
    {
        let pid = self.pid().clone();
        if to.address() == self.upid().address() {
            return match transport::local(to) {
                Some((number, ended)) => self.watch(number, &ended, to),
                None => pid.exited(to.clone()),
            };
        }
        transport::link(transport::Link {
            linker: self.upid().clone(),
            to: to.clone(),
            remote,
            tell: Box::new(move |who| pid.exited(who)),
        });
    }

    fn handlers(&mut self) -> &mut Handlers<A> {
        self.handlers.get_or_insert_default()
    }

    /// Runs the handler that is installed for a message, if one is, as when it comes out of the
    /// mailbox. For whoever has a message in hand that is for this process.
    ///
    /// Mirrors `ProcessBase::consume(MessageEvent)`.
    #[doc(alias = "ProcessBase::consume")]
    pub fn consume_message(&mut self, actor: &mut A, message: &Message) {
        if filter::drops(self.is_simulated(), self.upid(), Incoming::Message(message)) {
            return;
        }
        let Some(handlers) = &self.handlers else {
            return counters::unhandled(message);
        };
        let installed = handlers.messages.iter().find(|(name, _)| *name == message.name);
        if let Some(handler) = installed.map(|(_, handler)| Rc::clone(handler)) {
            handler(actor, self, &message.from, &message.body);
        } else if let Some(to) = handlers.delegates.get(&*message.name) {
            transport::send(to, Message { to: to.clone(), ..message.clone() });
        } else {
            counters::unhandled(message);
        }
    }

    /// Runs the handler of the longest route that is a prefix of the path.
    ///
    /// Mirrors `ProcessBase::consume(HttpEvent)`.
    pub(crate) fn consume_request(
        &mut self,
        actor: &mut A,
        request: Request,
        promise: Promise<Response>,
    ) {
        if filter::drops(self.is_simulated(), self.upid(), Incoming::Http(&request)) {
            return;
        }
        let path = request.url.path.trim_start_matches('/');
        let mut name = path.split_once('/').map_or("", |(_, rest)| rest).trim_matches('/');
        let routes = self.handlers.as_ref().map(|handlers| &handlers.routes);
        let handler = loop {
            if let Some(handler) = routes.and_then(|routes| routes.get(name)) {
                break Rc::clone(handler);
            }
            // The route "/" is for the process's own name and nothing below it.
            let Some((parent, _)) = name.rsplit_once('/') else {
                promise.set(http::Response::not_found());
                return;
            };
            name = parent;
        };
        let response = handler(actor, self, request);
        promise.associate(&response);
    }

    /// Tells the actor of the end of another process.
    ///
    /// Mirrors `ProcessBase::consume(ExitedEvent)`.
    pub(crate) fn consume_exited(&mut self, actor: &mut A, who: Upid)
    where
        A: Handler<Exited, Result = ()>,
    {
        if !filter::drops(self.is_simulated(), self.upid(), Incoming::Exited(&who)) {
            actor.handle(Exited(who), self);
        }
    }
}
