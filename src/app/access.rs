//! Who may use the daemon: from the configuration to what each listener asks for.

use std::sync::Arc;

use super::StartError;
use crate::admin::Access;
use crate::auth::{self, AllowedHosts};
use crate::config::{self, Config, is_loopback};
use crate::engine::Caller;
use crate::http::{Tls, TlsFiles};
use crate::telemetry::{AnonymousAllowed, Telemetry, Warned};

/// The TLS of a listener; none when it has no files.
pub(super) fn tls(listener: &'static str, tls: &config::Tls) -> Result<Option<Arc<Tls>>, StartError> {
    let (Some(certificate), Some(key)) = (tls.certificate_file.clone(), tls.key_file.clone()) else { return Ok(None) };
    let files = TlsFiles { certificate, key, client_ca: tls.client_ca_file.clone() };
    Tls::read(files).map(|tls| Some(Arc::new(tls))).map_err(|reason| StartError::Tls { listener, reason })
}

pub(super) fn authentication(config: &Config, caller: &Caller) -> auth::Settings {
    auth::Settings {
        accounts: config.accounts.clone(),
        default_account: caller.account.clone(),
        default_region: caller.region.clone(),
        regions: config.aws.regions.clone(),
    }
}

/// A listener that knows nobody and is on loopback is open to the web pages that this machine's browser shows.
pub(super) fn api_hosts(config: &Config) -> AllowedHosts {
    let is_guarded = config.accounts.is_empty() && is_loopback(config.api.listen);
    if is_guarded { AllowedHosts::only(&config.api.allowed_hosts, "api.allowed_hosts") } else { AllowedHosts::any() }
}

pub(super) fn admin_access(config: &Config) -> Access {
    let admin = &config.admin;
    let is_guarded = admin.token_hashes.is_empty() && is_loopback(admin.listen);
    let hosts =
        if is_guarded { AllowedHosts::only(&admin.allowed_hosts, "admin.allowed_hosts") } else { AllowedHosts::any() };
    Access::new(hosts, &admin.token_hashes, admin.metrics_need_token)
}

/// What readiness tells of listeners on which whoever can connect can do everything.
pub(super) fn open_listeners_remark(config: &Config) -> String {
    let names: Vec<_> = config.open_listeners().into_iter().map(|(name, _)| name).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("api.dangerous_allow_anonymous: nothing is authenticated on the listeners [{}]\n", names.join(", "))
}

pub(super) fn warn_of_open_listeners(config: &Config, telemetry: &Telemetry) {
    if config.accounts.is_empty() && is_loopback(config.api.listen) {
        let message =
            "there are no [[accounts]], so every access key is accepted, and none; only this machine can connect";
        telemetry.record(&Warned { message });
    }
    if !config.open_listeners().is_empty() {
        telemetry.record(&AnonymousAllowed);
    }
    for (name, address) in config.open_listeners() {
        let message = format!(
            "{name}.listen is {address} and nothing is authenticated there (api.dangerous_allow_anonymous): whoever can \
             connect can do everything"
        );
        telemetry.record(&Warned { message: &message });
    }
    let api_tokens = config.accounts.iter().any(|account| !account.event_token_hashes.is_empty());
    for (name, has_tokens, listen, tls) in [
        ("api", api_tokens, config.api.listen, &config.api.tls),
        ("admin", !config.admin.token_hashes.is_empty(), config.admin.listen, &config.admin.tls),
    ] {
        if has_tokens && !is_loopback(listen) && tls.certificate_file.is_none() {
            let message = format!(
                "{name}.listen is {listen} and has no TLS: who can read the network there can take bearer tokens and use them"
            );
            telemetry.record(&Warned { message: &message });
        }
    }
}
