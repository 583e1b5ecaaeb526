//! What prost makes of `proto/`, one module for each protobuf package.

/// Package `mesos`.
#[allow(missing_docs, clippy::all)]
pub mod mesos {
    include!(concat!(env!("OUT_DIR"), "/mesos.rs"));

    /// Package `mesos.slave`: what passes between the agent and a containerizer.
    pub mod slave {
        include!(concat!(env!("OUT_DIR"), "/mesos.slave.rs"));
    }

    /// Package `mesos.internal`: what agent, executor and master send each other.
    pub mod internal {
        include!(concat!(env!("OUT_DIR"), "/mesos.internal.rs"));
    }

    /// Package `mesos.fetcher`: the agent's instructions to the fetcher program.
    pub mod fetcher {
        include!(concat!(env!("OUT_DIR"), "/mesos.fetcher.rs"));
    }
}
