//! A network of a test's own.

use std::time::Duration;

use hyper::Method;
use serde_json::json;

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
        let name = names::unique("drydock-net");
        let body = json!({"Name": name, "Driver": "bridge", "CheckDuplicate": true});
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
