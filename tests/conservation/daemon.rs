//! The daemon under test: a process that is killed, stopped and started again on the same ports and data.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;

/// What takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Lines of a command that failed that are told.
const COMMAND_LINES_MAX: usize = 20;

/// A daemon. It is killed when this value goes.
#[derive(Debug)]
pub(crate) struct Daemon {
    program: PathBuf,
    api: SocketAddr,
    admin: SocketAddr,
    data_dir: PathBuf,
    log: PathBuf,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    /// Bytes of the log before it was last started.
    log_begin: usize,
}

impl Daemon {
    /// One that is not started yet.
    pub(crate) fn new(
        program: PathBuf,
        data_dir: PathBuf,
        log: PathBuf,
        environment: Vec<(String, String)>,
    ) -> io::Result<Self> {
        Ok(Self {
            program,
            api: free_address()?,
            admin: free_address()?,
            data_dir,
            log,
            environment,
            child: None,
            log_begin: 0,
        })
    }

    /// Starts it with these variables besides, and does not wait until it is ready.
    pub(crate) fn spawn(&mut self, more: &[(String, String)]) -> Result<(), String> {
        self.log_begin = fs::read(&self.log).map_or(0, |log| log.len());
        let log = File::options().create(true).append(true).open(&self.log).map_err(|error| error.to_string())?;
        let child = Command::new(&self.program)
            .arg("serve")
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--listen", &self.api.to_string(), "--admin-listen", &self.admin.to_string()])
            .envs(self.environment.iter().chain(more).map(|(name, value)| (name.as_str(), value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.map_err(|error| format!("{}: {error}", self.program.display()))?);
        Ok(())
    }

    /// Waits until it answers the admin listener.
    pub(crate) fn wait_until_up(&mut self) -> Result<(), String> {
        let admin = Client(self.admin);
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.exited() {
                return Err(format!("the daemon did not start: {status}"));
            }
            if admin.get("/health/ready").is_ok_and(|reply| matches!(reply.status, 200 | 503)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("the daemon is not up after five minutes".to_owned())
    }

    pub(crate) fn api(&self) -> Client {
        Client(self.api)
    }

    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// The variables that it always has.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether its log has this text since it was last started.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(self.log_begin..).unwrap_or_default()).contains(text)
    }

    /// Whether it was ready since it was last started. The listener takes connections before it answers any.
    pub(crate) fn was_ready(&self) -> bool {
        self.has_said(" ready duration")
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// How it ended, if it did by itself.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(status)
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, name: &str) -> Result<(), String> {
        let pid = self.child.as_ref().map(|child| child.id().to_string()).ok_or("the daemon does not run")?;
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err(format!("kill -s {name} failed")) }
    }

    /// SIGTERM, which must end it well.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        self.signal("TERM")?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.exited() {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("SIGTERM ended the daemon with {status}")),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        Err("SIGTERM did not end the daemon in five minutes".to_owned())
    }

    /// `eventyard fsck` on its data while it does not run: a crash must leave nothing damaged.
    pub(crate) fn check_data(&self) -> Result<(), String> {
        self.check(&self.data_dir)
    }

    /// The same for the data in another folder.
    pub(crate) fn check(&self, data_dir: &Path) -> Result<(), String> {
        self.command("fsck", &["--data-dir".as_ref(), data_dir.as_os_str()]).map(drop)
    }

    /// What another command of the program prints, which must end well.
    pub(crate) fn command(&self, name: &str, arguments: &[&OsStr]) -> Result<String, String> {
        let output = Command::new(&self.program).arg(name).args(arguments).output();
        let output = output.map_err(|error| format!("{name}: {error}"))?;
        if output.status.success() {
            return String::from_utf8(output.stdout).map_err(|error| format!("{name}: {error}"));
        }
        let found = [output.stdout, output.stderr].concat();
        let lines: Vec<_> =
            String::from_utf8_lossy(&found).lines().take(COMMAND_LINES_MAX).map(str::to_owned).collect();
        Err(format!("{name}, {}: {}", output.status, lines.join("\n")))
    }

    /// Something of the admin listener, as JSON.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Result<Value, String> {
        let reply = Client(self.admin).request(method, path, &[], b"").map_err(|error| format!("{path}: {error}"))?;
        if reply.status != 200 {
            return Err(format!("{path}: {} {}", reply.status, reply.body));
        }
        serde_json::from_str(&reply.body).map_err(|error| format!("{path}: {error}"))
    }

    /// All metrics as text.
    pub(crate) fn metrics(&self) -> Result<String, String> {
        Client(self.admin).get("/metrics").map(|reply| reply.body).map_err(|error| format!("/metrics: {error}"))
    }

    /// A metric, with its labels as they are written; nothing when it does not answer.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let page = self.metrics().ok()?;
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// All dead letters.
    pub(crate) fn dead_letters(&self) -> Result<Vec<Value>, String> {
        let (mut letters, mut path) = (Vec::new(), "/dead-letters".to_owned());
        loop {
            let page = self.admin("GET", &path)?;
            letters.extend(page["dead_letters"].as_array().into_iter().flatten().cloned());
            match page["next_after"].as_str() {
                Some(after) => path = format!("/dead-letters?after={after}"),
                None => return Ok(letters),
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An address that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
