//! How the text of each setting is read: the value, or what was expected and what was found, in a sentence.

use jiff::SignedDuration;

use crate::model::time;

/// The table's name.
pub(super) fn table(text: &str) -> Result<String, String> {
    let fine = (3..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let expected = || format!("expected a DynamoDB table's name, 3 to 255 of A-Z a-z 0-9 . _ -, but found {text:?}");
    fine.then(|| text.to_owned()).ok_or_else(expected)
}

/// For how many days something is kept.
pub(super) fn days(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(days @ 1..=36_500) => Ok(days),
        _ => Err(format!("expected a number of days from 1 to 36500, but found {text:?}")),
    }
}

/// The name of the bypass header.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let fine = (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match (fine, text.eq_ignore_ascii_case("host")) {
        (true, false) => Ok(text.to_owned()),
        (_, true) => Err("expected a header name of your own, but found Host, which a rule cannot match".to_owned()),
        (false, _) => Err(format!("expected 1 to 40 of A-Z a-z 0-9 -, but found {text:?}")),
    }
}

/// The bypass header's values: one, or the new and the old one.
pub(super) fn header_values(text: &str) -> Result<Vec<String>, String> {
    let values: Vec<String> = text.split(',').map(|value| value.trim().to_owned()).collect();
    let fine = |value: &String| {
        (16..=128).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // The text is a secret: a problem may count and describe it, never quote it.
    if values.len() > 2 {
        return Err(format!("expected one secret, or two separated by a comma, but found {}", values.len()));
    }
    match values.iter().position(|value| !fine(value)) {
        None => Ok(values),
        Some(nth) => Err(format!(
            "expected 16 to 128 of A-Z a-z 0-9 _ - (the load balancer reads * and ? as wildcards), but found {} \
             character{}{} in secret {}; make one with `openssl rand -hex 24`",
            values[nth].len(),
            if values[nth].len() == 1 { "" } else { "s" },
            if (16..=128).contains(&values[nth].len()) { ", some of them others," } else { "" },
            nth + 1
        )),
    }
}

/// The ARN of something of this service.
pub(super) fn arn(text: &str, service: &str, what: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, found, _, _, resource]
            if partition.starts_with("aws") && *found == service && !resource.is_empty() =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!("expected the ARN of {what} (arn:aws:{service}:…), but found {text:?}")),
    }
}

/// The name of a schedule group.
pub(super) fn group(text: &str) -> Result<String, String> {
    let fine = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match (fine, text == "default") {
        (true, false) => Ok(text.to_owned()),
        (_, true) => Err("expected a schedule group of its own, but found default, which others use too".to_owned()),
        (false, _) => Err(format!("expected 1 to 64 of A-Z a-z 0-9 . _ -, but found {text:?}")),
    }
}

/// An address of the site.
pub(super) fn url(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text.to_owned()),
        _ => Err(format!("expected a URL such as https://www.example.com/, but found {text:?}")),
    }
}

/// A bucket's name.
pub(super) fn bucket(text: &str) -> Result<String, String> {
    let fine = (3..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    let expected = || format!("expected an S3 bucket's name, 3 to 63 of a-z 0-9 . -, but found {text:?}");
    fine.then(|| text.to_owned()).ok_or_else(expected)
}

/// Several lengths of time, longest first, once each.
pub(super) fn durations(text: &str) -> Result<Vec<SignedDuration>, String> {
    let mut all = text.split(',').map(|part| time::duration(part.trim())).collect::<Result<Vec<_>, _>>()?;
    all.sort();
    all.dedup();
    all.reverse();
    Ok(all)
}
