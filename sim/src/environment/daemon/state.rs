//! The daemon's data.

use super::answer::Refusal;
use super::container::Container;
use super::events::Events;
use super::exchange::{Exchange, RequestId};
use super::exec::Exec;
use super::files::{Bound, Tree};
use super::ids::{self, Kind};
use super::image::Image;
use super::lifecycle::Phase;
use super::messages;
use super::network::Networks;
use super::observe::Coverage;
use super::program::{Key, Program};
use super::pull::Pull;
use super::reference::repository;
use super::request::{Credentials, Method};
use super::rules::Rules;
use super::stats::Watcher;
use super::store::Store;
use super::transfer::Transfers;
use super::volumes::Volume;
use crate::environment::operations::OpId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An image in the registry.
pub(super) struct Published {
    pub(super) image: Arc<Image>,
    /// Who may have it; everybody if `None`.
    pub(super) credentials: Option<Credentials>,
}

/// Everything that the daemon and its registry know.
pub(super) struct State {
    pub(super) phase: Phase,
    /// How often it was started; ops of an earlier life do nothing.
    pub(super) life: u32,
    /// Containers by number, which counts up.
    pub(super) containers: BTreeMap<u64, Container>,
    /// Reserved names; each is a container's, or was that of one that is just being removed.
    pub(super) names: BTreeMap<Arc<str>, u64>,
    pub(super) execs: BTreeMap<u64, Exec>,
    pub(super) store: Store,
    pub(super) registry: BTreeMap<Arc<str>, Published>,
    pub(super) pulls: BTreeMap<RequestId, Pull>,
    pub(super) transfers: Transfers,
    pub(super) networks: Networks,
    pub(super) volumes: BTreeMap<Arc<str>, Volume>,
    /// What is in them.
    pub(super) volume_files: BTreeMap<Arc<str>, Tree>,
    /// The machine's files as containers see them through binds.
    pub(super) bound: Bound,
    pub(super) exchanges: BTreeMap<RequestId, Exchange>,
    pub(super) events: Events,
    pub(super) watchers: Vec<Watcher>,
    pub(super) rules: Rules,
    /// What hangs because of a rule.
    pub(super) held: Vec<OpId>,
    pub(super) coverage: Coverage,
    /// Names of containers that somebody stopped before they were started, or created.
    pub(super) stopped_early: BTreeSet<Arc<str>>,
    pub(super) generation: u64,
    next_request: RequestId,
    next_number: u64,
}

impl Default for State {
    fn default() -> Self {
        State {
            phase: Phase::Up,
            life: 0,
            containers: BTreeMap::new(),
            names: BTreeMap::new(),
            execs: BTreeMap::new(),
            store: Store::default(),
            registry: BTreeMap::new(),
            pulls: BTreeMap::new(),
            transfers: Transfers::default(),
            networks: Networks::default(),
            volumes: BTreeMap::new(),
            volume_files: BTreeMap::new(),
            bound: Bound::default(),
            exchanges: BTreeMap::new(),
            events: Events::default(),
            watchers: Vec::new(),
            rules: Rules::default(),
            held: Vec::new(),
            coverage: Coverage::default(),
            stopped_early: BTreeSet::new(),
            generation: 0,
            next_request: 0,
            next_number: 0,
        }
    }
}

impl State {
    /// Takes a request in.
    pub(super) fn open(&mut self, exchange: Exchange) -> RequestId {
        self.next_request += 1;
        self.exchanges.insert(self.next_request, exchange);
        self.next_request
    }

    /// A number and an id for something new.
    pub(super) fn new_id(&mut self, kind: Kind) -> (u64, Arc<str>) {
        self.next_number += 1;
        (self.next_number, ids::id(kind, self.next_number))
    }

    /// The number that the next new thing gets.
    pub(super) fn next_number(&self) -> u64 {
        self.next_number + 1
    }

    /// A number that nothing else has.
    pub(super) fn new_serial(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// The number of the container of this id, name (with or without `/`), or unambiguous start of
    /// an id.
    pub(super) fn resolve(&self, name: &str) -> Result<u64, Refusal> {
        let missing = || messages::no_such_container(name);
        let plain = name.strip_prefix('/').unwrap_or(name);
        if let Some(number) = self.names.get(plain) {
            // The name outlives its container for a moment.
            let there = self.containers.contains_key(number);
            return if there { Ok(*number) } else { Err(missing()) };
        }
        if let Some(number) = ids::number_in(name) {
            let same = self.containers.get(&number).filter(|one| *one.id == *name);
            return same.map(|_| number).ok_or_else(missing);
        }
        if name.is_empty() || !name.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(missing());
        }
        let mut matching = self.containers.iter().filter(|(_, one)| one.id.starts_with(name));
        match (matching.next(), matching.next()) {
            (Some((number, _)), None) => Ok(*number),
            (None, _) => Err(missing()),
            (Some(_), Some(_)) => Err(messages::ambiguous_id(name)),
        }
    }

    /// The container of this name or id.
    pub(super) fn find(&self, name: &str) -> Result<&Container, Refusal> {
        let number = self.resolve(name)?;
        self.containers.get(&number).ok_or_else(|| messages::no_such_container(name))
    }

    /// The container of this name or id.
    pub(super) fn get_mut(&mut self, name: &str) -> Result<&mut Container, Refusal> {
        let number = self.resolve(name)?;
        self.containers.get_mut(&number).ok_or_else(|| messages::no_such_container(name))
    }

    /// The same, for those whom the reason does not matter.
    pub(super) fn find_mut(&mut self, name: &str) -> Option<&mut Container> {
        self.get_mut(name).ok()
    }

    /// Whether the daemon answers.
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Whether the client of a request is there and looks at all that comes.
    pub(super) fn reads(&self, id: RequestId) -> bool {
        self.exchanges.get(&id).is_some_and(Exchange::reads)
    }

    /// What the registry has under this reference; a digest is that of a manifest.
    pub(super) fn published(&self, reference: &str) -> Option<&Published> {
        if let Some(published) = self.registry.get(reference) {
            return Some(published);
        }
        let (name, digest) = reference.split_once('@')?;
        let mut all = self.registry.iter();
        all.find(|(other, published)| {
            repository(other) == name && *published.image.spec.manifest_digest() == *digest
        })
        .map(|(_, published)| published)
    }

    /// The program that runs in a container, or as one of its execs.
    pub(super) fn program(&mut self, key: Key) -> Option<&mut Program> {
        match key {
            Key::Container(number) => self.containers.get_mut(&number)?.program.as_mut(),
            Key::Exec(number) => self.execs.get_mut(&number)?.program.as_mut(),
        }
    }

    /// The client of a request that follows something has left: it is taken off the list of those
    /// who do.
    pub(super) fn detach(&mut self, id: RequestId, method: Method) {
        match method {
            Method::Wait => {
                for container in self.containers.values_mut() {
                    container.waiters.retain(|one| *one != id);
                    container.removal_waiters.retain(|one| *one != id);
                }
            }
            Method::Attach | Method::Logs => {
                for container in self.containers.values_mut() {
                    container.followers.retain(|one| one.request != id);
                }
            }
            Method::Events => self.events.unsubscribe(id),
            Method::Stats => self.watchers.retain(|one| one.request != id),
            _ => {}
        }
    }
}
