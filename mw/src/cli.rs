//! The command line as it is typed.

use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::{SignedDuration, Span, SpanRelativeTo};

const AFTER: &str = "\
Exit codes:
  0  done
  1  refused, here or by the function: nothing was decided
  2  failed, or it is not certain what came of it: what is known is said, and how to find out
  3  the site is not in the state asked for

The function is the one that --function or MW_FUNCTION names, or the only one there is in the account and Region.
Credentials, profiles, SSO and Region are found as the AWS CLI finds them.
A command is decided once: a lost answer is asked for again under the same key.

Examples:
  mw on --for 45m --reason \"Hotfix for the checkout\" --wait
  mw status --expect maintenance
  mw extend 30m
  mw off";

/// Planned maintenance for sites behind an AWS Application Load Balancer
#[derive(Debug, Parser)]
#[command(name = "mw", version, after_help = AFTER, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// Where the function is, and how it is asked.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the function is, and how it is asked.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Function")]
pub struct Global {
    /// The function's name or ARN, which is the stack's name [default: the only one there is]
    #[arg(long, global = true, env = "MW_FUNCTION", hide_env_values = true, value_name = "NAME")]
    pub function: Option<String>,
    /// The profile of the AWS configuration to use
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region that the function is in
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Print the function's whole answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// How long to wait for one answer; the function itself takes five minutes at most
    #[arg(long, global = true, value_name = "DURATION", default_value = "330s", value_parser = patience)]
    pub answer_timeout: Duration,
    /// How often to ask until it is certain what came of it
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub tries: u32,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Tell how the site stands
    #[command(after_help = "Examples:\n  mw status\n  mw status --expect maintenance && ./migrate.sh")]
    Status(Status),
    /// Find what would make a window fail; changes nothing
    #[command(after_help = "Exits with 1 if something must be fixed before a window.\n\nExamples:\n  mw check\n  \
                      mw check --start 2026-12-06T02:00 --for 2h --timezone Europe/London")]
    Check(Check),
    /// Book a window, or with --every one that recurs
    #[command(
        after_help = "Examples:\n  mw book database-move --start 2026-12-06T02:00 --for 2h --timezone Europe/London \
                      --reason \"Moving the database\"\n  mw book sunday-patching --every 'cron(0 2 ? * SUN *)' --for 2h \
                      --timezone Europe/London"
    )]
    Book(Book),
    /// Start maintenance now
    #[command(
        after_help = "Without --for and --until it lasts until `mw off`.\n\nExamples:\n  mw on --for 45m --reason \
                      \"Hotfix for the checkout\"\n  mw on deploy-17 --for 45m --at-end hold --wait"
    )]
    On(On),
    /// End maintenance now: one window, or all that are active
    #[command(
        after_help = "Without ID it ends every active window, and reopens every rule that is in maintenance for no \
                      window.\n\nExamples:\n  mw off\n  mw off database-move --reason \"Done early\" --wait"
    )]
    Off(Off),
    /// Move the end of a window
    #[command(
        override_usage = "mw extend [OPTIONS] <BY> [ID]\n       mw extend [OPTIONS] --until <TIME> [ID]",
        after_help = "BY may be negative. Without ID it is the only window that has begun.\n\nExamples:\n  mw extend \
                      30m\n  mw extend 30m database-move --reason \"The copy takes longer\"\n  mw extend -15m\n  mw \
                      extend --until 04:00"
    )]
    Extend(Extend),
    /// Move a booked window
    #[command(after_help = "Example:\n  mw reschedule database-move --start 2026-12-13T02:00")]
    Reschedule(Reschedule),
    /// Drop a window that has not begun, or end a series
    #[command(
        after_help = "Without ID it is the only one there is.\n\nExample:\n  mw cancel database-move --reason \"Not ready\""
    )]
    Cancel(Cancel),
    /// Leave out one start of a series, the next one unless --start names it
    #[command(after_help = "Example:\n  mw skip sunday-patching --start 2026-12-13T02:00")]
    Skip(Skip),
    /// Take `skip` back
    #[command(after_help = "Example:\n  mw unskip sunday-patching")]
    Unskip(Skip),
    /// Stop a series until it is resumed, and drop its booked window
    #[command(after_help = "Example:\n  mw pause sunday-patching --reason \"Holidays\"")]
    Pause(Series),
    /// Let a paused series go on
    #[command(after_help = "Example:\n  mw resume sunday-patching")]
    Resume(Series),
    /// Change the reason of a window or series, the message that visitors read, or the alarms it mutes
    #[command(
        after_help = "An empty text removes it.\n\nExample:\n  mw edit database-move --message \"It takes longer than \
                      planned.\""
    )]
    Edit(Edit),
    /// Tell of windows and series that are over, the latest first
    #[command(
        after_help = "Examples:\n  mw history\n  mw history database-move --limit 50 --json\n  mw history --since \
                      2026-01-01T00:00Z --limit 200 --csv > windows.csv"
    )]
    History(History),
    /// Follow a window until it has ended
    #[command(
        after_help = "On a terminal one line is kept up to date; otherwise each change gets a line.\nExits with 0 when \
                      the window has ended and the site is as the windows say, with 3 when it never began or the site is \
                      not.\n\nExamples:\n  mw watch\n  mw watch database-move --interval 30s"
    )]
    Watch(Watch),
    /// Bring everything to where it should be, as the function does by itself every five minutes
    #[command(after_help = "Example:\n  mw sweep")]
    Sweep,
    /// Print the completions for a shell
    #[command(after_help = "Examples:\n  mw completions bash > ~/.local/share/bash-completion/completions/mw\n  mw \
                            completions zsh > \"${fpath[1]}/_mw\"\n  mw completions fish > \
                            ~/.config/fish/completions/mw.fish")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page, of all or of one command
    #[command(after_help = "Examples:\n  mw man | man -l -\n  mw man book | man -l -")]
    Man {
        /// The command [default: all]
        command: Option<String>,
    },
}

