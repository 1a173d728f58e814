//! `eventyard serve`.

use std::pin::pin;
use std::process::ExitCode;
use std::time::Instant;

use super::configuration::{ConfigArguments, refuse};
use super::{fail, on_all_cores};
use crate::app::App;
use crate::config::{Config, LogFormat};
use crate::runtime::{Hangups, wait_for_signal};
use crate::telemetry::{self, init_logs};

pub(super) fn serve(arguments: &ConfigArguments, started: Instant) -> ExitCode {
    let config = match arguments.load() {
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
    on_all_cores(run(&config, started))
}

async fn run(config: &Config, started: Instant) -> ExitCode {
    match App::start(config, started).await {
        Ok(app) => until_signal(app).await,
        Err(error) => fail(&error.to_string()),
    }
}

/// Waits for the first signal to end, reading files again at each SIGHUP, then stops in order; a second signal leaves at once.
pub(super) async fn until_signal(app: App) -> ExitCode {
    let signals = async {
        let (mut hangups, end) = (Hangups::listen()?, wait_for_signal());
        let mut end = pin!(end);
        loop {
            tokio::select! {
                name = end.as_mut() => return name,
                () = hangups.next() => app.reload().await,
            }
        }
    };
    let reason = tokio::select! {
        () = app.failed() => return fail("the journal failed, see the log; start again to recover from disk"),
        signal = signals => match signal {
            Ok(name) => name,
            Err(error) => return fail(&format!("cannot listen for signals: {error}")),
        },
    };
    tokio::select! {
        in_time = app.stop(reason) => if in_time { ExitCode::SUCCESS } else { ExitCode::FAILURE },
        _ = wait_for_signal() => fail("a second signal came; what is owed is in the journal"),
    }
}
