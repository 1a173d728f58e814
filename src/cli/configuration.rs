//! The arguments that choose the configuration, and `eventyard config`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::output::{Output, OutputArguments, say_json};
use super::{Exit, say};
use crate::config::{Config, ConfigFaults, Fault, Flag};

/// Where the configuration comes from, and the options that have flags.
#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// A TOML file with the options that differ from the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder that holds everything the daemon keeps (`storage.data_dir`).
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address and port of the API (`api.listen`).
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address and port for metrics, health and dead letters (`admin.listen`).
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
}

impl ConfigArguments {
    /// Reads all layers.
    pub(super) fn load(&self) -> Result<Config, ConfigFaults> {
        self.load_with(("--data-dir", self.data_dir.as_deref()))
    }

    /// Reads all layers, with a data directory that wins over theirs.
    pub(super) fn load_in(&self, data_dir: &Path) -> Result<Config, ConfigFaults> {
        self.load_with(("--ephemeral", Some(&data_dir.to_string_lossy())))
    }

    fn load_with(&self, (data_dir_flag, data_dir): (&'static str, Option<&str>)) -> Result<Config, ConfigFaults> {
        let flags = [
            (data_dir_flag, "storage.data_dir", &data_dir.map(str::to_owned)),
            ("--listen", "api.listen", &self.listen),
            ("--admin-listen", "admin.listen", &self.admin_listen),
        ];
        let given =
            flags.into_iter().filter_map(|(name, key, value)| value.clone().map(|value| Flag { name, key, value }));
        Config::load(self.config.as_deref(), std::env::vars_os(), &given.collect::<Vec<_>>())
    }
}

/// Exit code 2: the configuration is wrong.
pub(super) fn refuse(faults: &ConfigFaults) -> ExitCode {
    Exit::Invalid.because(&format!("the configuration is not valid:\n{faults}"))
}

/// Which configuration to look at, and how to print what is found.
#[derive(Debug, Args)]
pub(super) struct LookArguments {
    #[command(flatten)]
    config: ConfigArguments,
    #[command(flatten)]
    output: OutputArguments,
}

pub(super) fn check(arguments: &LookArguments) -> ExitCode {
    match (arguments.config.load(), arguments.output.output) {
        (Ok(_), Output::Table) => say("the configuration is valid"),
        (Ok(_), Output::Json) => {}
        (Err(faults), Output::Table) => return refuse(&faults),
        (Err(ConfigFaults(faults)), Output::Json) => {
            // What was asked for is what is wrong.
            for Fault { origin, key, problem } in &faults {
                let (origin, problem) = (origin.to_string(), problem.to_string());
                say_json(&json!({ "origin": origin, "key": key, "problem": problem }));
            }
            return Exit::Invalid.into();
        }
    }
    ExitCode::SUCCESS
}

pub(super) fn show(arguments: &LookArguments) -> ExitCode {
    match arguments.config.load() {
        Ok(config) => {
            match arguments.output.output {
                Output::Table => say(config.show().trim_end()),
                Output::Json => config.list().iter().for_each(say_json),
            }
            ExitCode::SUCCESS
        }
        Err(faults) => refuse(&faults),
    }
}
