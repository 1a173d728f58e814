//! The processes that are measured: starting them, asking the system about them, ending them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::Connection;
use crate::roles::Role;
use crate::{Result, events};

/// The program that is measured.
pub(crate) const EVENTYARD: &str = env!("CARGO_BIN_EXE_eventyard");
/// A start that takes longer has failed.
const START_MAX: Duration = Duration::from_secs(60);
/// Linux counts processor time in hundredths of a second, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that ends with this value.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }

    /// Processor time so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in parentheses, may hold anything; user and system time are the 12th and 13th behind it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/PID/stat")?;
        let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        Ok(times.map(|ticks| ticks.map(f64::from)).sum::<std::result::Result<f64, _>>()? / TICKS_PER_SECOND)
    }

    /// A line of /proc/PID/status that counts kB, in MiB.
    pub(crate) fn memory_mib(&self, name: &str) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes: u32 =
            line.and_then(|line| line.split_whitespace().next()).ok_or("not in /proc/PID/status")?.parse()?;
        Ok(f64::from(kilobytes) / 1_024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The bench in one of its roles.
pub(crate) struct Player {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Player {
    pub(crate) fn start(role: &Role) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let child = command.args(role.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut process = Process(child);
        let mut line = String::new();
        let out = process.0.stdout.take().ok_or("no standard output")?;
        BufReader::new(out).read_line(&mut line)?;
        Ok(Self { address: line.trim().parse()?, process })
    }
}

/// eventyard, ready.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) api: SocketAddr,
    admin: SocketAddr,
    /// From the start of the process to the first 200 of /health/ready.
    pub(crate) ready_after: Duration,
}

impl Daemon {
    /// Starts it on `data_dir` with the default configuration, but for what the environment says.
    pub(crate) async fn start(data_dir: &Path) -> Result<Self> {
        Self::start_with(data_dir, &[]).await
    }

    /// The same, with options such as `("QUOTAS__TARGETS_PER_RULE_MAX", "10")`.
    pub(crate) async fn start_with(data_dir: &Path, options: &[(&str, &str)]) -> Result<Self> {
        let (api, admin) = (free_address()?, free_address()?);
        fs::create_dir_all(data_dir)?;
        let log = data_dir.with_extension("log");
        let started = Instant::now();
        let child = Command::new(EVENTYARD)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--listen", &api.to_string(), "--admin-listen", &admin.to_string()])
            // Ours, and no option of the daemon, which refuses those it does not know.
            .env_remove(crate::FOLDER_VARIABLE)
            .envs(options.iter().map(|(name, value)| (format!("EVENTYARD_{name}"), value)))
            .stdin(Stdio::null())
            .stdout(fs::File::create(&log)?)
            .stderr(fs::File::options().append(true).open(&log)?)
            .spawn()?;
        let process = Process(child);
        while get(admin, "/health/ready").await.is_err() {
            if started.elapsed() > START_MAX {
                return Err(format!("eventyard is not ready; its log: {}", fs::read_to_string(&log)?).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Self { process, api, admin, ready_after: started.elapsed() })
    }

    /// Makes a rule that takes every event that is sent, with one target at `sink`.
    pub(crate) async fn put_rule(&self, sink: SocketAddr) -> Result<()> {
        let pattern = json!({"source": ["shop.orders"], "detail-type": ["OrderPlaced"]});
        self.put_targets("orders", &pattern, &[format!("http://{sink}/orders")]).await
    }

    /// Makes a rule with this pattern and these targets.
    pub(crate) async fn put_targets(&self, rule: &str, pattern: &Value, urls: &[String]) -> Result<()> {
        self.call("PutRule", &json!({"Name": rule, "EventPattern": pattern.to_string()})).await?;
        let target = |(number, url): (usize, &String)| json!({"Id": number.to_string(), "Arn": url});
        let targets: Vec<_> = urls.iter().enumerate().map(target).collect();
        self.call("PutTargets", &json!({"Rule": rule, "Targets": targets})).await
    }

    /// A metric without labels, as it is now.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let page = get(self.admin, "/metrics").await?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.ok_or_else(|| format!("no metric {name}"))?.parse()?)
    }

    async fn call(&self, operation: &str, input: &Value) -> Result<()> {
        let request = events::request(operation, &input.to_string());
        Connection::open(self.api).await?.exchange(&request).await.map(drop)
    }
}

/// The body of a page.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut connection = Connection::open(address).await?;
    Ok(String::from_utf8(connection.exchange(request.as_bytes()).await?.to_vec())?)
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
