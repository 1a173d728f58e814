//! eventyard: a persistent, self-hosted event router that speaks the Amazon `EventBridge` API.
//!
//! The modules stand on floors, and each uses only what stands below it; docs/ARCHITECTURE.md draws them, `tests/tidy.rs`
//! holds them.

pub mod admin;
pub mod api;
pub mod app;
pub mod auth;
pub mod backup;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod engine;
pub mod http;
pub mod journal;
pub mod runtime;
pub mod scheduler;
pub mod store;
pub mod telemetry;
pub mod upkeep;
