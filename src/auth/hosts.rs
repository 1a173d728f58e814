//! The names a listener answers to when it lets everybody in: a guard against DNS rebinding.
//!
//! A web page cannot reach a listener on loopback under the page's own name, unless that name is made to lead there. The
//! `Host` header then still has the page's name, and that is where it shows.

use std::net::IpAddr;

use eventyard_core::error::{ErrorCode, ServiceError};

use crate::http::Request;
use crate::telemetry::{AuthenticationFailed, Telemetry};

/// The host names that requests may be sent to.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    /// None: all.
    names: Option<Vec<String>>,
    option: &'static str,
}

impl AllowedHosts {
    /// Every name will do.
    #[must_use]
    pub fn any() -> Self {
        Self { names: None, option: "" }
    }

    /// An address, `localhost`, a name under it, and `names`, which were given by `option`.
    #[must_use]
    pub fn only(names: &[String], option: &'static str) -> Self {
        Self { names: Some(names.iter().map(|name| name.to_ascii_lowercase()).collect()), option }
    }

    /// Whether a request names a host that is allowed. One without a `Host` header comes from no browser.
    ///
    /// # Errors
    /// Access is denied, with the option that would allow it.
    pub fn check(&self, request: &Request, telemetry: &Telemetry) -> Result<(), ServiceError> {
        let Some(names) = &self.names else { return Ok(()) };
        let hosts = request.headers.get_all("host").iter().map(|host| host.to_str().unwrap_or("?"));
        let Some(host) = hosts.chain(request.uri.host()).find(|host| !is_allowed(host, names)) else { return Ok(()) };
        telemetry.record(&AuthenticationFailed { reason: "host" });
        let message =
            format!("Requests to the host '{}' are not allowed here. Add it to {}.", host.escape_debug(), self.option);
        Err(ServiceError::new(ErrorCode::AccessDenied, message))
    }
}

fn is_allowed(host: &str, names: &[String]) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).to_ascii_lowercase();
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
    bare.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost") || names.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_listed_names_are_allowed() {
        let names = AllowedHosts::only(&["Events.internal".to_owned()], "api.allowed_hosts").names.unwrap();
        for host in [
            "127.0.0.1",
            "127.0.0.1:4010",
            "[::1]:4010",
            "[::1]",
            "192.0.2.1:80",
            "localhost",
            "LOCALHOST:4010",
            "a.localhost:1",
            "events.internal:4010",
            "EVENTS.INTERNAL",
        ] {
            assert!(is_allowed(host, &names), "{host}");
        }
        for host in
            ["", "example.com", "example.com:4010", "localhost.example.com", "xlocalhost", "127.0.0.1.example.com", "?"]
        {
            assert!(!is_allowed(host, &names), "{host}");
        }
    }
}
