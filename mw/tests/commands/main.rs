//! The command line: what it sends, against the function's own reader; and what it says and how it exits, against a small
//! Lambda on loopback that refuses, throttles, is slow, loses answers and talks nonsense.

mod answers;
mod events;
mod help;
mod keys;
mod lambda;
mod waiting;
