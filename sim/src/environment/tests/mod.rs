//! Tests of the environment, and the small driver that they share.

mod container_logger_tests;
mod containerizer;
mod containers;
mod engine;
mod events;
mod execs;
mod files;
