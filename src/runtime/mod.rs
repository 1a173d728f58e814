//! What the daemon takes from the machine: the time, randomness, tasks that cannot take each other down, and the word to
//! stop.

mod clock;
mod random;
mod shutdown;
mod tasks;
mod threads;

pub use clock::SystemClock;
pub use random::Random;
pub use shutdown::{Hangups, Stop, StopSignal, wait_for_signal};
pub use tasks::Tasks;
pub use threads::Threads;
