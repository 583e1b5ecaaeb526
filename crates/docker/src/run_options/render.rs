//! Run options as the words of a command line.

use super::{PortMapping, RunOptions};
use crate::Device;

/// An option with its value, if it has one, in one of the ways to write that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// `--privileged`.
    Switch(&'static str),
    /// `--memory 64m`: what stands there, and the option's full name where it is a short one.
    Pair(&'static str, &'static str, String),
    /// `--device=/dev/a`.
    Joined(String),
}

impl RunOptions {
    /// The command line that asks for the same, option by option in upstream's order. For logs
    /// and for people: nothing executes it.
    #[doc(alias = "Docker::run")]
    pub fn command_line(&self) -> Vec<String> {
        let mut argv = vec!["docker".to_owned(), "run".to_owned()];
        for word in self.words() {
            match word {
                Word::Switch(option) => argv.push(option.to_owned()),
                Word::Pair(option, _, value) => argv.extend([option.to_owned(), value]),
                Word::Joined(word) => argv.push(word),
            }
        }
        argv.push(self.image.clone());
        argv.extend(self.arguments.iter().cloned());
        argv
    }

    /// All options, in the order in which `Docker::run` of `src/docker/docker.cpp` writes them.
    pub(super) fn words(&self) -> Vec<Word> {
        let long = |option: &'static str, value: Option<String>| {
            value.map(|value| Word::Pair(option, option.trim_start_matches('-'), value))
        };
        let number = |option, value: Option<u64>| long(option, value.map(|it| it.to_string()));

        let mut words = Vec::new();
        words.extend(self.privileged.then_some(Word::Switch("--privileged")));
        words.extend(number("--cpu-shares", self.cpu_shares));
        words.extend(number("--cpu-quota", self.cpu_quota));
        words.extend(number("--memory-reservation", self.memory_reservation.map(|it| it.as_u64())));
        words.extend(number("--memory", self.memory.map(|it| it.as_u64())));
        words.extend(long("--oom-score-adj", self.oom_score_adj.map(|score| score.to_string())));
        let variable = |(name, value)| Word::Pair("-e", "env", format!("{name}={value}"));
        words.extend(self.env.iter().map(variable));
        words.extend(self.volumes.iter().map(|it| Word::Pair("-v", "volume", it.clone())));
        let driver = self.volume_driver.as_ref();
        words.extend(driver.map(|driver| Word::Joined(format!("--volume-driver={driver}"))));
        self.network_words(&mut words);
        let device = |it: &Device| {
            let (host, container) = (&it.host_path, &it.container_path);
            Word::Joined(format!("--device={host}:{container}:{}", it.permissions()))
        };
        words.extend(self.devices.iter().map(device));
        words.extend(long("--entrypoint", self.entrypoint.clone()));
        words.extend(long("--name", self.name.clone()));
        words.extend(self.additional_options.iter().cloned().map(Word::Joined));
        words
    }

    fn network_words(&self, words: &mut Vec<Word>) {
        let pair = |option: &'static str, value: &String| {
            Word::Pair(option, option.trim_start_matches('-'), value.clone())
        };
        words.extend(self.network.iter().map(|it| pair("--net", it)));
        words.extend(self.dns.iter().map(|it| pair("--dns", it)));
        words.extend(self.dns_search.iter().map(|it| pair("--dns-search", it)));
        words.extend(self.dns_opt.iter().map(|it| pair("--dns-opt", it)));
        words.extend(self.hostname.iter().map(|it| pair("--hostname", it)));
        for PortMapping { host_port, container_port, protocol } in &self.port_mappings {
            let mut ports = format!("{host_port}:{container_port}");
            if let Some(protocol) = protocol {
                ports.push('/');
                ports.push_str(&protocol.to_lowercase());
            }
            words.push(Word::Pair("-p", "publish", ports));
        }
    }
}