/// How the site can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum SiteState {
    /// Visitors reach the site, and no window says otherwise
    Open,
    /// Visitors get the maintenance page, as a window says
    Maintenance,
    /// Visitors reach part of the site, as the windows say
    Mixed,
    /// Visitors get the maintenance page although no window covers it
    MaintenanceUnplanned,
    /// Visitors reach the site although a window covers it
    OpenUnplanned,
    /// Visitors meet an error
    Broken,
    /// It is not known
    Unknown,
}

/// What happens at the end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum AtEnd {
    /// Visitors reach the site again
    Reopen,
    /// The site stays in maintenance until `off`
    Hold,
    /// Visitors reach the site again once it answers a tester well
    ReopenIfHealthy,
}

/// The function's word for a state of the site, or for what happens at an end.
#[must_use]
pub fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Who asks, why, and under which key.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "For the reports and the history")]
pub struct Asked {
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who asks
    #[arg(long, env = "MW_REQUESTED_BY", hide_env_values = true, value_name = "TEXT")]
    pub requested_by: Option<String>,
    /// The key under which this is decided once, to go on after an uncertain answer [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub request_id: Option<String>,
}

/// Whether to wait until visitors see it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Waiting")]
pub struct Wait {
    /// Wait until visitors see it, or exit with 3; needs the stack's `ProbeUrl`
    #[arg(long)]
    pub wait: bool,
    /// How long to wait for that
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = patience, requires = "wait")]
    pub wait_timeout: Duration,
}

