//! The HTTP client of commands that ask a running daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, redirect};

/// How long to wait for anything: a connection, an answer, the next part of it. The daemon's own limit of a request is
/// `api.request_timeout_ms`.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom to trust.
#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// PEM file with the certificate authority of the daemon's certificate, beside those that this machine trusts.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

impl TrustArguments {
    /// A client that goes where it is told, and nowhere else.
    ///
    /// # Errors
    /// When the authority cannot be read.
    pub(super) fn client(&self) -> Result<Client, String> {
        // Only the first call in a process decides, and all calls decide the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none()).no_proxy();
        if let Some(file) = &self.ca_file {
            builder = authorities(file)?.into_iter().fold(builder, ClientBuilder::add_root_certificate);
        }
        builder.build().map_err(|error| format!("cannot make an HTTP client: {}", innermost(&error)))
    }
}

fn authorities(file: &Path) -> Result<Vec<Certificate>, String> {
    let wrong = |why: String| format!("--ca-file {}: {why}", file.display());
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let authorities = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
    if authorities.is_empty() { Err(wrong("there is no certificate in it".to_owned())) } else { Ok(authorities) }
}

/// The cause that tells something: "connection refused", "certificate expired".
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
