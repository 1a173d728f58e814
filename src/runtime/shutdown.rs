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

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To stop in order; the name of the signal.
    Stop(&'static str),
    /// To read files again.
    Reload,
}

/// SIGTERM and SIGINT, by which the daemon is stopped, and SIGHUP, by which an operator says that files have changed.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on none of them ends the process by itself. To be called before anyone can see that it runs.
    ///
    /// # Errors
    /// When the system does not let us listen for signals.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Stop("SIGINT"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// Waits for the next one that asks to stop, and tells its name.
    pub async fn stop(&mut self) -> &'static str {
        loop {
            if let Asked::Stop(name) = self.next().await {
                return name;
            }
        }
    }
}
