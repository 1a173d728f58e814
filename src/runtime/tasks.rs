//! Tasks whose bugs stay their own: a panic in one is caught, logged and counted, and the others go on.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;

use super::Threads;
use crate::telemetry::{TaskPanicked, Telemetry};

/// Starts tasks.
#[derive(Clone, Debug)]
pub struct Tasks {
    telemetry: Arc<Telemetry>,
}

impl Tasks {
    /// Tasks that report to `telemetry`.
    #[must_use]
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        Self { telemetry }
    }

    /// Starts `future` as a task. The handle gives its result, or nothing when it panicked, which is then already reported
    /// under `name`.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let tasks = self.clone();
        tokio::spawn(async move { tasks.guard(name, future).await })
    }

    /// The same as [`Self::spawn`], on other threads than these.
    pub fn spawn_on<F>(&self, threads: &Threads, name: &'static str, future: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let tasks = self.clone();
        threads.handle().spawn(async move { tasks.guard(name, future).await })
    }

    /// Runs `future` here. Answers its result, or nothing when it panicked, which is then already reported under `name`.
    pub async fn guard<F: Future>(&self, name: &'static str, future: F) -> Option<F::Output> {
        // What the future held is dropped with it, so nothing half-changed is seen afterwards.
        match AssertUnwindSafe(future).catch_unwind().await {
            Ok(output) => Some(output),
            Err(panic) => {
                self.report_panic(name, panic.as_ref());
                None
            }
        }
    }

    fn report_panic(&self, name: &'static str, payload: &(dyn std::any::Any + Send)) {
        self.telemetry.record(&TaskPanicked { task: name, message: panic_message(payload) });
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_only_its_own_task() {
        let telemetry = Arc::new(Telemetry::new().unwrap());
        let tasks = Tasks::new(Arc::clone(&telemetry));
        let bad = tasks.spawn("bad", async { panic!("on purpose") });
        let good = tasks.spawn("good", async { 7 });
        assert_eq!(bad.await.unwrap(), None::<()>);
        assert_eq!(good.await.unwrap(), Some(7));
        assert!(telemetry.encode().contains(r#"eventyard_task_panics_total{task="bad"} 1"#));
    }
}
