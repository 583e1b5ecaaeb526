//! From a request to what the daemon does about it.

use super::Shared;
use super::answer::Answer;
use super::exchange::RequestId;
use super::request::{Method, Request};
use super::{
    create, exec, images, inspect, listing, logs, networks, output, pausing, pull, removing,
    renaming, restarting, starting, stats, stopping, system, top, updating, volumes, waiting,
};
use std::sync::Arc;
use std::time::Duration;

impl Method {
    /// Whether the daemon's part of it ends when the client leaves: it is about the client alone.
    pub(super) fn ends_with_client(self) -> bool {
        matches!(
            self,
            Method::Wait | Method::Attach | Method::Logs | Method::Events | Method::Stats
        )
    }
}

/// The request takes effect. One that needs the lock of a container that is being started waits
/// for it, and comes here again.
pub(super) fn take_effect(daemon: &Arc<Shared>, id: RequestId, request: Request) {
    {
        let mut state = daemon.state.lock();
        let Some(exchange) = state.exchanges.get(&id) else { return };
        if !exchange.connected && exchange.method.ends_with_client() {
            drop(state);
            return daemon.close(id);
        }
        let container = request.locks().and_then(|name| state.find_mut(name));
        if let Some(container) = container.filter(|container| container.starting) {
            container.queue.push_back((id, request));
            return;
        }
        if let Some(exchange) = state.exchanges.get_mut(&id) {
            exchange.arrived = true;
        }
    }
    match request {
        Request::Ping => daemon.answer(id, Ok(Answer::Pong), Duration::ZERO),
        Request::Version => daemon.answer(id, Ok(Answer::Version), Duration::ZERO),
        Request::Info => system::info(daemon, id),
        Request::DiskUsage => system::disk_usage(daemon, id),
        Request::Events(options) => super::events::follow(daemon, id, options),
        Request::List(options) => listing::list(daemon, id, &options),
        Request::Pull { reference, credentials } => {
            pull::begin(daemon, id, &reference, credentials)
        }
        Request::Tag { image, repository, tag } => {
            images::tag(daemon, id, &image, &repository, &tag)
        }
        Request::RemoveImage { image, force } => images::remove(daemon, id, &image, force),
        Request::Images { filters, .. } => images::list(daemon, id, &filters),
        Request::InspectImage { image } => images::inspect(daemon, id, &image),
        Request::History { image } => images::history(daemon, id, &image),
        Request::Networks { filters } => networks::list(daemon, id, &filters),
        Request::InspectNetwork { network } => networks::inspect(daemon, id, &network),
        Request::CreateNetwork { config } => networks::create(daemon, id, config),
        Request::RemoveNetwork { network } => networks::remove(daemon, id, &network),
        Request::Connect { network, container, aliases } => {
            networks::connect(daemon, id, &network, &container, aliases);
        }
        Request::Disconnect { network, container, force } => {
            networks::disconnect(daemon, id, &network, &container, force);
        }
        Request::Volumes { filters } => volumes::list(daemon, id, &filters),
        Request::CreateVolume { name, driver, labels } => {
            volumes::create(daemon, id, name, driver, labels);
        }
        Request::InspectVolume { volume } => volumes::inspect(daemon, id, &volume),
        Request::RemoveVolume { volume, force } => volumes::remove(daemon, id, &volume, force),
        Request::ExecCreate { container, config } => exec::create(daemon, id, &container, config),
        Request::ExecStart { exec, detach, tty } => exec::start(daemon, id, &exec, detach, tty),
        Request::ExecInspect { exec } => exec::inspect(daemon, id, &exec),
        Request::ExecResize { exec } => exec::resize(daemon, id, &exec),
        request => of_container(daemon, id, request),
    }
}

/// Requests about one container.
fn of_container(daemon: &Arc<Shared>, id: RequestId, request: Request) {
    match request {
        Request::Create { name, config } => create::create(daemon, id, name, config),
        Request::Start { container } => starting::start(daemon, id, &container),
        Request::Attach { container, streams, logs, stream } => {
            output::attach(daemon, id, &container, streams, logs, stream);
        }
        Request::Wait { container, condition } => waiting::wait(daemon, id, &container, condition),
        Request::Stop { container, seconds } => stopping::stop(daemon, id, &container, seconds),
        Request::Restart { container, seconds } => {
            restarting::restart(daemon, id, &container, seconds);
        }
        Request::Kill { container, signal } => stopping::kill(daemon, id, &container, signal),
        Request::Pause { container } => pausing::pause(daemon, id, &container),
        Request::Unpause { container } => pausing::unpause(daemon, id, &container),
        Request::Rename { container, name } => renaming::rename(daemon, id, &container, &name),
        Request::Update { container, update } => updating::update(daemon, id, &container, update),
        Request::Resize { container } => updating::resize(daemon, id, &container),
        Request::Remove { container, force, volumes } => {
            removing::remove(daemon, id, &container, force, volumes);
        }
        Request::Inspect { container, size } => inspect::inspect(daemon, id, &container, size),
        Request::Logs { container, options } => logs::read(daemon, id, &container, options),
        Request::Top { container, arguments } => top::top(daemon, id, &container, &arguments),
        Request::Stats { container, stream, one_shot } => {
            stats::follow(daemon, id, &container, stream, one_shot);
        }
        // Those that `take_effect` knows.
        _ => daemon.close(id),
    }
}
