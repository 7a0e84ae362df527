//! A random operator against a model of what should be.
//!
//! A number makes a story: people book, edit, extend, skip and end windows, change settings and edit rules, calls fail, runs
//! die, wake-ups are lost, late or doubled. After every step, and once everything works again, what is in the table, on
//! the load balancer, in the answers and in the reports is held against a model that follows the contract alone:
//! intervals over rules, and what was answered.
//!
//! `STORMS=20000` tries more stories, `MODEL_MINUTES=60` as many as there is time for, `FROM=…` others; `SEED=…` plays one
//! again and tells the shortest that still fails.

mod answers;
mod asked;
mod coverage;
mod end;
mod expected;
mod judge;
mod made;
mod operator;
mod owners;
mod reports;
mod steps;
mod swept;
mod time;
mod verdict;

use std::{
    collections::BTreeMap,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use self::{made::made, operator::Operator, steps::Story};

/// The first number, and how many are tried.
const FROM: u64 = 20_261_206;
const STORIES: u64 = 500;
const STACK: usize = 32 * 1024 * 1024;

/// A story that went wrong: how it went up to there, and what was wrong.
struct Failure {
    log: Vec<String>,
    wrong: String,
}

/// Plays a story.
fn play(story: &Story) -> Result<(), Failure> {
    let log = Mutex::new(vec![]);
    let played = catch_unwind(AssertUnwindSafe(|| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let mut operator = Operator::new(story);
            let mut done = Ok(());
            for step in &story.steps {
                done = operator.step(step).await;
                (*log.lock().expect("one thread")).clone_from(&operator.log);
                if done.is_err() {
                    break;
                }
            }
            if done.is_ok() {
                done = operator.end().await;
            }
            *log.lock().expect("one thread") = operator.log;
            done
        })
    }));
    let wrong = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("panicked: {}", text.unwrap_or_default())
        }
    };
    Err(Failure { log: log.into_inner().unwrap_or_default(), wrong })
}

/// The plain words at the beginning of what was wrong: two failures that share them are one kind.
fn kind(wrong: &str) -> String {
    let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b',');
    wrong.split(' ').filter(plain).take(6).collect::<Vec<_>>().join(" ")
}

/// Drops whatever a story does not need to fail in the same way.
fn shrunk(mut story: Story, wrong: &str) -> Story {
    let fails = |story: &Story| play(story).is_err_and(|failure| kind(&failure.wrong) == kind(wrong));
    loop {
        let before = story.steps.iter().map(|step| 1 + step.faults.len()).sum::<usize>();
        for nth in (0..story.steps.len()).rev() {
            let mut less = story.clone();
            less.steps.remove(nth);
            if fails(&less) {
                story = less;
                continue;
            }
            let mut calmer = story.clone();
            (calmer.steps[nth].faults, calmer.steps[nth].conflicts, calmer.steps[nth].stale) = (vec![], 0, false);
            if fails(&calmer) {
                story = calmer;
            }
        }
        if story.latency_ms != 40 {
            let usual = Story { latency_ms: 40, ..story.clone() };
            if fails(&usual) {
                story = usual;
            }
        }
        if story.steps.iter().map(|step| 1 + step.faults.len()).sum::<usize>() == before {
            return story;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to search is said from outside")]
fn number(key: &str) -> Option<u64> {
    std::env::var(key).ok()?.parse().ok()
}

/// How long to search.
enum Limit {
    /// So many stories.
    Stories(u64),
    /// No story is begun later.
    Until(Instant),
}

impl Limit {
    fn told() -> Self {
        match number("MODEL_MINUTES") {
            Some(minutes) => Self::Until(Instant::now() + Duration::from_secs(60 * minutes)),
            None => Self::Stories(number("STORMS").unwrap_or(STORIES)),
        }
    }

    /// The number of the next story, if there is to be one.
    fn allows(&self, next: &AtomicU64, from: u64) -> Option<u64> {
        let is_over = |nth: u64| match self {
            Self::Stories(count) => nth >= *count,
            Self::Until(end) => Instant::now() >= *end,
        };
        let after = |seed: u64| (!is_over(seed - from)).then(|| seed + 1);
        next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).ok()
    }
}

/// Says how much was tried, past the capture of what a passing test prints.
fn tell(what: &str) {
    let _ = writeln!(std::io::stdout(), "{what}");
}

#[test]
fn whatever_an_operator_does_all_is_as_it_should_be() {
    if let Some(seed) = number("SEED") {
        let story = made(seed);
        let Err(failure) = play(&story) else { return };
        let story = shrunk(story, &failure.wrong);
        let failure = play(&story).expect_err("it still fails");
        let told = failure.log.join("\n");
        panic!("seed {seed}, owners {:?}, latency {}:\n{told}\n=> {}", story.owners, story.latency_ms, failure.wrong);
    }
    let limit = Limit::told();
    let from = number("FROM").unwrap_or(FROM);
    let next = AtomicU64::new(from);
    let failures = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            // The function's futures are large in a debug build.
            let thread = std::thread::Builder::new().stack_size(STACK);
            let stories = thread.spawn_scoped(scope, || {
                while let Some(seed) = limit.allows(&next, from) {
                    if let Err(failure) = play(&made(seed)) {
                        // At once, since a long search may be cut short.
                        tell(&format!("SEED={seed}: {}", failure.wrong));
                        failures.lock().expect("no panic").insert(seed, failure.wrong);
                    }
                }
            });
            stories.expect("a thread");
        }
    });
    let failures = failures.into_inner().expect("no panic");
    let count = next.into_inner() - from;
    tell(&format!("random operator: {count} stories from {from} on, {} failed", failures.len()));
    let shown: Vec<String> = failures
        .iter()
        .map(|(seed, wrong)| format!("SEED={seed}: {wrong}"))
        .take(number("SHOW").and_then(|shown| usize::try_from(shown).ok()).unwrap_or(12))
        .collect();
    assert!(failures.is_empty(), "{} failed, among them\n{}", failures.len(), shown.join("\n"));
}
