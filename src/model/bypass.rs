//! The bypass header, whose values are secrets: nothing prints them.

use std::fmt;

/// The bypass header: its name, and the secret values of which any one lets a tester through.
///
/// A second value keeps an old secret working while testers move to a new one.
#[derive(Clone, PartialEq, Eq)]
pub struct Bypass {
    /// The header's name.
    pub name: String,
    values: Vec<String>,
}

impl Bypass {
    /// Takes a name and values that have been checked.
    #[must_use]
    pub fn new(name: &str, values: &[&str]) -> Self {
        Self { name: name.to_owned(), values: values.iter().map(ToString::to_string).collect() }
    }

    /// How many values the header's condition takes.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// The secrets themselves: for a rule's condition, a tester's request and the scrubbing of AWS's messages only.
    #[must_use]
    pub fn values_in_clear(&self) -> Vec<String> {
        self.values.clone()
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bypass({}: {} secret values)", self.name, self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_values_are_handed_out_on_demand_and_never_printed() {
        let bypass = Bypass::new("X-Bypass", &["old-secret", "new-secret"]);
        assert_eq!(format!("{bypass:?}"), "Bypass(X-Bypass: 2 secret values)");
        assert_eq!(
            (bypass.value_count(), bypass.values_in_clear()),
            (2, vec!["old-secret".into(), "new-secret".into()])
        );
    }
}
