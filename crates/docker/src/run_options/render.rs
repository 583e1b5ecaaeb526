//! Run options as a command line and as the body of a create request.

use super::RunOptions;
use crate::CreateBody;

impl RunOptions {
    /// The command line that asks for the same, option by option in upstream's order. For logs
    /// and for people: nothing executes it.
    #[doc(alias = "Docker::run")]
    pub fn command_line(&self) -> Vec<String> {
        let mut argv = vec!["docker".to_owned(), "run".to_owned()];
        if self.privileged {
            argv.push("--privileged".to_owned());
        }
        let mut option = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                argv.push(name.to_owned());
                argv.push(value);
            }
        };
        option("--cpu-shares", self.cpu_shares.map(|shares| shares.to_string()));
        option("--cpu-quota", self.cpu_quota.map(|quota| quota.to_string()));
        option(
            "--memory-reservation",
            self.memory_reservation.map(|memory| memory.as_u64().to_string()),
        );
        option("--memory", self.memory.map(|memory| memory.as_u64().to_string()));
        option("--oom-score-adj", self.oom_score_adj.map(|score| score.to_string()));
        for (name, value) in &self.env {
            option("-e", Some(format!("{name}={value}")));
        }
        for volume in &self.volumes {
            option("-v", Some(volume.clone()));
        }
        option("--net", self.network.clone());
        option("--hostname", self.hostname.clone());
        option("--entrypoint", self.entrypoint.clone());
        option("--name", self.name.clone());
        argv.push(self.image.clone());
        argv.extend(self.arguments.iter().cloned());
        argv
    }

    /// What the command line would send to the daemon.
    pub fn create_body(&self) -> CreateBody {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        CreateBody {
            image: self.image.clone(),
            command: self.arguments.clone(),
            entrypoint: self.entrypoint.clone().map(|entrypoint| vec![entrypoint]),
            env: self.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            hostname: self.hostname.clone(),
            privileged: self.privileged,
            cpu_shares: self.cpu_shares.map(signed),
            cpu_quota: self.cpu_quota.map(signed),
            memory_reservation: self.memory_reservation.map(|memory| signed(memory.as_u64())),
            memory: self.memory.map(|memory| signed(memory.as_u64())),
            oom_score_adj: self.oom_score_adj.map(i64::from),
            binds: self.volumes.clone(),
            network: self.network.clone(),
        }
    }
}
