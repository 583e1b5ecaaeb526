//! A network of a test's own.

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::{Engine, EngineError};
use crate::{background, names};

/// How long its removal may take.
const CLEANUP_LIMIT: Duration = Duration::from_secs(60);

/// A bridge that a test has made. Dropping it removes it, which needs its containers to be gone:
/// make it before the lab whose containers are to join it.
pub struct Network {
    engine: Engine,
    /// Its name, which no other has.
    pub name: String,
}

impl Network {
    /// Makes one.
    pub async fn create(engine: &Engine) -> Result<Network, EngineError> {
        Network::make(engine, json!({})).await
    }

    /// Makes one whose containers have an IPv6 address as well.
    pub async fn create_ipv6(engine: &Engine) -> Result<Network, EngineError> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // A local prefix that no other test has.
        let (id, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let subnet = format!("fddc:{:x}:{:x}:{next:x}::/64", id >> 16, id & 0xffff);
        let more = json!({"EnableIPv6": true, "IPAM": {"Config": [{"Subnet": subnet}]}});
        Network::make(engine, more).await
    }

    async fn make(engine: &Engine, more: Value) -> Result<Network, EngineError> {
        let name = names::unique("drydock-net");
        let mut body = json!({"Name": name, "Driver": "bridge", "CheckDuplicate": true});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        engine.call(Method::POST, "/networks/create", Some(&body)).await?;
        Ok(Network { engine: engine.clone(), name })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let removal = async {
            let path = format!("/networks/{}", self.name);
            if let Err(error) = self.engine.call(Method::DELETE, &path, None).await {
                eprintln!("left behind in the Engine: {error}");
            }
        };
        if !background::run(CLEANUP_LIMIT, removal) {
            eprintln!("left behind in the Engine: network {}: too slow", self.name);
        }
    }
}
