//! What libprocess takes from stout and Rust's library does not have: durations as text, and JSON
//! as upstream's writer lays it out.

pub(crate) mod duration;
pub(crate) mod jsonify;
