//! The conservation harness: clients, targets and a daemon to which everything happens that can happen to one, by seed. What
//! was acknowledged must arrive at every target that a rule has for it or be a dead letter, and nothing else may arrive.
//!
//! `cargo test --test conservation` tests the oracle, in a moment. The run itself takes three minutes, or as long as is said:
//!
//! ```sh
//! EVENTYARD_CONSERVATION_SECONDS=3600 EVENTYARD_TEST_SEED=7 cargo test --test conservation -- --ignored --nocapture
//! ```
//!
//! A seed repeats what is drawn: faults and their order, pauses, events. When things meet depends on the machine all the same.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on says why and stops"
)]

#[expect(dead_code, reason = "the tests of the real binary need more of it")]
#[path = "../it/support/client.rs"]
mod client;
mod clients;
mod daemon;
mod facts;
#[path = "../it/support/failing_disk.rs"]
mod failing_disk;
mod faults;
mod firings;
#[path = "../it/support/moved_time.rs"]
mod moved_time;
mod oracle;
mod run;
#[path = "../it/support/small_disk.rs"]
mod small_disk;
mod targets;

use std::time::Duration;

#[test]
#[ignore = "takes three minutes: tests/run --only conservation"]
fn nothing_is_lost_or_made_up_whatever_happens() {
    let given = |name: &str| std::env::vars().find(|(found, _)| found == name).map(|(_, value)| value);
    let number = |name: &str| given(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name}: no number")));
    let seconds = number("EVENTYARD_CONSERVATION_SECONDS").unwrap_or(180);
    let seed = number("EVENTYARD_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let program = given("EVENTYARD_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_eventyard").to_owned());
    println!(
        "seed {seed}, {seconds} s; again: EVENTYARD_CONSERVATION_SECONDS={seconds} EVENTYARD_TEST_SEED={seed} cargo test --test \
         conservation -- --ignored --nocapture"
    );
    if let Err(fault) = run::run(program.into(), Duration::from_secs(seconds), seed) {
        panic!("seed {seed}: {fault}");
    }
}
