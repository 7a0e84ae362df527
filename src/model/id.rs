//! The name of a window or a series, and digests that stand for what they were made from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::time::quoted;

/// A name of 1 to 40 of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WindowId(String);

impl WindowId {
    /// A name that is the same whenever the same parts are given, so that an event sent twice means one window.
    #[must_use]
    pub fn derived<'a>(label: &str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(format!("{label}-{}", digest(parts)))
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Ten hexadecimal digits that stand for the parts, the same in every build.
#[must_use]
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    hex(&hashed(parts)[..5])
}

/// Thirty-two hexadecimal digits that stand for the parts, too many for anyone to find the parts by trying.
#[must_use]
pub fn long_digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    hex(&hashed(parts)[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Five characters that tell two windows of one name apart; there are sixty million such texts.
#[must_use]
pub fn uid<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut number = hashed(parts).first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    let mut text = String::new();
    for _ in 0..5 {
        text.push(char::from(DIGITS[usize::try_from(number % 36).unwrap_or_default()]));
        number /= 36;
    }
    text
}

fn hashed<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}

impl FromStr for WindowId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fine = (1..=40).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("expected 1 to 40 of A-Z a-z 0-9 . _ -, but found {}", quoted(text)))
        }
    }
}

impl TryFrom<String> for WindowId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<WindowId> for String {
    fn from(id: WindowId) -> Self {
        id.0
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_name_depends_on_every_part_and_on_where_parts_end() {
        let id = |parts: &[&str]| WindowId::derived("20261206T0200Z", parts.iter().copied());
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["ab", ""]));
        assert_eq!(id(&["a", "b"]).as_str(), "20261206T0200Z-8fb20ef63c");
    }

    #[test]
    fn names_keep_to_what_a_schedule_name_can_hold() {
        for bad in ["", "a b", "ü", "a/b", &"x".repeat(41)] {
            assert!(bad.parse::<WindowId>().is_err(), "{bad}");
        }
        let id: WindowId = "Deploy_4.2-rc1".parse().expect("an id");
        assert_eq!(String::from(id), "Deploy_4.2-rc1");
    }

    #[test]
    fn a_uid_is_five_characters_and_depends_on_every_part() {
        assert_eq!(uid(["a", "b"]).len(), 5);
        assert_eq!(uid(["a", "b"]), uid(["a", "b"]));
        assert_ne!(uid(["a", "b"]), uid(["a", "c"]));
        assert!(uid(["x"]).bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    }
}