/// The options of a window.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// The zone of times without one, and of the reports: an IANA name, or `local` for this machine's
    #[arg(long, env = "MW_TIMEZONE", hide_env_values = true, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// A listener rule to cover, as an ARN; may be given several times [default: all rules of the stack]
    #[arg(long = "rule", value_name = "ARN", action = ArgAction::Append)]
    pub rules: Vec<String>,
    /// A sentence for visitors
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Which alarms it mutes.
    #[command(flatten)]
    pub mutes: Mutes,
    /// What happens at the end
    #[arg(long, value_enum)]
    pub at_end: Option<AtEnd>,
}

/// The alarms that a window mutes.
#[derive(Clone, Debug, Default, Args)]
pub struct Mutes {
    /// An alarm to mute besides those that the stack's `MuteAlarms` names; may be given several times
    #[arg(long = "mute-alarm", value_name = "NAME", action = ArgAction::Append, conflicts_with = "mute_none")]
    pub mute_alarms: Vec<String>,
    /// Mute no alarm, not even those of `MuteAlarms`
    #[arg(long)]
    pub mute_none: bool,
}

/// `status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// A window or series [default: all]
    pub id: Option<String>,
    /// Exit with 3 unless the site is in one of these states
    #[arg(long, value_enum, value_name = "STATE", value_delimiter = ',')]
    pub expect: Vec<SiteState>,
}

/// `check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The window's name
    pub id: Option<String>,
    /// When it would start
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// When it would end
    #[arg(long, visible_alias = "end", value_name = "TIME", conflicts_with = "length")]
    pub until: Option<String>,
    /// How long it would last
    #[arg(id = "length", long = "for", visible_alias = "duration", value_name = "DURATION", value_parser = length)]
    pub length: Option<String>,
    /// When it would recur
    #[arg(long, value_name = "EXPRESSION")]
    pub every: Option<String>,
    /// What it would be like.
    #[command(flatten)]
    pub options: Options,
}

/// `book`.
#[derive(Clone, Debug, Args)]
pub struct Book {
    /// The window's name [default: made of its times]
    pub id: Option<String>,
    /// When it starts: 2026-12-06T02:00 with a zone, 2026-12-06T02:00Z, or 02:00 for the next time it is that late
    #[arg(long, value_name = "TIME", required_unless_present = "every")]
    pub start: Option<String>,
    /// When it ends
    #[arg(long, visible_alias = "end", value_name = "TIME", conflicts_with = "length")]
    pub until: Option<String>,
    /// How long it lasts: 45m, 2h30m, PT2H30M
    #[arg(
        id = "length",
        long = "for",
        visible_alias = "duration",
        value_name = "DURATION",
        value_parser = length,
        required_unless_present = "until"
    )]
    pub length: Option<String>,
    /// When it recurs: cron(minutes hours day-of-month month day-of-week year) or rate(value unit)
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "until")]
    pub every: Option<String>,
    /// What it is like.
    #[command(flatten)]
    pub options: Options,
    /// Say what would be done, without doing it
    #[arg(long)]
    pub dry_run: bool,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
}

/// `on`.
#[derive(Clone, Debug, Args)]
pub struct On {
    /// The window's name [default: made of its times]
    pub id: Option<String>,
    /// How long it lasts: 45m, 2h30m, PT2H30M
    #[arg(id = "length", long = "for", visible_alias = "duration", value_name = "DURATION", value_parser = length)]
    pub length: Option<String>,
    /// When it ends
    #[arg(long, visible_alias = "end", value_name = "TIME", conflicts_with = "length")]
    pub until: Option<String>,
    /// What it is like.
    #[command(flatten)]
    pub options: Options,
    /// Say what would be done, without doing it
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
    /// Whether to wait until visitors see it.
    #[command(flatten)]
    pub wait: Wait,
}

/// `off`.
#[derive(Clone, Debug, Args)]
pub struct Off {
    /// The window [default: every active one]
    pub id: Option<String>,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
    /// Whether to wait until visitors see it.
    #[command(flatten)]
    pub wait: Wait,
}

