//! The engine's logic over a daemon that answers when, and as, a test says.

mod inspect;
mod others;
mod pull;
mod run;
mod run_options;

use crate::scripted::World;
