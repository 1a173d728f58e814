//! Metrics of the process, by the names that Prometheus' client libraries give them. Read from `/proc` whenever metrics are
//! asked for; where there is no `/proc` they stay 0.

use std::fs;
use std::sync::{Mutex, PoisonError};

use prometheus::{Counter, IntGauge};

use super::catalogue::Catalogue;

/// Ticks of the kernel's clock in a second. It is part of what Linux promises programs, on every processor we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// The metrics of the process.
#[derive(Debug)]
pub(super) struct ProcessMetrics {
    /// Held while they are read, so that no processor time is added twice.
    reading: Mutex<()>,
    cpu_seconds: Counter,
    resident_bytes: IntGauge,
    virtual_bytes: IntGauge,
    threads: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    start_time_seconds: IntGauge,
}

impl ProcessMetrics {
    pub(super) fn new(make: &Catalogue<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            reading: Mutex::default(),
            cpu_seconds: make.sum("process_cpu_seconds_total", "Processor time of the process, user and system")?,
            resident_bytes: make.gauge("process_resident_memory_bytes", "Memory of the process that is resident")?,
            virtual_bytes: make.gauge("process_virtual_memory_bytes", "Virtual memory of the process")?,
            threads: make.gauge("process_threads", "Threads of the process")?,
            open_fds: make.gauge("process_open_fds", "Files and sockets that are open")?,
            max_fds: make.gauge("process_max_fds", "Files and sockets that may be open; 0 when there is no bound")?,
            start_time_seconds: make.gauge("process_start_time_seconds", "Start of the process, since 1970")?,
        })
    }

    /// Reads them again. What cannot be read stays as it was.
    pub(super) fn read(&self) {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            let set = |gauge: &IntGauge, key, unit| {
                if let Some(value) = number_behind(&status, key) {
                    gauge.set(value.saturating_mul(unit));
                }
            };
            set(&self.resident_bytes, "VmRSS:", 1024);
            set(&self.virtual_bytes, "VmSize:", 1024);
            set(&self.threads, "Threads:", 1);
        }
        if let Some(times) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Times::parse) {
            self.cpu_seconds.inc_by((times.cpu_seconds - self.cpu_seconds.get()).max(0.0));
            if let Some(boot) = fs::read_to_string("/proc/stat").ok().and_then(|text| number_behind(&text, "btime ")) {
                self.start_time_seconds.set(boot.saturating_add(times.start_seconds_after_boot));
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them is the folder that is being read.
            self.open_fds.set(i64::try_from(open.count().saturating_sub(1)).unwrap_or(i64::MAX));
        }
        if let Ok(limits) = fs::read_to_string("/proc/self/limits") {
            self.max_fds.set(number_behind(&limits, "Max open files").unwrap_or(0));
        }
    }
}

/// The number behind `key` at the begin of a line.
fn number_behind(text: &str, key: &str) -> Option<i64> {
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// From `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Times {
    cpu_seconds: f64,
    start_seconds_after_boot: i64,
}

impl Times {
    fn parse(stat: &str) -> Option<Self> {
        // The second field is the program's name in brackets, which may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |field: usize| fields.get(field)?.parse::<u32>().ok();
        let seconds = |ticks: u32| f64::from(ticks) / TICKS_PER_SECOND;
        let ticks_after_boot: i64 = fields.get(19)?.parse().ok()?;
        Some(Self {
            cpu_seconds: seconds(ticks(11)?) + seconds(ticks(12)?),
            start_seconds_after_boot: ticks_after_boot / 100,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let stat = "7 (a) b) 1 (x) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 9 0 12345 1000 200";
        assert_eq!(Times::parse(stat), Some(Times { cpu_seconds: 4.0, start_seconds_after_boot: 123 }));
        assert_eq!(Times::parse("7 (a) S 1 2"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_all_of_them() {
        let registry = prometheus::Registry::new();
        let process = ProcessMetrics::new(&Catalogue::new(&registry)).unwrap();
        process.read();
        process.read();
        for gauge in [&process.resident_bytes, &process.virtual_bytes, &process.threads, &process.open_fds] {
            assert!(gauge.get() > 0, "{gauge:?}");
        }
        assert!(process.virtual_bytes.get() >= process.resident_bytes.get());
        assert!(process.start_time_seconds.get() > 1_700_000_000, "{:?}", process.start_time_seconds);
    }
}
