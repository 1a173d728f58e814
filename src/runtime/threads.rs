//! Threads of its own for a part of the daemon.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// Threads on which a part of the daemon runs apart from the others. Tasks on one set of threads wait for each other in one
/// queue; between sets the system shares the processors. So a part with threads of its own gets its turn whatever the
/// others have to do. Dropping it leaves what still runs there.
#[derive(Debug)]
pub struct Threads {
    handle: Handle,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts `count` threads, at least one, called `name`.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(name: &str, count: usize) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(count.max(1)).thread_name(name).enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where tasks are started.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // A runtime that is dropped waits for its threads, which a task must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
