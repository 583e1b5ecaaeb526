//! The options of `docker run`, read as the `docker` program reads them, and the create request
//! that it would send: versions 20.10 to 28 of the program, measured with 28.2.2.
//!
//! An option that is not known, or that asks the program and not the daemon for something, is an
//! error. None is ignored, apart from those that ask for what happens anyway.

mod client;
mod container;
mod devices;
mod health;
mod host;
mod mount;
mod network;
mod numbers;
mod platform;
mod ports;
mod requirement;
mod resources;
#[cfg(test)]
mod tests;
mod text;
mod volume;

pub(crate) use network::is_user_defined;
pub use requirement::Requirement;

use crate::create_body::{CreateBody, DeviceRequest};
use health::Health;
use network::Networks;
use numbers::Problem;

/// The options seen so far.
#[derive(Debug)]
pub(crate) struct Parser {
    /// What they ask for, as far as one option alone says it.
    body: CreateBody,
    name: Option<String>,
    networks: Networks,
    health: Health,
    /// `--attach`.
    attach: Vec<String>,
    /// `--volume`, each text once.
    volumes: Vec<String>,
    /// Devices of a driver's catalogue.
    qualified_devices: Vec<String>,
    requirements: Vec<Requirement>,
}

/// What `docker run` asks the daemon to create.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateRequest {
    /// What the container shall be called.
    pub name: Option<String>,
    /// What it shall be.
    pub body: CreateBody,
    /// What the daemon must be able to do: one that is too old would ignore it.
    pub requirements: Vec<Requirement>,
}

impl Parser {
    /// No option yet: what `docker run` sends without any.
    pub(crate) fn new() -> Self {
        let mut body = CreateBody::default();
        body.host_config.restart_policy.name = "no".to_owned();
        body.host_config.memory_swappiness = Some(-1);
        body.host_config.oom_kill_disable = Some(false);
        body.host_config.pids_limit = Some(0);
        Parser {
            body,
            name: None,
            networks: Networks::default(),
            health: Health::default(),
            attach: Vec::new(),
            volumes: Vec::new(),
            qualified_devices: Vec::new(),
            requirements: Vec::new(),
        }
    }

    /// Adds `--option=value`, or `--option` if there is no value.
    pub(crate) fn set(&mut self, option: &str, value: Option<&str>) -> Result<(), Problem> {
        let value = match value {
            Some(value) => value,
            None if is_switch(option) => "true",
            None => return Err("it needs a value".to_owned()),
        };
        let known = self.set_container(option, value)?
            || self.set_host(option, value)?
            || self.set_network(option, value)?
            || self.set_resource(option, value)?
            || self.set_health(option, value)?
            || client::check(option, value)?;
        if known { Ok(()) } else { Err("docker run has no such option".to_owned()) }
    }

    /// All options are there: the request for a container of this image.
    pub(crate) fn finish(
        mut self,
        image: &str,
        arguments: &[String],
    ) -> Result<CreateRequest, Problem> {
        self.body.image = image.to_owned();
        self.body.command = arguments.to_vec();
        self.attach_streams();
        if self.body.attach_stdin && self.body.tty {
            return Err("both --interactive and --tty: there is no terminal".to_owned());
        }
        for volume in &self.volumes {
            match volume::volume(volume)
                .map_err(|problem| format!("--volume={volume}: {problem}"))?
            {
                volume::Volume::Bind(bind) => self.body.host_config.binds.push(bind),
                volume::Volume::Anonymous(path) => {
                    self.body.volumes.insert(path, crate::create_body::Empty {});
                }
            }
        }
        if !self.qualified_devices.is_empty() {
            self.body.host_config.device_requests.push(DeviceRequest {
                driver: "cdi".to_owned(),
                device_ids: self.qualified_devices,
                ..DeviceRequest::default()
            });
        }
        let host = &mut self.body.host_config;
        if host.auto_remove && !matches!(&*host.restart_policy.name, "" | "no") {
            return Err("both --restart and --rm".to_owned());
        }
        if host.log_config.r#type == "none" && !host.log_config.config.is_empty() {
            return Err("--log-opt with --log-driver=none".to_owned());
        }
        host.network_mode = self.networks.mode();
        host.links.clone_from(&self.networks.links);
        self.body.networking_config = self.networks.config()?;
        let endpoints = &self.body.networking_config.endpoints_config;
        if let Some(endpoint) = endpoints.get(&self.body.host_config.network_mode) {
            self.body.mac_address.clone_from(&endpoint.mac_address);
        }
        self.body.healthcheck = self.health.check()?;
        requirement::of_body(&self.body, &mut self.requirements);
        Ok(CreateRequest { name: self.name, body: self.body, requirements: self.requirements })
    }

    /// Without `--attach` it is output and error; `--interactive` adds the input.
    fn attach_streams(&mut self) {
        let named = |stream: &str| self.attach.iter().any(|other| other == stream);
        let none = self.attach.is_empty();
        self.body.attach_stdin = named("stdin") || self.body.open_stdin;
        self.body.attach_stdout = named("stdout") || none;
        self.body.attach_stderr = named("stderr") || none;
        self.body.stdin_once = self.body.open_stdin && self.body.attach_stdin;
    }
}

/// Options that mean `true` without a value.
fn is_switch(option: &str) -> bool {
    matches!(
        option,
        "detach"
            | "disable-content-trust"
            | "help"
            | "init"
            | "interactive"
            | "no-healthcheck"
            | "oom-kill-disable"
            | "privileged"
            | "publish-all"
            | "quiet"
            | "read-only"
            | "rm"
            | "sig-proxy"
            | "tty"
            | "use-api-socket"
    )
}
