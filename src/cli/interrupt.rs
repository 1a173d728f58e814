//! Ctrl-C while a command waits for the daemon: the command ends the daemon's work, too, before it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Ctrl-C was pressed.
#[derive(Debug, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on Ctrl-C does not end the process by itself. Where the system does not let us listen, it still does.
    pub(super) fn listen() -> Self {
        let interrupt = Self::default();
        let pressed = Arc::clone(&interrupt.0);
        // Whoever sends the signal once the command has begun to ask is heard.
        let (listens, is_listening) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
            runtime.block_on(async move {
                let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()) else {
                    return;
                };
                drop(listens);
                while signal.recv().await.is_some() {
                    pressed.store(true, Ordering::Relaxed);
                }
            });
        });
        // An error is the other end that was dropped: it listens, or cannot.
        let _ = is_listening.recv();
        interrupt
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
