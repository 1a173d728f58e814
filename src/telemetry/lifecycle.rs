//! Facts of the daemon's life: start, readiness, stop, bugs.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{Fact, Metrics, micros, millis};

/// By what `log.level` names these lines.
const TARGET: &str = "eventyard::app";

/// The store was opened.
#[derive(Debug)]
pub struct StoreOpened<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Rules in it.
    pub rules: usize,
    /// Targets in it.
    pub targets: usize,
}

impl Fact for StoreOpened<'_> {
    fn record(&self, metrics: &Metrics) {
        metrics.rules.set(i64::try_from(self.rules).unwrap_or(i64::MAX));
        tracing::info!(target: TARGET, path = %self.path.display(), rules = self.rules, targets = self.targets, "store opened");
    }
}

/// A port is bound.
#[derive(Debug)]
pub struct Listening {
    /// `api` or `admin`.
    pub listener: &'static str,
    /// The address, with the real port.
    pub address: SocketAddr,
    /// `http` or `https`.
    pub scheme: &'static str,
}

impl Fact for Listening {
    fn record(&self, _: &Metrics) {
        tracing::info!(target: TARGET, listener = self.listener, address = %self.address, scheme = self.scheme, "listening");
    }
}

/// The files of a listener's TLS were read again, at the operator's word.
#[derive(Debug)]
pub struct TlsReloaded<'a> {
    /// `api` or `admin`.
    pub listener: &'static str,
    /// Why what was there before goes on, when the new files cannot be used.
    pub error: Option<&'a dyn std::error::Error>,
}

impl Fact for TlsReloaded<'_> {
    fn record(&self, metrics: &Metrics) {
        let listener = self.listener;
        if let Some(reason) = self.error {
            metrics.tls_reload_failures.inc();
            tracing::error!(target: TARGET, listener, %reason, "the certificate cannot be read again; the one from before goes on");
        } else {
            tracing::info!(target: TARGET, listener, "certificate read again");
        }
    }
}

/// Everything is up.
#[derive(Debug)]
pub struct Ready {
    /// Since the start of the process.
    pub duration: Duration,
}

impl Fact for Ready {
    fn record(&self, _: &Metrics) {
        tracing::info!(target: TARGET, duration_us = micros(self.duration), "ready");
    }
}

/// The daemon was told to stop.
#[derive(Debug)]
pub struct Draining {
    /// What told it.
    pub reason: &'static str,
    /// How long it may take.
    pub deadline: Duration,
}

impl Fact for Draining {
    fn record(&self, _: &Metrics) {
        tracing::info!(target: TARGET, reason = self.reason, deadline_ms = millis(self.deadline), "stopping; a second signal leaves at once");
    }
}

/// An ephemeral daemon was emptied.
#[derive(Debug)]
pub struct Reset;

impl Fact for Reset {
    fn record(&self, metrics: &Metrics) {
        metrics.targets.forget_all();
        tracing::info!(target: TARGET, "reset: everything is gone");
    }
}

/// A backup was sent to who asked for it.
#[derive(Debug)]
pub struct BackupTaken<'a> {
    /// Why it is not whole, when it is not.
    pub error: Option<&'a dyn std::error::Error>,
}

impl Fact for BackupTaken<'_> {
    fn record(&self, metrics: &Metrics) {
        let outcome = if self.error.is_some() { "failed" } else { "taken" };
        metrics.storage.backups.with_label_values(&[outcome]).inc();
        if let Some(reason) = self.error {
            tracing::error!(target: TARGET, %reason, "a backup was broken off; what was sent of it is of no use");
        } else {
            tracing::info!(target: TARGET, "backup taken");
        }
    }
}

/// A bug was caught at its task.
#[derive(Debug)]
pub struct TaskPanicked {
    /// The task.
    pub task: &'static str,
    /// What the panic said.
    pub message: String,
}

impl Fact for TaskPanicked {
    fn record(&self, metrics: &Metrics) {
        metrics.task_panics.with_label_values(&[self.task]).inc();
        tracing::error!(target: TARGET, task = self.task, reason = self.message, "a bug was caught; please report it");
    }
}

/// Something an operator should know and may want to change.
#[derive(Debug)]
pub struct Warned<'a> {
    /// What.
    pub message: &'a str,
}

impl Fact for Warned<'_> {
    fn record(&self, _: &Metrics) {
        tracing::warn!(target: TARGET, "{}", self.message);
    }
}
