//! The service manager, by the `sd_notify` protocol: that the daemon is ready, reads its files again, stops, is alive.
//!
//! The protocol is one datagram of text to the socket that the environment names, which is less than a library would be.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The service manager that started this process, if it wants to hear.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` among the variables of an environment; of no consequence
    /// without them.
    ///
    /// # Errors
    /// When one of them is wrong, or the system gives no socket.
    pub fn from_environment(environment: impl Iterator<Item = (OsString, OsString)>) -> io::Result<Self> {
        let (mut path, mut period_us, mut pid) = (None, None, None);
        for (name, value) in environment {
            match name.to_str() {
                Some("NOTIFY_SOCKET") => path = Some(value),
                Some("WATCHDOG_USEC") => period_us = Some(number("WATCHDOG_USEC", &value)?),
                Some("WATCHDOG_PID") => pid = Some(number("WATCHDOG_PID", &value)?),
                _ => {}
            }
        }
        let Some(path) = path.filter(|path| !path.is_empty()) else { return Ok(Self::default()) };
        let address = match path.as_bytes() {
            [b'@', name @ ..] => abstract_address(name)?,
            _ => SocketAddr::from_pathname(&path)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that is too busy to read must not hold up the daemon.
        socket.set_write_timeout(Some(Duration::from_secs(1)))?;
        // A watchdog may be meant for the process that started this one.
        let is_ours = pid.is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = period_us.filter(|period| is_ours && *period > 0).map(Duration::from_micros);
        Ok(Self { socket: Some((socket, address)), watchdog })
    }

    /// Requests are answered now, or files have been read again.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// Files are being read again; [`Self::ready`] follows.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// The daemon is on its way out.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that the process is alive, twice in each period of the watchdog, for as long as this is polled and `is_alive` says
    /// so. Without a watchdog it says nothing. It runs among the tasks that serve requests, so it falls silent when they do.
    pub async fn stay_alive(&self, is_alive: impl Fn() -> bool) {
        let Some(period) = self.watchdog else { return std::future::pending().await };
        let mut beat = tokio::time::interval((period / 2).max(Duration::from_millis(1)));
        loop {
            beat.tick().await;
            if is_alive() {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.socket {
            // A manager that does not listen is no reason to fail. It says itself what it missed.
            let _ = socket.send_to_addr(state.as_bytes(), address);
        }
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "NOTIFY_SOCKET: only Linux has sockets without a path"))
}

fn number(name: &str, value: &OsString) -> io::Result<u64> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{name} is not a number")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn manager(variables: &[(&str, &str)]) -> io::Result<ServiceManager> {
        ServiceManager::from_environment(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_manager_hears_each_state_at_a_socket_without_a_path() {
        let name = format!("eventyard-test-{}", std::process::id());
        let ears = UnixDatagram::bind_addr(&abstract_address(name.as_bytes()).unwrap()).unwrap();
        let hear = || {
            let mut text = [0; 200];
            let length = ears.recv(&mut text).unwrap();
            String::from_utf8_lossy(&text[..length]).into_owned()
        };
        let (address, pid) = (format!("@{name}"), std::process::id().to_string());
        let manager =
            manager(&[("NOTIFY_SOCKET", &address), ("WATCHDOG_USEC", "20000"), ("WATCHDOG_PID", &pid)]).unwrap();
        manager.ready();
        manager.reloading();
        manager.stopping();
        assert_eq!(hear(), "READY=1");
        assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(hear(), "STOPPING=1");
        // At the first look it does not live, and the manager hears nothing; then it does, and tells by another state.
        let (manager, looks) = (Arc::new(manager), AtomicU32::new(0));
        let told = Arc::clone(&manager);
        let is_alive = move || match looks.fetch_add(1, Ordering::Relaxed) {
            0 => false,
            1 => {
                told.ready();
                true
            }
            _ => true,
        };
        let alive = tokio::spawn(async move { manager.stay_alive(is_alive).await });
        let beats = tokio::task::spawn_blocking(move || {
            let mut text = [0; 200];
            [(); 3].map(|()| ears.recv(&mut text).map(|length| text[..length].to_vec()).unwrap())
        });
        let beats = beats.await.unwrap().map(|beat| String::from_utf8(beat).unwrap());
        assert_eq!(beats, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
        alive.abort();
    }

    #[test]
    fn the_environment_decides() {
        assert!(manager(&[]).unwrap().socket.is_none());
        assert!(manager(&[("NOTIFY_SOCKET", "")]).unwrap().socket.is_none());
        assert!(
            manager(&[("NOTIFY_SOCKET", "/nowhere"), ("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "1")])
                .unwrap()
                .watchdog
                .is_none()
        );
        assert!(manager(&[("NOTIFY_SOCKET", "/nowhere"), ("WATCHDOG_USEC", "soon")]).is_err());
        manager(&[("NOTIFY_SOCKET", "/nowhere")]).unwrap().ready();
    }
}
