//! What the process knows of the world around it; only `main.rs` asks for it.

use jiff::Timestamp;

/// Tells the time.
pub type Clock = fn() -> Timestamp;

/// What the process knows of the world around it.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// The time.
    pub clock: Clock,
    /// This machine's time zone, by its IANA name.
    pub local_zone: fn() -> Option<String>,
}
