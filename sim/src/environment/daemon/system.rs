//! The daemon itself: what it is, and what it has.

use super::Shared;
use super::answer::Answer;
use super::container::ContainerState;
use super::exchange::RequestId;
use super::images::ImageView;
use super::listing::Row;
use super::request::ListOptions;
use super::settings::Engine;
use super::stamp::Stamp;
use super::volumes::Volume;
use super::{images, listing, volumes};
use process::clock;
use std::sync::Arc;
use std::time::Duration;

/// What the daemon is and has.
#[derive(Clone, Debug)]
pub struct Info {
    /// What it says it is.
    pub engine: Engine,
    /// How many containers there are.
    pub containers: usize,
    /// Of these, running.
    pub running: usize,
    /// Of these, frozen.
    pub paused: usize,
    /// How many images.
    pub images: usize,
    /// How many clients follow events.
    pub listeners: usize,
    /// What time it is.
    pub time: Stamp,
    /// Containers survive the daemon.
    pub live_restore: bool,
}

/// What is stored.
#[derive(Clone, Debug)]
pub struct DiskUsage {
    /// Images.
    pub images: Vec<ImageView>,
    /// Containers.
    pub containers: Vec<Row>,
    /// Volumes, with the number of containers that use each.
    pub volumes: Vec<(Volume, usize)>,
    /// The size of all layers.
    pub layers: u64,
}

pub(super) fn info(daemon: &Arc<Shared>, id: RequestId) {
    let info = {
        let state = daemon.state.lock();
        let count = |wanted: ContainerState| {
            state.containers.values().filter(|container| container.state == wanted).count()
        };
        Info {
            engine: daemon.settings.engine(),
            containers: state.containers.len(),
            running: count(ContainerState::Running) + count(ContainerState::Restarting),
            paused: count(ContainerState::Paused),
            images: state.store.images.len(),
            listeners: state.events.listeners(),
            time: Stamp::new(clock::now(), daemon.settings.epoch),
            live_restore: daemon.settings.live_restore,
        }
    };
    daemon.answer(id, Ok(Answer::Info(Box::new(info))), Duration::ZERO);
}

pub(super) fn disk_usage(daemon: &Arc<Shared>, id: RequestId) {
    let usage = {
        let state = daemon.state.lock();
        let all = ListOptions { all: true, size: true, ..ListOptions::default() };
        DiskUsage {
            images: images::views(daemon, &state),
            containers: listing::rows(daemon, &state, &all).unwrap_or_default(),
            volumes: volumes::used(&state),
            layers: state.store.bytes(),
        }
    };
    daemon.answer(id, Ok(Answer::DiskUsage(Box::new(usage))), Duration::ZERO);
}
