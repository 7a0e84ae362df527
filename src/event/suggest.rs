//! What somebody may have meant by a word that is not known. Pure.

/// The longest word that is compared, in characters: nobody mistypes a text.
const LONGEST: usize = 60;

/// The most words that are suggested.
const MOST: usize = 3;

/// The shortest beginning by which a word is known again, in characters.
const PART: usize = 4;

/// Words that people use elsewhere for an action.
pub(super) const ACTION_WORDS: [(&str, &str); 29] = [
    ("add", "book"),
    ("create", "book"),
    ("plan", "book"),
    ("schedule", "book"),
    ("begin", "on"),
    ("close", "on"),
    ("enable", "on"),
    ("start", "on"),
    ("disable", "off"),
    ("end", "off"),
    ("finish", "off"),
    ("open", "off"),
    ("stop", "off"),
    ("lengthen", "extend"),
    ("prolong", "extend"),
    ("shorten", "extend"),
    ("move", "reschedule"),
    ("delete", "cancel"),
    ("drop", "cancel"),
    ("remove", "cancel"),
    ("get", "status"),
    ("info", "status"),
    ("list", "status"),
    ("show", "status"),
    ("doctor", "check"),
    ("test", "check"),
    ("validate", "check"),
    ("log", "history"),
    ("usage", "help"),
];

/// Words that people use elsewhere for a field.
pub(super) const FIELD_WORDS: [(&str, &str); 37] = [
    ("at", "start"),
    ("begin", "start"),
    ("begins", "start"),
    ("from", "start"),
    ("stop", "end"),
    ("till", "end"),
    ("to", "end"),
    ("until", "end"),
    ("after", "since"),
    ("from", "since"),
    ("before", "until"),
    ("end", "until"),
    ("till", "until"),
    ("to", "until"),
    ("for", "duration"),
    ("hours", "duration"),
    ("length", "duration"),
    ("minutes", "duration"),
    ("duration", "by"),
    ("cron", "every"),
    ("rate", "every"),
    ("schedule", "every"),
    ("name", "id"),
    ("window", "id"),
    ("window_id", "id"),
    ("tz", "timezone"),
    ("zone", "timezone"),
    ("rule_arns", "rules"),
    ("booked_by", "requested_by"),
    ("user", "requested_by"),
    ("who", "requested_by"),
    ("comment", "reason"),
    ("description", "reason"),
    ("why", "reason"),
    ("text", "message"),
    ("key", "request_id"),
    ("count", "limit"),
];

/// Asks whether one of the known words was meant, if one looks like it: `did you mean end?`
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    did_you_mean_or(word, known, &[])
}

/// The same, where `others` are words that mean a known one.
pub(super) fn did_you_mean_or<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    others: &[(&str, &str)],
) -> Option<String> {
    match like(word, &known.into_iter().collect::<Vec<_>>(), others).as_slice() {
        [] => None,
        [only] => Some(format!("did you mean {only}?")),
        [first @ .., last] => Some(format!("did you mean {} or {last}?", first.join(", "))),
    }
}

/// The known words that look most like this one: those that differ in the fewest letters, and in a third of them at
/// most; or those that it is the beginning of, or that are its beginning.
fn like<'a>(word: &str, known: &[&'a str], others: &[(&str, &str)]) -> Vec<&'a str> {
    let word = word.trim().to_lowercase();
    let length = word.chars().count();
    if !(1..=LONGEST).contains(&length) {
        return vec![];
    }
    let is_other = |known: &&str| others.iter().any(|(other, meant)| *other == word && meant == known);
    if let Some(meant) = known.iter().find(|known| is_other(known)) {
        return vec![*meant];
    }
    let distance = |known: &str| strsim::osa_distance(&word, &known.to_lowercase());
    let near: Vec<(usize, &str)> = known
        .iter()
        .map(|known| (distance(known), *known))
        .filter(|(edits, _)| *edits <= (length / 3).max(1) && *edits < length)
        .collect();
    let fewest = near.iter().map(|(edits, _)| *edits).min();
    let is_part = |known: &&&str| {
        let known = known.to_lowercase();
        let (short, long) = if known.len() < word.len() { (&known, &word) } else { (&word, &known) };
        short.chars().count() >= PART && long.starts_with(short.as_str())
    };
    match fewest {
        Some(fewest) => {
            near.into_iter().filter(|(edits, _)| *edits == fewest).map(|(_, known)| known).take(MOST).collect()
        }
        None => known.iter().filter(is_part).copied().take(MOST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(word: &str) -> String {
        did_you_mean_or(word, super::super::ACTIONS, &ACTION_WORDS).unwrap_or_default()
    }

    #[test]
    fn a_word_is_known_again_by_its_letters_its_beginning_or_its_meaning() {
        for (word, question) in [
            ("stauts", "did you mean status?"),
            ("Status", "did you mean status?"),
            (" STATUS ", "did you mean status?"),
            ("reshedule", "did you mean reschedule?"),
            ("of", "did you mean on or off?"),
            ("extending", "did you mean extend?"),
            ("resched", "did you mean reschedule?"),
            ("delete", "did you mean cancel?"),
            ("end", "did you mean off?"),
        ] {
            assert_eq!(asked(word), question, "{word}");
        }
    }

    #[test]
    fn nothing_is_suggested_for_what_looks_like_nothing_known() {
        for word in ["", " ", "x", "destroy", "zzzzzz", "statistics of the year", &"status".repeat(20)] {
            assert_eq!(asked(word), "", "{word}");
        }
        assert_eq!(did_you_mean("x", ["w"]), None, "all of it differs");
        assert_eq!(did_you_mean("anything", []), None);
    }

    #[test]
    fn all_that_are_equally_near_are_named_up_to_three() {
        let known = ["db-move-1", "db-move-2", "db-move-4", "db-move-5", "other"];
        assert_eq!(
            did_you_mean("db-move-3", known).as_deref(),
            Some("did you mean db-move-1, db-move-2 or db-move-4?")
        );
        assert_eq!(did_you_mean("db-mvoe-5", known).as_deref(), Some("did you mean db-move-5?"));
        let window = ["sunday-patching-20261206T0200Z"];
        assert_eq!(
            did_you_mean("sunday-patching", window).as_deref(),
            Some("did you mean sunday-patching-20261206T0200Z?")
        );
    }

    #[test]
    fn every_other_word_means_a_known_one() {
        assert!(ACTION_WORDS.iter().all(|(_, meant)| super::super::ACTIONS.contains(meant)));
        assert!(FIELD_WORDS.iter().all(|(_, meant)| super::super::fields::FIELDS.contains(meant)));
    }
}
