//! Reads the command line, and knows what only the process can: the time, and this machine's zone.

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use jiff::{Timestamp, tz::TimeZone};
use mw::{cli::Cli, exit::Exit, run::run, world::World};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(problem) => {
            let _ = problem.print();
            // Not clap's own 2, which here means that something failed: nothing was even sent.
            let is_asked = matches!(problem.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if is_asked { Exit::Done } else { Exit::Refused }.into();
        }
    };
    run(cli, World { clock, local_zone }).await.into()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn clock() -> Timestamp {
    Timestamp::now()
}

fn local_zone() -> Option<String> {
    TimeZone::try_system().ok()?.iana_name().map(str::to_owned)
}
