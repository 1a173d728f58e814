//! The daemon as a child process that can be killed and started again on the same ports and data.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::{Client, wait_for};

/// A daemon. It is killed when the test ends.
#[derive(Debug)]
pub(crate) struct Daemon {
    api: SocketAddr,
    admin: SocketAddr,
    data_dir: PathBuf,
    environment: Vec<(String, String)>,
    child: Option<Child>,
    /// Removed with what is in it when the test ends.
    folder: Option<TempDir>,
}

impl Daemon {
    /// Starts a daemon on a folder of its own, with options such as `("DELIVERY__BACKOFF_BASE_MS", "10")`.
    pub(crate) fn start(options: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut daemon = Self::start_in(folder.path(), options);
        daemon.folder = Some(folder);
        daemon
    }

    /// Starts a daemon on a folder.
    pub(crate) fn start_in(data_dir: &Path, options: &[(&str, &str)]) -> Self {
        let environment: Vec<_> = options.iter().map(|(name, value)| (format!("EVENTYARD_{name}"), *value)).collect();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        Self::start_in_environment(data_dir, &environment)
    }

    /// Starts a daemon on a folder, with variables of its environment.
    pub(crate) fn start_in_environment(data_dir: &Path, environment: &[(&str, &str)]) -> Self {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut daemon = Self {
            api: free_address(),
            admin: free_address(),
            data_dir: data_dir.to_owned(),
            environment,
            child: None,
            folder: None,
        };
        daemon.restart();
        daemon
    }

    /// Starts it again after it ended.
    pub(crate) fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let child = Command::new(env!("CARGO_BIN_EXE_eventyard"))
            .arg("serve")
            .arg("--data-dir")
            .arg(&self.data_dir)
            .args(["--listen", &self.api.to_string(), "--admin-listen", &self.admin.to_string()])
            .envs(self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .env("EVENTYARD_LOG__LEVEL", "warn")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let admin = self.admin();
        wait_for("the daemon to be ready", || {
            admin.get("/health/ready").ok().filter(|reply| reply.status == 200 || reply.status == 503)
        });
    }

    pub(crate) fn api(&self) -> Client {
        Client(self.api)
    }

    pub(crate) fn admin(&self) -> Client {
        Client(self.admin)
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        wait_for("the daemon to end", || child.try_wait().unwrap())
    }

    /// The value of a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = self.admin().get("/metrics").unwrap().body;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        line.unwrap_or_else(|| panic!("no metric {name} in {metrics}"))
    }

    /// Waits until nothing is owed any more.
    pub(crate) fn wait_until_settled(&self) {
        wait_for("all deliveries to be settled", || (self.metric("eventyard_deliveries_pending") == 0.0).then_some(()));
    }

    /// Sends dead letters again; answers what became of them when that has ended.
    pub(crate) fn redrive(&self, query: &str) -> serde_json::Value {
        let begun = self.admin().request("POST", &format!("/dead-letters/redrive?{query}"), &[], b"").unwrap();
        assert_eq!(begun.status, 200, "{}", begun.body);
        wait_for("the end of the redrive", || {
            let progress = self.admin().get("/dead-letters/redrive").unwrap().json();
            progress["ended"].is_string().then_some(progress)
        })
    }

    /// All dead letters.
    pub(crate) fn dead_letters(&self) -> Vec<serde_json::Value> {
        let (mut letters, mut path) = (Vec::new(), "/dead-letters".to_owned());
        loop {
            let page = self.admin().get(&path).unwrap().json();
            letters.extend(page["dead_letters"].as_array().unwrap().iter().cloned());
            match page["next_after"].as_str() {
                Some(after) => path = format!("/dead-letters?after={after}"),
                None => return letters,
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
