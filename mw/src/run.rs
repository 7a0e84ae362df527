//! One command, from what was typed to the exit code.

use clap::CommandFactory;

use crate::{
    answer::Answer,
    call::{Function, Lambda, Outcome},
    cli::{Cli, Command, Global, Wait, word},
    event::{Event, decides, event, is_dry_run, status},
    exit::Exit,
    find,
    shell::Prefix,
    show::{self, Screen},
    wait::{self, Waited, Wanted},
    watch,
    world::World,
};

/// Carries out a command.
pub async fn run(cli: Cli, world: World) -> Exit {
    let Cli { global, command } = cli;
    match &command {
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "mw", &mut std::io::stdout());
            return Exit::Done;
        }
        Command::Man { command } => return man(command.as_deref()),
        _ => {}
    }
    let screen = Screen { json: global.json };
    let event = match event(&command, &world.local_zone) {
        Ok(event) => event,
        Err(why) => {
            screen.note("refused", &why);
            return Exit::Refused;
        }
    };
    let prefix = prefix(&global);
    let function = match function(&global).await {
        Ok(function) => function,
        Err((exit, why)) => {
            screen.whole(&not_sent(&why));
            screen.note(if exit == Exit::Refused { "refused" } else { "failed" }, &why);
            return exit;
        }
    };
    let asking = Asking { function, screen, prefix, world };
    match (&command, event) {
        (Command::Watch(asked), _) => {
            watch::watch(&asking.function, asked, &asking.screen, &asking.prefix, world.clock).await
        }
        (_, Some(event)) => asking.send(&command, event).await,
        (_, None) => Exit::Done,
    }
}

/// The man page of all, or of one command.
fn man(command: Option<&str>) -> Exit {
    let mut all = Cli::command();
    all.build();
    let page = match command {
        None => Some(all),
        Some(name) => all.find_subcommand(name).cloned(),
    };
    match page.map(|page| clap_mangen::Man::new(page).render(&mut std::io::stdout())) {
        Some(Ok(())) => Exit::Done,
        Some(Err(_)) => Exit::Uncertain,
        None => {
            Screen { json: false }.note("refused", &format!("there is no command {}", command.unwrap_or_default()));
            Exit::Refused
        }
    }
}

/// How the command was told where the function is.
fn prefix(global: &Global) -> Prefix {
    let given = [("--function", &global.function), ("--profile", &global.profile), ("--region", &global.region)];
    Prefix { flags: given.into_iter().filter_map(|(flag, value)| Some((flag, value.clone()?))).collect() }
}

async fn function(global: &Global) -> Result<Function, (Exit, String)> {
    if global.function.as_deref().is_some_and(str::is_empty) {
        let why = "--function or MW_FUNCTION is empty; name the function, or leave both out for the only one there is";
        return Err((Exit::Refused, why.to_owned()));
    }
    let lambda = Lambda::new(global).await.map_err(|why| (Exit::Refused, why))?;
    let name = if let Some(name) = &global.function {
        name.clone()
    } else {
        let found = find::functions(&lambda.listing).await.map_err(|why| {
            let otherwise = "nothing was sent. --function or MW_FUNCTION names the function without that";
            (Exit::Uncertain, format!("{why}; {otherwise}"))
        })?;
        find::the_only(&found, &lambda.region).map_err(|why| (Exit::Refused, why))?
    };
    Ok(Function { lambda, name, tries: global.tries })
}

/// A key that no other command has.
fn new_key() -> String {
    format!("mw-{:032x}", fastrand::u128(..))
}

/// In the form of the function's own failures.
fn not_sent(why: &str) -> String {
    serde_json::json!({ "errorType": "NotSent", "errorMessage": why }).to_string()
}

struct Asking {
    function: Function,
    screen: Screen,
    prefix: Prefix,
    world: World,
}

