//! Reads a page as strictly as nothing else does, so that whatever is not meant as markup is found.

use std::collections::BTreeMap;

/// A page taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Each opening tag with the names of its attributes, in their order: what no text may change.
    pub(crate) skeleton: Vec<String>,
    /// What stands between tags, and in attributes, as a browser reads it.
    pub(crate) texts: Vec<String>,
    /// Every attribute by element and name.
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
}

impl Page {
    /// The texts, a line each.
    pub(crate) fn text(&self) -> String {
        self.texts.join("\n")
    }
}

const VOID: [&str; 2] = ["input", "br"];

/// Reads a page.
///
/// # Panics
/// If it is not well-formed: an element that is not closed, a sign that is not escaped, an attribute without quotes.
#[track_caller]
pub(crate) fn read(html: &str) -> Page {
    let mut page = Page::default();
    let mut open: Vec<String> = vec![];
    let mut rest = html;
    while !rest.is_empty() {
        let (text, tag) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if open.last().is_some_and(|name| name == "style") {
            assert!(tag.starts_with("</style>"), "a style sheet ends with itself");
        } else if !text.trim().is_empty() {
            page.texts.push(unescaped(text));
        }
        if tag.is_empty() {
            break;
        }
        let end = tag.find('>').unwrap_or_else(|| panic!("a tag has no end: {tag}"));
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "elements are closed in their order");
            continue;
        }
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        assert!(
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "<{inside}>"
        );
        page.skeleton.push(name.to_owned());
        read_attributes(name, attributes, &mut page);
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    page
}

#[track_caller]
fn read_attributes(element: &str, mut rest: &str, page: &mut Page) {
    let mut seen = vec![];
    while !rest.is_empty() {
        let at = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = &rest[..at];
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{rest}");
        assert!(!seen.contains(&name), "{element} has {name} twice");
        seen.push(name);
        page.skeleton.push(format!("  {name}"));
        rest = &rest[at..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let end = quoted.find('"').unwrap_or_else(|| panic!("a value has no end: {quoted}"));
            value = unescaped(&quoted[..end]);
            rest = &quoted[end + 1..];
        }
        page.attributes.entry(format!("{element} {name}")).or_default().push(value);
        rest = rest.strip_prefix(' ').unwrap_or_else(|| {
            assert!(rest.is_empty(), "attributes are apart: {rest}");
            rest
        });
    }
}

#[track_caller]
fn unescaped(text: &str) -> String {
    assert!(!text.contains(['<', '>', '"']), "not escaped: {text}");
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|entity| text[at..].starts_with(entity));
        assert!(known, "not escaped: {}", &text[at..]);
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
