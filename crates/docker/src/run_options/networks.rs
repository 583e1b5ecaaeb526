//! The network of a container, its ports, names and name servers; and the task's own options, since
//! one of them may name another network.

use super::create::{RunOptionsError, invalid};
use super::{PortMapping, RunOptions};
use mesos::container_info::DockerInfo;
use mesos::container_info::docker_info::Network;
use mesos::internal::ContainerDnsInfo;
use mesos::internal::container_dns_info::docker_info::{Dns, NetworkMode};
use mesos::{ContainerInfo, Resources};

impl RunOptions {
    pub(super) fn join_network(
        &mut self,
        container_info: &ContainerInfo,
        docker_info: &DockerInfo,
    ) -> Result<(), RunOptionsError> {
        let network = network(container_info, docker_info)?;
        if let Some(hostname) = &container_info.hostname {
            if network == "host" {
                return Err(invalid("Unable to set hostname with host network mode"));
            }
            self.hostname = Some(hostname.clone());
        }
        self.network = Some(network);
        Ok(())
    }

    /// Each port of the host must be one of the task's.
    pub(super) fn map_ports(
        &mut self,
        docker_info: &DockerInfo,
        resources: Option<&Resources>,
    ) -> Result<(), RunOptionsError> {
        if docker_info.port_mappings.is_empty() {
            return Ok(());
        }
        if matches!(self.network.as_deref(), Some("host" | "none")) {
            return Err(invalid(
                "Port mappings are only supported for bridge and user-defined networks",
            ));
        }
        let resources = resources.ok_or_else(|| invalid("Port mappings require resources"))?;
        let ports = resources.ports();
        let ports = ports.ok_or_else(|| invalid("Port mappings require port resources"))?;
        for mapping in &docker_info.port_mappings {
            let port = u64::from(mapping.host_port);
            if !ports.range.iter().any(|range| (range.begin..=range.end).contains(&port)) {
                return Err(invalid(format!("Port [{port}] not included in resources")));
            }
            self.port_mappings.push(PortMapping {
                host_port: mapping.host_port,
                container_port: mapping.container_port,
                protocol: mapping.protocol.clone(),
            });
        }
        Ok(())
    }

    /// The first parameter that names a network replaces the container's own.
    pub(super) fn add_parameters(&mut self, docker_info: &DockerInfo) {
        let mut network_specified = false;
        for parameter in &docker_info.parameters {
            if !network_specified && matches!(&*parameter.key, "net" | "network") {
                self.network = Some(parameter.value.clone());
                network_specified = true;
            } else {
                self.additional_options.push(format!("--{}={}", parameter.key, parameter.value));
            }
        }
    }

    /// Bridges have one setting, networks that somebody made one each or a common one. The last of
    /// several counts.
    pub(super) fn set_default_dns(&mut self, docker_info: &DockerInfo, all: &ContainerDnsInfo) {
        let specified = docker_info.parameters.iter().any(|parameter| {
            matches!(&*parameter.key, "dns" | "dns-search" | "dns-opt" | "dns-option")
        });
        if specified {
            return;
        }
        let find = |mode: NetworkMode, name: Option<&str>| {
            let mut settings = all.docker.iter().rev();
            let found = settings.find(|info| {
                info.network_mode() == mode
                    && (mode == NetworkMode::Bridge || info.network_name.as_deref() == name)
            });
            found.map(|info| info.dns.clone())
        };
        // By the kind of network that the task names, whatever its parameters say.
        let dns = match docker_info.network() {
            Network::Bridge => find(NetworkMode::Bridge, None),
            Network::User => find(NetworkMode::User, self.network.as_deref())
                .or_else(|| find(NetworkMode::User, None)),
            Network::Host | Network::None => None,
        };
        if let Some(Dns { nameservers, search, options }) = dns {
            (self.dns, self.dns_search, self.dns_opt) = (nameservers, search, options);
        }
    }
}

fn network(
    container_info: &ContainerInfo,
    docker_info: &DockerInfo,
) -> Result<String, RunOptionsError> {
    let network = match docker_info.network {
        None => Network::Host,
        Some(number) => Network::try_from(number)
            .map_err(|_| invalid(format!("Unsupported Network mode: {number}")))?,
    };
    Ok(match network {
        Network::Host => "host".to_owned(),
        Network::Bridge => "bridge".to_owned(),
        Network::None => "none".to_owned(),
        Network::User => match container_info.network_infos.as_slice() {
            [] => return Err(invalid("No network info found in container info")),
            [info] => match &info.name {
                Some(name) => name.clone(),
                None => return Err(invalid("No network name found in network info")),
            },
            _ => return Err(invalid("Only a single network can be defined in Docker run")),
        },
    })
}
