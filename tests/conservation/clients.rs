//! The clients: they put events and send again what was not acknowledged, as callers do.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use eventyard::runtime::Random;
use serde_json::{Value, json};

use crate::client::Client;
use crate::facts::Fact;
use crate::oracle::{Oracle, entry};

const CLIENTS: u64 = 4;
/// Entries in one call.
const ENTRIES_MAX: u64 = 10;

/// Clients at work.
#[derive(Debug)]
pub(crate) struct Clients {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// One of them.
struct Caller {
    client: Client,
    random: Random,
    oracle: Arc<Mutex<Oracle>>,
    number: u64,
    /// Half of them say `PutEvents`, half `POST /events`.
    is_plain: bool,
}

impl Clients {
    pub(crate) fn start(client: Client, oracle: &Arc<Mutex<Oracle>>, seed: u64) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let threads = (0..CLIENTS).map(|number| {
            let (random, oracle) = (Random::from_seed(seed ^ number << 32), Arc::clone(oracle));
            let caller = Caller { client, random, oracle, number, is_plain: number % 2 == 1 };
            let is_over = Arc::clone(&is_over);
            std::thread::spawn(move || caller.work(&is_over))
        });
        Self { threads: threads.collect(), is_over }
    }

    /// Ends when their calls are answered; what was not acknowledged is given up.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        self.is_over.store(true, Ordering::Relaxed);
        let ended: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        if ended.iter().any(Result::is_err) { Err("a client panicked".to_owned()) } else { Ok(()) }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// What is put with one request, and put again until it is acknowledged.
#[derive(Clone, Debug)]
struct Call {
    numbers: Vec<u64>,
    /// The request's Idempotency-Key. Such a request is always the same, since an entry is known by its place as well.
    key: Option<String>,
}

/// A call under a key that was acknowledged, and how often the daemon had been killed by then.
#[derive(Debug)]
struct Acknowledged {
    call: Call,
    kills: u32,
}

impl Caller {
    fn work(&self, is_over: &AtomicBool) {
        // Four numbers of one lane after another, in the lanes of this client.
        let first = self.with_oracle(|oracle| oracle.first());
        let mut numbers = (0..).map(|count| first + count / 4 * 4 * CLIENTS + 4 * self.number + count % 4);
        let mut earlier: Option<Acknowledged> = None;
        while !is_over.load(Ordering::Relaxed) {
            let count = 1 + self.random.next_u64() % ENTRIES_MAX;
            let numbers: Vec<_> = numbers.by_ref().take(usize::try_from(count).unwrap_or(1)).collect();
            let has_key = self.is_plain && self.random.next_u64().is_multiple_of(4);
            let call = Call { key: has_key.then(|| format!("numbers from {}", numbers[0])), numbers };
            let is_acknowledged = self.insist(&call, is_over);
            if is_acknowledged && has_key && earlier.is_none() {
                earlier = Some(Acknowledged { call, kills: self.with_oracle(|oracle| oracle.kills) });
            }
            let kills = self.with_oracle(|oracle| oracle.kills);
            if let Some(Acknowledged { call, .. }) = earlier.take_if(|earlier| earlier.kills < kills) {
                let is_answered = self.insist(&call, is_over);
                // Another id than the first one shows at the end of the round.
                self.with_oracle(|oracle| oracle.facts.meet_if(is_answered, Fact::AnsweredFirstIds));
            }
            self.rest(20);
        }
    }

    /// Puts events until all are acknowledged, or all is over; says which.
    fn insist(&self, call: &Call, is_over: &AtomicBool) -> bool {
        if call.key.is_some() {
            self.with_oracle(|oracle| oracle.know(&call.numbers));
        }
        let mut open = call.clone();
        while !open.numbers.is_empty() && !is_over.load(Ordering::Relaxed) {
            self.with_oracle(|oracle| oracle.send(&open.numbers));
            let failed = self.put(&open);
            let is_whole = open.key.is_some() && !failed.is_empty();
            open.numbers = if is_whole { open.numbers } else { failed };
            self.rest(10);
        }
        open.numbers.is_empty()
    }

    fn rest(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(self.random.next_u64() % ms));
    }

    /// Puts these events once, and answers which were not accepted as far as is known.
    fn put(&self, call: &Call) -> Vec<u64> {
        let numbers = call.numbers.clone();
        let entries: Vec<_> = numbers.iter().map(|n| entry(*n)).collect();
        let reply = if self.is_plain {
            let body = Value::from(entries).to_string();
            let mut headers = vec![("Content-Type", "application/json")];
            headers.extend(call.key.as_deref().map(|key| ("Idempotency-Key", key)));
            self.client.request("POST", "/events", &headers, body.as_bytes())
        } else {
            self.client.try_call("PutEvents", &json!({"Entries": entries}))
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                self.with_oracle(|oracle| oracle.unsend(&numbers));
                return numbers;
            }
            // It was killed; it may have accepted them or not.
            Err(_) => return numbers,
        };
        self.with_oracle(|oracle| {
            match reply.status {
                200 => {
                    let results = serde_json::from_str::<Value>(&reply.body).unwrap_or_default();
                    return accepted(oracle, &numbers, &results, &reply.body);
                }
                400 | 429 if reply.body.contains("ThrottlingException") => {
                    oracle.facts.meet_if(true, Fact::RefusedByFullDisk);
                }
                // Stopping.
                500 | 503 => {}
                status => oracle.violation(format!("a good call was answered {status}: {}", reply.body)),
            }
            numbers
        })
    }

    fn with_oracle<T>(&self, work: impl FnOnce(&mut Oracle) -> T) -> T {
        work(&mut self.oracle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes the ids that were answered, and answers which events have none.
fn accepted(oracle: &mut Oracle, numbers: &[u64], results: &Value, body: &str) -> Vec<u64> {
    let results = results["Entries"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    if results.len() != numbers.len() {
        oracle.violation(format!("{} entries were answered with {body}", numbers.len()));
        return Vec::new();
    }
    let mut failed = Vec::new();
    for (n, result) in numbers.iter().zip(results) {
        match result["EventId"].as_str() {
            Some(id) => oracle.acknowledge(*n, id),
            None => failed.push(*n),
        }
    }
    failed
}
