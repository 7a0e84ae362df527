//! `mw`: planned maintenance from the command line.
//!
//! A command becomes one event ([`event`]) for the function that [`find`] finds; [`call`] sends it, under one key until
//! it is certain what came of it; [`show`] says so in a few lines, and [`exit`] in a number. The function decides
//! everything: nothing about windows is known here but how to ask and how to read the answer.

pub mod answer;
pub mod call;
pub mod cli;
pub mod event;
pub mod exit;
pub mod find;
pub mod run;
pub mod shell;
pub mod show;
pub mod text;
pub mod wait;
pub mod watch;
pub mod world;
