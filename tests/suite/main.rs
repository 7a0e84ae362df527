//! The function against a small AWS in memory; one binary, so that the SDK is linked once.

mod examples;
mod night;
mod promises;
mod template;
mod wire;
mod world;
