//! Black-box tests of the real binary: crashes, full disks, bad targets, stopping. They talk to it over loopback only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on says why and stops"
)]

mod alerts;
mod backup;
mod chart;
mod commands;
mod configuration;
mod conservation;
mod dead_letters;
mod disk_full;
mod documentation;
mod events;
mod failing_disk;
mod fsck;
mod image;
mod lifecycle;
mod metrics;
mod monitoring;
mod package;
mod patterns;
mod schedules;
mod serve;
mod service_manager;
mod shutdown;
mod support;
mod targets;
mod traces;
mod upgrade;
