//! Texts that somebody else wrote, made fit for a terminal.
//!
//! Reasons, names and AWS's messages may hold anything: a control character moves the cursor or changes the title of the
//! window, and a mark of direction shows a text in another order than it has.

use std::fmt::Write as _;

/// Whether a character could do something else than be shown.
fn acts(sign: char) -> bool {
    sign.is_control()
        || matches!(
            sign,
            // Marks of direction, blanks of no width, ends of lines and paragraphs, and the mark of byte order.
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
                // Interlinear marks and tags, which show nothing.
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// One line in which every sign is shown: ends of lines become blanks, and what would act is written as `\u{1b}`.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\n' | '\t' => shown.push(' '),
            '\r' => {}
            sign if acts(sign) => shown.extend(sign.escape_unicode()),
            sign => shown.push(sign),
        }
    }
    shown
}

/// JSON that means the same and holds nothing that acts.
#[must_use]
pub fn clean_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        // Between values these are blanks; inside of texts JSON does not allow them.
        if matches!(sign, '\n' | '\t') || !acts(sign) {
            shown.push(sign);
        } else if sign != '\r' {
            let mut units = [0; 2];
            for unit in sign.encode_utf16(&mut units) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown
}

/// Comma-separated values in which only the ends of lines act.
#[must_use]
pub fn clean_csv(table: &str) -> String {
    let mut shown = String::with_capacity(table.len());
    for sign in table.chars() {
        match sign {
            '\r' | '\n' => shown.push(sign),
            sign if acts(sign) => shown.extend(sign.escape_unicode()),
            sign => shown.push(sign),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\x1b[2Jb\x07\u{9b}31m\u{202e}c\u{200b}\x7f\u{e0041}\r\nd";

    #[test]
    fn nothing_that_acts_reaches_the_terminal() {
        let shown = clean(HOSTILE);
        assert!(!shown.chars().any(acts), "{shown:?}");
        assert_eq!(shown, r"a\u{1b}[2Jb\u{7}\u{9b}31m\u{202e}c\u{200b}\u{7f}\u{e0041} d");
    }

    #[test]
    fn a_table_keeps_its_lines_and_nothing_else_that_acts() {
        assert_eq!(clean_csv("a,\"b\nc\"\r\n\x1b[2J\u{202e}d\r\n"), "a,\"b\nc\"\r\n\\u{1b}[2J\\u{202e}d\r\n");
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in ["Moving the database", "Größe, 会社, العربية, עברית, 🚧", "it's \"quoted\" and \\ escaped"]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({ "reason": HOSTILE, "id": "a" });
        for written in [value.to_string(), serde_json::to_string_pretty(&value).expect("JSON")] {
            let shown = clean_json(&written);
            assert!(!shown.chars().any(|sign| sign != '\n' && acts(sign)), "{shown:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
        }
    }
}
