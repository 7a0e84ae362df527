//! What it says of itself.

use clap::CommandFactory;
use mw::cli::Cli;

use crate::lambda::{Ran, mw};

fn run(arguments: &[&str]) -> Ran {
    Ran::new(mw(arguments).output().expect("it runs"))
}

#[test]
fn help_is_for_people() {
    let ran = run(&["--help"]);
    assert_eq!(ran.code, Some(0));
    insta::assert_snapshot!("help", ran.out);
    insta::assert_snapshot!("help_of_on", run(&["on", "--help"]).out);
    insta::assert_snapshot!("help_of_extend", run(&["extend", "--help"]).out);
}

#[test]
fn every_command_has_an_example() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let after = command.get_after_help().unwrap_or_else(|| panic!("{name}")).to_string();
        let example = after.split("Example").nth(1).unwrap_or_else(|| panic!("{name}: {after}"));
        assert!(example.contains(&format!("  mw {name}")), "{name}: {after}");
    }
}

/// The examples are read as they stand, but for what a shell does with them.
#[test]
fn every_example_can_be_typed() {
    let mut typed = 0;
    for command in Cli::command().get_subcommands() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in after.lines().filter_map(|line| line.strip_prefix("  mw ")) {
            let line = line.split(['>', '|', '&']).next().unwrap_or(line);
            let script = format!("printf '%s\\0' {line}");
            let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
            let words = String::from_utf8(output.stdout).expect("UTF-8");
            let words = std::iter::once("mw").chain(words.trim_end_matches('\0').split('\0'));
            let parsed = <Cli as clap::Parser>::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("refused"));
            typed += 1;
        }
    }
    assert!(typed > 20, "{typed}");
}

#[test]
fn clap_finds_nothing_wrong_with_it() {
    Cli::command().debug_assert();
}

#[test]
fn it_has_the_version_of_the_function_that_it_comes_with() {
    let manifest = include_str!("../../../Cargo.toml");
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.lines().find(|line| line.starts_with("version = ")), Some(version.as_str()));
}

#[test]
fn bad_usage_is_a_refusal() {
    for arguments in [&[][..], &["onn"], &["on", "--for"], &["status", "--nonsense"]] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{arguments:?}: {ran:?}");
        assert!(!ran.err.is_empty());
    }
    assert_eq!(run(&["--version"]).code, Some(0));
}

#[test]
fn completions_and_man_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{shell}");
        assert!(ran.out.contains("reschedule") && ran.out.contains("expect"), "{shell}: {}", ran.out);
    }
    let all = run(&["man"]);
    assert!(all.out.contains(".TH mw 1") && all.out.contains("EXIT") | all.out.contains("Exit codes"), "{}", all.out);
    let one = run(&["man", "on"]);
    assert!(one.out.contains(".TH mw-on 1") && one.out.contains("at\\-end"), "{}", one.out);
    assert_eq!(run(&["man", "onn"]).code, Some(1));
}
