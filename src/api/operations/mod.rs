//! The operations on the wire, one file a noun.

pub(super) mod events;
pub(super) mod rules;
mod target_shapes;
pub(super) mod targets;
