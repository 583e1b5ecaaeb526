//! The docker executor as a whole: a program between an agent, a daemon and an operating system
//! that do as the test says, in the simulator.

mod kill;
mod life;
mod start;
mod world;
