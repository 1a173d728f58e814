//! `eventyard serve`.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::configuration::{ConfigArguments, refuse};
use super::{fail, on_all_cores};
use crate::app::{App, LISTENERS};
use crate::config::{Config, ConfigFaults, LogFormat};
use crate::runtime::{Asked, InheritedSockets, ServiceManager, Signals};
use crate::telemetry::{self, init_logs};

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Keep everything in a temporary folder that is gone at exit, whatever `storage.data_dir` says, and let POST /reset on
    /// the admin listener empty it. For tests.
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
}

pub(super) fn serve(arguments: &ServeArguments, started: Instant) -> ExitCode {
    if !arguments.ephemeral {
        return serve_in(|| arguments.config.load(), false, started);
    }
    match tempfile::Builder::new().prefix("eventyard-ephemeral-").tempdir() {
        // It is removed when this returns, which is when nothing runs any more.
        Ok(folder) => serve_in(|| arguments.config.load_in(folder.path()), true, started),
        Err(error) => fail(&format!("cannot make a temporary folder: {error}")),
    }
}

fn serve_in(load: impl Fn() -> Result<Config, ConfigFaults>, ephemeral: bool, started: Instant) -> ExitCode {
    let config = match load() {
        Ok(config) => config,
        Err(faults) => return refuse(&faults),
    };
    let format = match config.log.format {
        LogFormat::Text => telemetry::LogFormat::Text,
        LogFormat::Json => telemetry::LogFormat::Json,
    };
    if let Err(error) = init_logs(format, &config.log.level) {
        let _failed = fail(&error.to_string());
        return ExitCode::from(2);
    }
    // While this is the only thread.
    match InheritedSockets::from_environment(std::env::vars_os(), &LISTENERS) {
        Ok(sockets) => on_all_cores(run(&config, load, sockets, ephemeral, started)),
        Err(error) => fail(&format!("cannot take over what the service manager listens on: {error}")),
    }
}

async fn run(
    config: &Config,
    load: impl Fn() -> Result<Config, ConfigFaults>,
    sockets: InheritedSockets,
    ephemeral: bool,
    started: Instant,
) -> ExitCode {
    let manager = match ServiceManager::from_environment(std::env::vars_os()) {
        Ok(manager) => manager,
        Err(error) => return fail(&format!("cannot reach the service manager: {error}")),
    };
    // Before anyone can see that it runs, and say what to do.
    let signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("cannot listen for signals: {error}")),
    };
    match App::start(config, sockets, ephemeral, started).await {
        Ok(app) => {
            let readiness = app.readiness();
            tokio::select! {
                code = until_stopped(app, load, signals, &manager) => code,
                () = manager.stay_alive(|| readiness.is_alive()) => ExitCode::FAILURE,
            }
        }
        Err(error) => fail(&error.to_string()),
    }
}

/// Waits for the first signal to end, reading files again at each SIGHUP, the configuration as `load` does, then stops in
/// order; a second signal leaves at once.
pub(super) async fn until_stopped(
    app: App,
    load: impl Fn() -> Result<Config, ConfigFaults>,
    mut signals: Signals,
    manager: &ServiceManager,
) -> ExitCode {
    manager.ready();
    let reason = loop {
        tokio::select! {
            () = app.failed() => return fail("the journal failed, see the log; start again to recover from disk"),
            asked = signals.next() => match asked {
                Asked::Stop(signal) => break signal,
                Asked::Reload => {
                    manager.reloading();
                    app.reload(load()).await;
                    manager.ready();
                }
            },
        }
    };
    manager.stopping();
    tokio::select! {
        in_time = app.stop(reason) => if in_time { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        _ = signals.stop() => fail("a second signal came; what is owed is in the journal"),
    }
}