impl Asking {
    async fn send(&self, command: &Command, mut event: Event) -> Exit {
        if decides(&event) && !event.contains_key("request_id") {
            event.insert("request_id".to_owned(), new_key().into());
        }
        let waits = match command {
            Command::On(on) => Some((&on.wait, Wanted::Maintenance)),
            Command::Off(off) => Some((&off.wait, Wanted::Application)),
            _ => None,
        }
        .filter(|(wait, _)| wait.wait);
        if let Some((_, Wanted::Maintenance)) = waits
            && let Some(exit) = self.cannot_wait().await
        {
            return exit;
        }
        // What was said of an earlier try is not said again of the last.
        let mut said = String::new();
        let outcome = self
            .function
            .ask(&event, &mut |why| {
                self.screen.note("", why);
                said.push_str(why);
            })
            .await;
        let is_known = |why: &str| !why.is_empty() && said.contains(why);
        let once = |why: &str| if is_known(why) { "the same as above".to_owned() } else { why.to_owned() };
        match outcome {
            Outcome::Answered(text, answer) => {
                self.screen.whole(&text);
                let entries = match command {
                    Command::History(history) => history.limit.map_or(show::ENTRIES, usize::from),
                    _ => show::ENTRIES,
                };
                match &answer.csv {
                    Some(table) => {
                        self.screen.csv(table);
                        // Beside the table, which is to stay one.
                        if answer.more {
                            let told = [answer.message.clone()].into_iter().chain(show::steps(&answer, &self.prefix));
                            told.for_each(|line| self.screen.note("", &line));
                        }
                    }
                    None => self.screen.lines(&show::lines(&answer, &self.prefix, entries)),
                }
                match waits {
                    Some((wait, wanted)) => self.wait(wait, wanted, &answer).await,
                    None => self.exit(command, &event, &answer),
                }
            }
            Outcome::Refused(text, failure) => {
                self.screen.whole(&text);
                self.screen.note("refused", &failure.message);
                if failure.message.contains("`timezone` beside it")
                    && let Some(zone) = (self.world.local_zone)()
                {
                    self.screen
                        .note("", &format!("this machine's zone: --timezone {zone}, or MW_TIMEZONE=local for all"));
                }
                Exit::Refused
            }
            Outcome::Failed(text, failure) => {
                self.screen.whole(&text);
                let kind = if failure.kind.is_empty() { "no reason was given" } else { &failure.kind };
                self.screen.note("failed", &format!("{kind}: {}", once(&failure.message)));
                self.how_to_go_on(&event);
                Exit::Uncertain
            }
            Outcome::Uncertain(why) => {
                let key = event.get("request_id").cloned();
                let told = serde_json::json!({ "errorType": "Uncertain", "errorMessage": why, "request_id": key });
                self.screen.whole(&told.to_string());
                let why = once(&why);
                if decides(&event) && !is_dry_run(&event) {
                    self.screen.note("not certain", &format!("{why}; whether it was decided is not known"));
                } else {
                    self.screen.note("failed", &why);
                }
                self.how_to_go_on(&event);
                Exit::Uncertain
            }
            Outcome::Unsent(why) => {
                self.screen.whole(&not_sent(&why));
                self.screen.note("failed", &format!("{}; nothing was decided", once(&why)));
                Exit::Uncertain
            }
        }
    }

    /// After a failure: how to see what was decided, and how to ask again without deciding anything twice.
    fn how_to_go_on(&self, event: &Event) {
        if !decides(event) || is_dry_run(event) {
            return;
        }
        self.screen.note("", &format!("to see how things stand: {}", self.prefix.with("status")));
        if let Some(command) = self.prefix.command(event) {
            self.screen.note("", &format!("to go on under the same key, which does nothing twice: {command}"));
        }
    }

    /// Why nobody could tell what visitors get, before anything is closed.
    async fn cannot_wait(&self) -> Option<Exit> {
        match self.function.ask(&status(), &mut |why| self.screen.note("", why)).await {
            Outcome::Answered(_, answer) if answer.visitor.is_some() => None,
            Outcome::Answered(..) => {
                let why = "--wait needs the stack's ProbeUrl, and an up-to-date function: nobody looks at the site from outside";
                self.screen.whole(&not_sent(why));
                self.screen.note("refused", &format!("{why}; nothing was decided"));
                Some(Exit::Refused)
            }
            Outcome::Refused(text, failure) | Outcome::Failed(text, failure) => {
                self.screen.whole(&text);
                self.screen.note("failed", &format!("{failure}; nothing was decided"));
                Some(Exit::Uncertain)
            }
            Outcome::Uncertain(why) | Outcome::Unsent(why) => {
                self.screen.whole(&not_sent(&why));
                self.screen.note("failed", &format!("{why}; nothing was decided"));
                Some(Exit::Uncertain)
            }
        }
    }

    async fn wait(&self, wait: &Wait, wanted: Wanted, answer: &Answer) -> Exit {
        match wait::until(&self.function, wanted, answer, wait.wait_timeout).await {
            Waited::Seen(what) => {
                self.screen.note("", &what);
                Exit::Done
            }
            Waited::Unseen(what) => {
                self.screen.note("not as asked", &what);
                Exit::OtherState
            }
            Waited::Unknown(what) => {
                self.screen.note("not certain", &what);
                Exit::Uncertain
            }
        }
    }

    fn exit(&self, command: &Command, event: &Event, answer: &Answer) -> Exit {
        let site = answer.site.as_deref();
        let expected: Vec<String> = match command {
            Command::Status(asked) if !asked.expect.is_empty() => asked.expect.iter().map(word).collect(),
            Command::Check(_) if answer.outcome == "blocked" => return Exit::Refused,
            // What this run has just done is to show.
            _ if is_dry_run(event) => return Exit::Done,
            Command::On(_) | Command::Book(_) if answer.outcome == "started" => words(&["maintenance", "mixed"]),
            // A window that has just ended leaves the site to the others.
            Command::Off(off) if off.id.is_some() => words(&["open", "maintenance", "mixed"]),
            Command::Off(_) => words(&["open"]),
            _ => return Exit::Done,
        };
        match site {
            Some(site) if expected.iter().any(|state| state == site) => Exit::Done,
            None | Some("unknown") => {
                self.screen.note("not certain", "how the site stands is not known");
                Exit::Uncertain
            }
            Some(site) => {
                self.screen.note("not as asked", &format!("the site is {site}, not {}", expected.join(" or ")));
                Exit::OtherState
            }
        }
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}
