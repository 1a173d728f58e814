//! Sockets that the service manager listens on and hands over, by the `sd_listen_fds` protocol. They outlive the process, so
//! clients that connect while it starts again wait instead of being refused.

use std::ffi::OsString;
use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// What `FileDescriptorName=` of the socket units becomes.
const NAMES: &str = "LISTEN_FDNAMES";

/// The listening sockets that this process was started with, each under its name.
#[derive(Debug, Default)]
pub struct InheritedSockets(Vec<(String, TcpListener)>);

impl InheritedSockets {
    /// Takes what `LISTEN_FDS` says is there, if `LISTEN_PID` says that it is for this process, and removes both variables.
    /// `environment` has the names, which have to be among `known`, each once. Call it before there are threads that may
    /// read the environment.
    ///
    /// # Errors
    /// When a socket has no known name, or is none that TCP connections come from.
    pub fn from_environment(
        environment: impl Iterator<Item = (OsString, OsString)>,
        known: &[&str],
    ) -> io::Result<Self> {
        let mut handed_over = ListenFd::from_env();
        let names = environment.filter(|(name, _)| name == NAMES).map(|(_, value)| value).next().unwrap_or_default();
        let names = names.to_string_lossy();
        let names = named(&names, handed_over.len(), known)?;
        let mut sockets = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let of_it = |error: io::Error| invalid(format!("the socket {name}: {error}"));
            let Some(socket) = handed_over.take_tcp_listener(index).map_err(of_it)? else { continue };
            if !socket_acceptconn(&socket).map_err(io::Error::from).map_err(of_it)? {
                return Err(invalid(format!("the socket {name} does not listen")));
            }
            sockets.push((name.to_owned(), socket));
        }
        Ok(Self(sockets))
    }

    /// Takes the socket of a name, if there is one.
    pub fn take(&mut self, name: &str) -> Option<TcpListener> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(index).1)
    }
}

/// The names of `count` sockets, from the list that says them, with `:` between.
fn named<'a>(names: &'a str, count: usize, known: &[&str]) -> io::Result<Vec<&'a str>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let names: Vec<_> = names.split(':').collect();
    if names.len() != count {
        return Err(invalid(format!("{NAMES} names {} sockets, and there are {count}", names.len())));
    }
    for (index, name) in names.iter().enumerate() {
        if !known.contains(name) {
            let known = known.join(" or ");
            return Err(invalid(format!(
                "a socket is named {name:?}; FileDescriptorName= of its unit has to be {known}"
            )));
        }
        if names[..index].contains(name) {
            return Err(invalid(format!("two sockets are named {name}; each listener has one address")));
        }
    }
    Ok(names)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_socket_has_a_known_name_of_its_own() {
        let named = |names, count| named(names, count, &["api", "admin"]).map_err(|error| error.to_string());
        assert_eq!(named("admin:api", 2), Ok(vec!["admin", "api"]));
        assert_eq!(named("whatever", 0), Ok(vec![]), "nothing is handed over");
        for (names, count, reason) in [
            ("api", 2, "names 1 sockets, and there are 2"),
            ("", 1, "named \"\""),
            ("eventyard.socket", 1, "has to be api or admin"),
            ("api:api", 2, "two sockets are named api"),
        ] {
            let said = named(names, count).unwrap_err();
            assert!(said.contains(reason), "{said}");
        }
    }
}
