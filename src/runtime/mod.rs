//! What the daemon takes from the machine: the time, randomness, tasks that cannot take each other down, loops that
//! are watched, the word to stop, the service manager's ear, and the sockets it hands over.

mod clock;
mod inherited_sockets;
mod random;
mod service_manager;
mod shutdown;
mod tasks;
mod threads;
mod vital_loop;

pub use clock::SystemClock;
pub use inherited_sockets::InheritedSockets;
pub use random::Random;
pub use service_manager::ServiceManager;
pub use shutdown::{Asked, Signals, Stop, StopSignal};
pub use tasks::Tasks;
pub use threads::Threads;
pub use vital_loop::VitalLoop;
