//! Waiting until visitors see a change, as the function's probe sees it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    answer::{Answer, Visitor},
    call::Function,
    event::status,
};

/// How long between two questions.
const PAUSE: Duration = Duration::from_secs(5);

/// What visitors are to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The maintenance page.
    Maintenance,
    /// The application.
    Application,
}

/// What came of waiting, to continue a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Visitors see it.
    Seen(String),
    /// They do not, and nothing is left to wait for.
    Unseen(String),
    /// Nobody can tell.
    Unknown(String),
}

impl Wanted {
    /// The words for it, to continue "visitors get …".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Maintenance => "the maintenance page",
            Self::Application => "the site",
        }
    }

    fn is_met(self, visitor: &Visitor) -> bool {
        visitor.met
            == match self {
                Self::Maintenance => "maintenance",
                Self::Application => "application",
            }
    }

    /// Why it will not be, although visitors may not see yet how the site stands.
    fn is_ruled_out(self, answer: &Answer) -> Option<&'static str> {
        match (self, answer.site.as_deref()) {
            (Self::Maintenance, Some("open")) => Some("no window covers the site any more"),
            (Self::Application, Some("maintenance")) => Some("a window still covers the site"),
            (Self::Application, Some("mixed")) => Some("a window still covers part of the site"),
            _ => None,
        }
    }
}

/// Asks until visitors see it, or it is certain that they do not, or the time is up. `first` is what the change itself was
/// answered with.
pub async fn until(function: &Function, wanted: Wanted, first: &Answer, patience: Duration) -> Waited {
    let deadline = Instant::now() + patience;
    if let Some(visitor) = first.visitor.as_ref().filter(|visitor| wanted.is_met(visitor)) {
        let after = visitor.after_secs.map(|secs| format!(", {secs}s after the change")).unwrap_or_default();
        return Waited::Seen(format!("visitors get {} ({}{after})", wanted.words(), visitor.got));
    }
    loop {
        let last = match function.ask_once(&status()).await.answer() {
            Ok((_, answer)) => {
                if let Some(why) = wanted.is_ruled_out(&answer) {
                    return Waited::Unseen(format!("visitors do not get {}: {why}", wanted.words()));
                }
                match &answer.visitor {
                    None => {
                        return Waited::Unknown(
                            "what visitors get is not known: the stack has no ProbeUrl to look at".to_owned(),
                        );
                    }
                    Some(visitor) if wanted.is_met(visitor) => {
                        return Waited::Seen(format!("visitors get {} ({})", wanted.words(), visitor.got));
                    }
                    Some(visitor) => Ok(visitor.got.clone()),
                }
            }
            Err(why) => Err(why),
        };
        if Instant::now() + PAUSE > deadline {
            return match last {
                Ok(got) => Waited::Unseen(format!(
                    "visitors do not get {} after {}s: a visitor got {got} just now",
                    wanted.words(),
                    patience.as_secs()
                )),
                Err(why) => Waited::Unknown(format!("what visitors get is not known: {why}")),
            };
        }
        sleep(PAUSE).await;
    }
}
