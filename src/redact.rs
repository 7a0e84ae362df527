//! What others say, made fit to be read: without the secrets they may quote, and no longer than a person reads.
//!
//! Pure. Whatever AWS or the site says passes through here on its way to a log, report or answer.

/// The text with every secret replaced in any spelling, since hosts are case-folded and the load balancer ignores case.
#[must_use]
pub fn scrubbed(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    // What quotes one in quotation marks escapes some of its characters.
    let escaped = |secret: &String| {
        let quoted = format!("{secret:?}");
        quoted[1..quoted.len() - 1].to_owned()
    };
    let mut secrets: Vec<String> = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .flat_map(|secret| [secret.clone(), escaped(secret)])
        .map(|secret| secret.to_ascii_lowercase())
        .collect();
    // The longest first: one may hold another, and nothing of it may stay.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    for secret in secrets {
        let mut kept = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.to_ascii_lowercase().find(&secret) {
            kept.push_str(&rest[..at]);
            kept.push_str("[secret]");
            rest = &rest[at + secret.len()..];
        }
        kept.push_str(rest);
        text = kept;
    }
    text
}

/// The text scrubbed, and cut after 400 characters.
#[must_use]
pub fn readable(text: &str, secrets: &[String]) -> String {
    const LONGEST: usize = 400;
    let mut text = scrubbed(text, secrets);
    if let Some((at, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(at);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_secret_never_leaves_however_it_is_spelt() {
        let secrets = ["Tester-Secret-1".to_owned(), String::new()];
        assert_eq!(scrubbed("'tester-secret-1', 'TESTER-SECRET-1'", &secrets), "'[secret]', '[secret]'");
        assert_eq!(scrubbed("nothing of it", &secrets), "nothing of it");
        let longer = ["lock", "lock-0815", "0815"].map(str::to_owned);
        assert_eq!(scrubbed("lock-0815 and lock", &longer), "[secret] and [secret]");
        let marked = [r#"a"b\c"#.to_owned()];
        assert_eq!(
            scrubbed(&format!("{0} {0:?} {1}", marked[0], serde_json::json!(marked)), &marked),
            r#"[secret] "[secret]" ["[secret]"]"#
        );
    }

    #[test]
    fn a_secret_at_the_cut_leaves_no_part_of_itself() {
        let text = format!("{}{}", "é".repeat(395), "tester-secret-1");
        assert_eq!(readable(&text, &["tester-secret-1".to_owned()]), format!("{}[secr…", "é".repeat(395)));
        assert_eq!(readable(&"é".repeat(400), &[]).chars().count(), 400);
    }
}
