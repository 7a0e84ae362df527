//! The function against a small AWS in memory; one binary, so that the SDK is linked once.

mod console;
mod doctor;
mod edits;
mod examples;
mod faults;
mod feeds;
mod kinds;
mod log;
mod many;
mod model;
mod night;
mod operators;
mod people;
mod probe;
mod promises;
mod properties;
mod recurring;
mod reports;
mod schemas;
mod script;
mod template;
mod times;
mod two_at_once;
mod visitors;
mod wire;
mod world;