/// `extend`.
#[derive(Clone, Debug, Args)]
pub struct Extend {
    /// How much later it ends, such as 30m
    #[arg(allow_hyphen_values = true)]
    pub by: Option<String>,
    /// The window [default: the only one that has begun]
    pub id: Option<String>,
    /// When it ends instead: 04:00 is read in the window's own zone
    #[arg(long, visible_alias = "end", value_name = "TIME")]
    pub until: Option<String>,
    /// The zone of that time [default: the window's]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
}

/// `reschedule`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("times").required(true).multiple(true).args(["start", "until", "length"]))]
pub struct Reschedule {
    /// The window
    pub id: String,
    /// When it starts
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// When it ends [default: its length stays]
    #[arg(long, visible_alias = "end", value_name = "TIME", conflicts_with = "length")]
    pub until: Option<String>,
    /// How long it lasts
    #[arg(id = "length", long = "for", visible_alias = "duration", value_name = "DURATION", value_parser = length)]
    pub length: Option<String>,
    /// The zone of these times [default: the window's]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
}

/// `cancel`.
#[derive(Clone, Debug, Args)]
pub struct Cancel {
    /// The window or series
    pub id: Option<String>,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
}

/// `skip` and `unskip`.
#[derive(Clone, Debug, Args)]
pub struct Skip {
    /// The series
    pub id: String,
    /// Which start
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// The zone of that time [default: the series']
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
}

/// `pause` and `resume`.
#[derive(Clone, Debug, Args)]
pub struct Series {
    /// The series
    pub id: String,
    /// Who asks, and why.
    #[command(flatten)]
    pub asked: Asked,
}

/// `edit`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("texts").required(true).multiple(true).args(["reason", "message", "mute_alarms", "mute_none"]))]
pub struct Edit {
    /// The window or series
    pub id: String,
    /// The new message for visitors
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// The alarms that it mutes from now on.
    #[command(flatten)]
    pub mutes: Mutes,
    /// Who asks; the reason is the new one.
    #[command(flatten)]
    pub asked: Asked,
}

/// `history`.
#[derive(Clone, Debug, Args)]
pub struct History {
    /// A window or series [default: all]
    pub id: Option<String>,
    /// Only what has ended since
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only what ended before
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// The zone of these times, or `local`
    #[arg(long, env = "MW_TIMEZONE", hide_env_values = true, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// How many, at most 200 [default: 20, of which 5 are shown; 200 with --csv]
    #[arg(long, value_name = "NUMBER")]
    pub limit: Option<u16>,
    /// Print comma-separated values, a line for each, with every decision and report
    #[arg(long)]
    pub csv: bool,
}

/// `watch`.
#[derive(Clone, Debug, Args)]
pub struct Watch {
    /// The window [default: the active one, or else the next]
    pub id: Option<String>,
    /// How often to ask at most; when something is due, sooner
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = patience)]
    pub interval: Duration,
    /// How long to go on without any answer
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = patience)]
    pub give_up_after: Duration,
}

/// Reads a duration as the function does: `45m`, `2h 30m` or `PT2H30M`; a day is 24 hours.
///
/// # Errors
/// A sentence saying what was expected.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    let expected = || "expected a duration such as 45m, 2h30m or PT2H30M".to_owned();
    let span: Span = text.parse().map_err(|_| expected())?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err("expected a duration in weeks, days, hours, minutes or seconds".to_owned());
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| expected())?;
    if duration.as_secs() == 0 { Err("expected a second at least".to_owned()) } else { Ok(duration) }
}

/// A length of time, in ISO 8601.
fn length(text: &str) -> Result<String, String> {
    let duration = duration(text)?;
    if duration.is_negative() {
        Err("expected a duration longer than nothing".to_owned())
    } else {
        Ok(duration.to_string())
    }
}

/// How long to wait for something.
fn patience(text: &str) -> Result<Duration, String> {
    Duration::try_from(duration(text)?).map_err(|_| "expected a duration longer than nothing".to_owned())
}
