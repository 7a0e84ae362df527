//! Characters of a text that look like others, cannot be seen, or turn others around.

use super::listed::listed;

/// How many are named: a text in another script holds nothing else.
const NAMED_MAX: usize = 5;

/// What is taken for a hyphen, a blank or nothing at all, named much as Unicode names it.
const LOOK_ALIKES: [(char, &str); 23] = [
    ('\t', "tab"),
    ('\n', "line feed"),
    ('\r', "carriage return"),
    ('\u{a0}', "no-break space"),
    ('\u{ad}', "soft hyphen"),
    ('\u{2002}', "en space"),
    ('\u{2003}', "em space"),
    ('\u{2007}', "figure space"),
    ('\u{2009}', "thin space"),
    ('\u{200a}', "hair space"),
    ('\u{200b}', "zero width space"),
    ('\u{200c}', "zero width non-joiner"),
    ('\u{200d}', "zero width joiner"),
    ('\u{2010}', "hyphen"),
    ('\u{2011}', "non-breaking hyphen"),
    ('\u{2012}', "figure dash"),
    ('\u{2013}', "en dash"),
    ('\u{2014}', "em dash"),
    ('\u{2015}', "horizontal bar"),
    ('\u{202f}', "small no-break space"),
    ('\u{2060}', "word joiner"),
    ('\u{2212}', "minus sign"),
    ('\u{feff}', "byte order mark"),
];

/// Each character that is not printable ASCII, once: its code point, its name where it looks like another, and where it
/// first stands, counted from 1.
#[must_use]
pub fn named(text: &str) -> Option<String> {
    let mut seen: Vec<char> = vec![];
    let mut named: Vec<String> = vec![];
    for (place, character) in (1..).zip(text.chars()) {
        if matches!(character, ' '..='~') || seen.contains(&character) {
            continue;
        }
        if seen.len() == NAMED_MAX {
            named.push("others".to_owned());
            break;
        }
        seen.push(character);
        let known = LOOK_ALIKES.iter().find(|(look_alike, _)| *look_alike == character);
        let name = known.map(|(_, name)| format!(" ({name})")).unwrap_or_default();
        named.push(format!("U+{:04X}{name} as character {place}", u32::from(character)));
    }
    (!named.is_empty()).then(|| listed(&named))
}

/// Whether a character controls how others are shown, so that a line of them would not read as it was written: control
/// characters, other ends of a line, and what turns text around until it is ended (Unicode Standard Annex 9, sections 2.1
/// to 2.5). The marks of its section 2.6 are none: they turn nothing around, and Arabic and Hebrew need them.
#[must_use]
pub fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether nothing is to be seen of a character.
#[must_use]
pub fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{ad}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_character_is_named_with_its_place_and_once() {
        assert_eq!(named("2026-12-06T02:00Z"), None);
        assert_eq!(
            named("2026\u{2011}12\u{2011}06\u{a0}02:00Z").as_deref(),
            Some("U+2011 (non-breaking hyphen) as character 5 and U+00A0 (no-break space) as character 11")
        );
        assert_eq!(named("\u{e9}").as_deref(), Some("U+00E9 as character 1"));
        let many = named("абвгде").expect("odd");
        assert!(many.ends_with("U+0434 as character 5 and others"), "{many}");
    }
}
