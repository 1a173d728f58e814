//! The word to stop: who says it, and how a part of the daemon hears it. And the word to read files again.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The end that says stop. Every stage of the shutdown has its own, so that they stop one after another.
#[derive(Clone, Debug, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// Says stop, once and for all.
    pub fn stop(&self) {
        self.0.cancel();
    }

    /// The end that hears it.
    #[must_use]
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.0.clone())
    }
}

/// The end that hears stop.
#[derive(Clone, Debug)]
pub struct StopSignal(CancellationToken);

impl StopSignal {
    /// Waits until stop was said; returns at once if it was.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }

    /// True once stop was said.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Waits for SIGTERM or SIGINT and tells which came.
///
/// # Errors
/// When the system does not let us listen for signals.
pub async fn wait_for_signal() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

/// SIGHUP, by which an operator says that files have changed.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// From now on SIGHUP does not end the process.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub fn listen() -> std::io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // There will be no more.
            std::future::pending::<()>().await;
        }
    }
}
