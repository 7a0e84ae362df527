//! How windows, series, rules and requests look as items of the table: plain attributes, so that a person can read them
//! in the console.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use super::parts::Item;
pub(super) use super::parts::key;
use super::parts::{absent, changed, done, gone, gone_window, measured, put_new};
use crate::model::{
    after::{After, Measured, WithWindow},
    conditions::Condition,
    id::WindowId,
    published::Published,
    series::Series,
    table::{Narrowed, Notice, Remains, RuleItem, Table, rule_key, series_key, window_key},
    window::{DecisionKind, State, Window},
};

/// What is written beside a window's version: no write of the window touches it.
const BESIDE: [&str; 10] = [
    "told",
    "reports",
    "wakeups",
    "mutes",
    "mutes_version",
    "once_muted",
    "started_at",
    "reopened_at",
    "closed_seen_after_secs",
    "opened_seen_after_secs",
];

/// How long a decision is remembered: longer than Lambda repeats an event, which is six hours at most (AWS Lambda API
/// reference, `MaximumEventAgeInSeconds`).
pub const REQUEST_MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// A write that depends on what was read. The `version` in it is the one that was read; the next one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A window that is not there yet, and whose name is no series' either.
    NewWindow(Window),
    /// A change of a window.
    Window(Window),
    /// A window becomes history, and what is left to do of it stays in the present.
    PastWindow(Window, Timestamp, Option<Box<After>>),
    /// What is known some minutes after a window's end is added to its history, and is no longer left to do.
    Measured(Box<After>, Measured),
    /// A series that is not there yet, and whose name is no window's either.
    NewSeries(Series),
    /// A change of a series.
    Series(Series),
    /// A series becomes history.
    PastSeries(Series, Timestamp),
    /// What is known of a rule; its version is 0 where nothing was.
    Rule(RuleItem),
    /// What visitors and calendars are told; its version is 0 where nothing was.
    Published(Published),
}

impl Write {
    /// What it is about, for a sentence.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::NewWindow(window) | Self::Window(window) | Self::PastWindow(window, ..) => {
                format!("window {}", window.id)
            }
            Self::Measured(after, _) => format!("window {}", after.id),
            Self::NewSeries(series) | Self::Series(series) | Self::PastSeries(series, _) => {
                format!("series {}", series.id)
            }
            Self::Rule(item) => format!("rule {}", item.arn.short()),
            Self::Published(_) => "what visitors are told".to_owned(),
        }
    }
}

/// A decision that a request has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestItem {
    /// Lambda's id of the invocation, or the key that its caller gave.
    pub request: String,
    /// What kind of decision.
    pub action: DecisionKind,
    /// The windows or series it was about.
    pub about: Vec<WindowId>,
    /// When.
    pub at: Timestamp,
}

/// A window or a series that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// A window, and what is known of it some minutes after its end.
    Window(Box<Window>, Measured),
    /// A series.
    Series(Box<Series>, Timestamp),
}

impl Past {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> &WindowId {
        match self {
            Self::Window(window, _) => &window.id,
            Self::Series(series, _) => &series.id,
        }
    }
}

pub(super) fn notice_key(key: &str) -> String {
    format!("notice#{key}")
}

/// The one item of what visitors and calendars were told.
pub const PUBLISHED_KEY: &str = "published#visitors";

/// A moment as keys hold it: to the millisecond, so that they sort.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Reads one item of the present into the table.
///
/// # Errors
/// The item's id, and why it is not readable, in a sentence.
pub fn read_now(item: &Item, now: Timestamp, table: &mut Table) -> Result<(), (String, String)> {
    let id = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
    let unreadable =
        |error: &str, fix: &str| (id.clone(), format!("item {id} of the table is not readable: {error}; {fix}"));
    let plainly = |error: serde_dynamo::Error| unreadable(&error.to_string(), "fix or delete it");
    // No write of an item with another key than its own would ever succeed, and it may stand for an item that is there.
    let fits = |own: &str| {
        let error = || format!("its key says {id}, but what is in it belongs to {own}");
        if own == id { Ok(()) } else { Err(unreadable(&error(), "fix or delete it")) }
    };
    match id.split_once('#').map_or("", |(kind, _)| kind) {
        "window" => {
            let window: Window = read(item).map_err(plainly)?;
            fits(&window_key(&window.id))?;
            table.windows.push(window);
        }
        "series" => {
            let series: Series = read(item).map_err(plainly)?;
            fits(&series_key(&series.id))?;
            table.series.push(series);
        }
        "rule" => {
            let rule: RuleItem = match read(item) {
                Ok(rule) => rule,
                Err(error) => {
                    table.remains.insert(id.clone(), remains(item));
                    // What is wrong with it may be a header's value in the wrong place: that is quoted to nobody. What
                    // is left of it tells that the rule is closed, and what its owner wrote.
                    let fix = "fix it, or delete it once the rule is as its owner wants it";
                    return Err(unreadable(&unquoted(&error.to_string()), fix));
                }
            };
            if let Err(problem) = fits(&rule_key(&rule.arn)) {
                // What is in it may be another rule's.
                table.remains.insert(id.clone(), Remains::default());
                return Err(problem);
            }
            table.rules.insert(rule.arn.clone(), rule);
        }
        "after" => {
            let after = read_after(item).map_err(plainly)?;
            fits(&after_key(&after))?;
            table.after.push(after);
        }
        "notice" if !has_expired(item, now) => {
            let notice: Notice = read(item).map_err(plainly)?;
            fits(&notice_key(&notice.key))?;
            table.notices.push(notice);
        }
        "published" => {
            fits(PUBLISHED_KEY)?;
            table.published = Some(read(item).map_err(plainly)?);
        }
        // Of another version, or expired: none of this one's business.
        _ => {}
    }
    Ok(())
}

/// What can be read of a rule's item that is not as it was written, attribute by attribute.
fn remains(item: &Item) -> Remains {
    fn read<T: for<'de> Deserialize<'de>>(item: &Item, name: &str) -> Option<T> {
        serde_dynamo::from_attribute_value(item.get(name)?.clone()).ok()
    }
    let mark: Option<String> = read(item, "mark");
    // Of an item that another version wrote it is missing, and then there was none.
    let former: Option<Option<Narrowed>> = if item.contains_key("former") { read(item, "former") } else { Some(None) };
    Remains {
        // A rule without conditions cannot exist.
        owner: read(item, "owner").filter(|owner: &Vec<Condition>| !owner.is_empty()),
        all_marks: mark.is_some() && former.is_some(),
        marks: mark.into_iter().chain(former.flatten().map(|former| former.mark)).collect(),
        header: read(item, "header"),
    }
}

fn read_after(item: &Item) -> Result<After, serde_dynamo::Error> {
    let is_earlier = item.get("window").is_some_and(AttributeValue::is_m);
    if is_earlier { read::<WithWindow>(item).map(After::from) } else { read(item) }
}

/// A text without what stands between its first and its last quotation mark, of either kind that Rust's libraries use.
fn unquoted(text: &str) -> String {
    const MARKS: [char; 2] = ['"', '`'];
    match (text.find(MARKS), text.rfind(MARKS)) {
        (Some(first), Some(last)) if first < last => format!("{}…{}", &text[..=first], &text[last..]),
        _ => text.to_owned(),
    }
}

/// Reads a request's item; none if it has expired or is not readable.
#[must_use]
pub fn read_request(item: &Item, now: Timestamp) -> Option<RequestItem> {
    if has_expired(item, now) { None } else { read(item).ok() }
}

/// Reads an item of the past; none if it has expired or is not readable.
#[must_use]
pub fn read_past(item: &Item, now: Timestamp) -> Option<Past> {
    if has_expired(item, now) {
        return None;
    }
    if item.contains_key("window") {
        return read(item).ok().map(|window| Past::Window(Box::new(window), read_measured(item)));
    }
    let ended: Timestamp = item.get("ended_at")?.as_s().ok()?.parse().ok()?;
    read(item).ok().map(|series| Past::Series(Box::new(series), ended))
}

fn read_measured(item: &Item) -> Measured {
    let turned_away = item.get("turned_away").and_then(|count| count.as_n().ok()?.parse().ok());
    let names = item.get("in_alarm").and_then(|names| names.as_l().ok());
    let in_alarm = names.into_iter().flatten().filter_map(|name| name.as_s().ok().cloned()).collect();
    Measured { turned_away, in_alarm }
}

fn has_expired(item: &Item, now: Timestamp) -> bool {
    let expires = item.get("expires").and_then(|expires| expires.as_n().ok()).and_then(|text| text.parse().ok());
    expires.is_some_and(|expires: i64| expires < now.as_second())
}

fn read<T: for<'de> Deserialize<'de>>(item: &Item) -> Result<T, serde_dynamo::Error> {
    serde_dynamo::from_item(item.clone())
}

/// A notice as an item.
///
/// # Errors
/// Why it cannot be one, in a sentence.
pub fn notice(notice: &Notice, expires: Timestamp) -> Result<Item, String> {
    let mut item = whole("now", &notice_key(&notice.key), notice)?;
    item.insert("expires".to_owned(), seconds(expires));
    Ok(item)
}

/// The parts of a transaction; the request's own item, if there is one, comes first.
///
/// # Errors
/// Why one of them cannot be an item, in a sentence.
pub fn transaction(
    table: &str,
    history_days: i64,
    request: Option<&RequestItem>,
    writes: &[Write],
) -> Result<Vec<TransactWriteItem>, String> {
    let mut parts = vec![];
    if let Some(request) = request {
        let mut item = whole("request", &request.request, request)?;
        item.insert("expires".to_owned(), seconds(request.at + REQUEST_MEMORY));
        // What has expired counts as gone, though it may still be there for days.
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#id) OR #expires < :now")
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":now", seconds(request.at));
        parts.push(TransactWriteItem::builder().put(put.build().map_err(|error| error.to_string())?).build());
    }
    for write in writes {
        match write {
            Write::NewWindow(window) => {
                parts.push(put_new(table, without(whole("now", &window_key(&window.id), window)?, &BESIDE))?);
                parts.push(absent(table, &series_key(&window.id))?);
            }
            Write::NewSeries(series) => {
                parts.push(put_new(table, whole("now", &series_key(&series.id), series)?)?);
                parts.push(absent(table, &window_key(&series.id))?);
            }
            Write::Window(window) => {
                let next = Window { version: window.version.saturating_add(1), ..window.clone() };
                let item = without(whole("now", &window_key(&window.id), &next)?, &BESIDE);
                parts.push(changed(table, item, &window.uid, window.version)?);
            }
            Write::Series(series) => {
                let next = Series { version: series.version.saturating_add(1), ..series.clone() };
                let item = whole("now", &series_key(&series.id), &next)?;
                parts.push(changed(table, item, &series.uid, series.version)?);
            }
            Write::PastWindow(window, at, left) => {
                parts.push(gone_window(table, &window_key(&window.id), window)?);
                let past = Window { state: State::Over, version: window.version.saturating_add(1), ..window.clone() };
                parts.push(put_new(table, past_item(&past, &past.id, &past.uid, *at, history_days)?)?);
                if let Some(left) = left {
                    parts.push(put_new(table, after(left)?)?);
                }
            }
            Write::Measured(after, known) => {
                parts.push(done(table, &after_key(after))?);
                parts.push(measured(table, &past_key_of(after), known)?);
            }
            Write::PastSeries(series, at) => {
                parts.push(gone(table, &series_key(&series.id), &series.uid, series.version)?);
                parts.push(put_new(table, past_item(series, &series.id, &series.uid, *at, history_days)?)?);
            }
            Write::Rule(item) => {
                let next = RuleItem { version: item.version.saturating_add(1), ..item.clone() };
                parts.push(versioned(table, whole("now", &rule_key(&item.arn), &next)?, item.version)?);
            }
            Write::Published(read) => {
                let next = Published { version: read.version.saturating_add(1), ..read.clone() };
                parts.push(versioned(table, whole("now", PUBLISHED_KEY, &next)?, read.version)?);
            }
        }
    }
    Ok(parts)
}

fn past_item<T: Serialize>(
    what: &T,
    id: &WindowId,
    uid: &str,
    at: Timestamp,
    history_days: i64,
) -> Result<Item, String> {
    let mut item = whole("past", &past_key(id, uid, at), what)?;
    let kept = SignedDuration::from_hours(24 * history_days);
    item.insert("ended_at".to_owned(), AttributeValue::S(at.to_string()));
    item.insert("expires".to_owned(), seconds(at.checked_add(kept).unwrap_or(Timestamp::MAX)));
    Ok(item)
}

fn past_key(id: &WindowId, uid: &str, at: Timestamp) -> String {
    format!("{}#{id}#{uid}", moment(at))
}

/// The key of a window's history, of which something is left to do.
pub(super) fn past_key_of(after: &After) -> String {
    past_key(&after.id, &after.uid, after.ended)
}

/// The first key that is behind all those of what is left to do; before the others of the present.
pub(super) const BEHIND_AFTER: &str = "after$";

/// The key of what is left to do of a window.
pub(super) fn after_key(after: &After) -> String {
    format!("after#{}#{}", after.id, after.uid)
}

/// What is left to do of a window as an item.
pub(super) fn after(after: &After) -> Result<Item, String> {
    whole("now", &after_key(after), after)
}

/// An item as it is to be, on condition of the version that was read, or of there being none.
fn versioned(table: &str, item: Item, read: u64) -> Result<TransactWriteItem, String> {
    let put = Put::builder().table_name(table).set_item(Some(item));
    let put = if read == 0 {
        put.condition_expression("attribute_not_exists(#id)").expression_attribute_names("#id", "id")
    } else {
        put.condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", AttributeValue::N(read.to_string()))
    };
    Ok(TransactWriteItem::builder().put(put.build().map_err(|error| error.to_string())?).build())
}

fn whole<T: Serialize>(scope: &str, id: &str, what: &T) -> Result<Item, String> {
    let mut item: Item = serde_dynamo::to_item(what).map_err(|error| error.to_string())?;
    item.extend(key(scope, id));
    Ok(item)
}

fn without(mut item: Item, names: &[&str]) -> Item {
    item.retain(|name, _| !names.contains(&name.as_str()));
    item
}

fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Update};

    use super::*;
    use crate::model::{
        conditions::tests::every_kind,
        mute::Mute,
        published::{Announcement, Content, PageNotice, Standing},
        series::tests::series,
        table::{Drift, Edit},
        window::{
            AtEnd, Covered, Decision, Ending, Outcome,
            tests::{active, at, rule, window},
        },
    };

    fn decision() -> Decision {
        Decision {
            at: at("00:00:00.5"),
            action: DecisionKind::Book,
            requested_by: Some("ada".to_owned()),
            reason: None,
            start: Some(at("02:00:00")),
            end: None,
        }
    }

    /// A window with everything that one can have.
    fn full() -> Window {
        let text = |text: &str| Some(text.to_owned());
        Window {
            rules: Covered::Some(vec![rule("one"), rule("two")]),
            timezone: text("Europe/Berlin"),
            reason: text("new disks"),
            requested_by: text("ada"),
            message: text("Back soon. ✓"),
            at_end: AtEnd::ReopenIfHealthy,
            series: Some("nightly".parse().expect("an id")),
            occurrence: Some(at("02:00:00")),
            notes: vec!["the clocks change".to_owned()],
            ending: Some(Ending { at: at("03:00:00"), outcome: Outcome::Completed }),
            decisions: vec![decision(), Decision { end: Some(at("04:00:00")), ..decision() }],
            reports: ["2026-12-06T02:00:02Z started".to_owned()].into(),
            reopened_at: Some(at("03:00:01")),
            closed_seen_after_secs: Some(9),
            opened_seen_after_secs: Some(11),
            ..active()
        }
    }

    fn item() -> RuleItem {
        RuleItem {
            arn: rule("one"),
            version: 7,
            owner: every_kind(),
            header: "X-Bypass".to_owned(),
            mark: "0123456789".to_owned(),
            rest: every_kind(),
            former: Some(Narrowed { mark: "9876543210".to_owned(), rest: every_kind() }),
            saved_at: at("02:00:00"),
            windows: vec!["aaaaa".to_owned(), "bbbbb".to_owned()],
            drift: Some(Drift { at: at("03:00:00"), after: 6, edit: Edit::Edited, answered: true }),
            owner_before: every_kind(),
        }
    }

    fn published() -> Published {
        let announcement = Announcement {
            uid: "u".to_owned(),
            standing: Standing::Cancelled,
            start: at("02:00:00"),
            end: None,
            message: "Back soon. ✓".to_owned(),
            sequence: 9,
            changed_at: at("01:00:00"),
        };
        Published {
            version: 7,
            bucket: "error-pages".to_owned(),
            content: Content {
                notice: Some(PageNotice { end: Some(at("04:00:00")), message: None }),
                announced: Some(vec![announcement]),
            },
            is_settled: true,
            until: at("01:00:20"),
            problem: Some("S3 answered 403".to_owned()),
        }
    }

    fn request() -> RequestItem {
        RequestItem {
            request: "8f5c".to_owned(),
            action: DecisionKind::Off,
            about: vec!["deploy".parse().expect("an id"), "other".parse().expect("an id")],
            at: at("03:00:00"),
        }
    }

    fn parts(request: Option<&RequestItem>, write: Write) -> Vec<TransactWriteItem> {
        let parts = transaction("maintenance", 400, request, &[write]).expect("a transaction");
        for part in &parts {
            let tables = [
                part.put().map(Put::table_name),
                part.update().map(Update::table_name),
                part.delete().map(Delete::table_name),
                part.condition_check().map(ConditionCheck::table_name),
            ];
            assert_eq!(tables.into_iter().flatten().collect::<Vec<_>>(), ["maintenance"], "one call, to the table");
        }
        parts
    }

    /// A condition with its placeholders filled in.
    fn filled(
        text: Option<&str>,
        names: Option<&HashMap<String, String>>,
        values: Option<&HashMap<String, AttributeValue>>,
    ) -> String {
        let mut text = text.unwrap_or_default().to_owned();
        for (placeholder, name) in names.into_iter().flatten() {
            text = text.replace(&format!("{placeholder} "), &format!("{name} "));
            text = text.replace(&format!("{placeholder})"), &format!("{name})"));
        }
        for (placeholder, value) in values.into_iter().flatten() {
            let value = value.as_s().or(value.as_n()).cloned().unwrap_or_default();
            text = text.replace(&format!("{placeholder} AND"), &format!("{value} AND"));
            text = text.strip_suffix(placeholder).map_or(text.clone(), |start| format!("{start}{value}"));
        }
        text
    }

    fn put(part: &TransactWriteItem) -> (&Item, String) {
        let put = part.put().expect("a put");
        let (names, values) = (put.expression_attribute_names(), put.expression_attribute_values());
        (put.item(), filled(put.condition_expression(), names, values))
    }

    /// An update: the item as it leaves one of which only the key was there, and its condition.
    fn updated(part: &TransactWriteItem) -> (Item, String) {
        let update = part.update().expect("an update");
        let names = update.expression_attribute_names().expect("names");
        let values = update.expression_attribute_values().expect("values");
        let mut item = update.key().clone();
        let assignments = update.update_expression().strip_prefix("SET ").expect("an assignment");
        assert!(item.len() == 2 && item.keys().all(|key| key == "scope" || key == "id"), "{item:?}");
        for assignment in assignments.split(", ") {
            let (name, value) = assignment.split_once(" = ").expect("an assignment");
            let before = item.insert(names[name].clone(), values[value].clone());
            assert_eq!(before, None, "DynamoDB takes no change of a key, and each attribute once");
        }
        (item, filled(update.condition_expression(), Some(names), Some(values)))
    }

    fn now(items: &[&Item]) -> Table {
        let mut table = Table::default();
        for item in items {
            read_now(item, at("05:00:00"), &mut table).expect("readable");
        }
        table
    }

    /// An item without what is written beside a window's version.
    fn plain(window: Window) -> Window {
        Window {
            told: [].into(),
            reports: [].into(),
            wakeups: None,
            mutes: vec![],
            mutes_version: 0,
            once_muted: [].into(),
            started_at: None,
            reopened_at: None,
            closed_seen_after_secs: None,
            opened_seen_after_secs: None,
            ..window
        }
    }

    fn text(item: &Item, name: &str) -> String {
        item[name].as_s().expect("a text").clone()
    }

    const ABSENT: &str = "attribute_not_exists(id)";

    #[test]
    fn a_window_is_read_back_as_it_was_written_and_what_is_beside_it_is_never_written() {
        for window in [window(), full(), Window { end: None, ..window() }] {
            let booked = parts(None, Write::NewWindow(window.clone()));
            let (item, condition) = put(&booked[0]);
            assert_eq!((now(&[item]).windows, condition.as_str()), (vec![plain(window.clone())], ABSENT));
            let changed = parts(None, Write::Window(window.clone()));
            let (next, condition) = updated(&changed[0]);
            assert_eq!(now(&[&next]).windows, [plain(Window { version: 4, ..window })]);
            assert_eq!((changed.len(), condition.as_str()), (1, "uid = aaaaa AND version = 3"));
            for item in [item, &next] {
                assert_eq!((text(item, "scope"), text(item, "id")), ("now".to_owned(), "window#deploy".to_owned()));
                assert!(BESIDE.iter().all(|beside| !item.contains_key(*beside)), "{item:?}");
            }
        }
    }

    #[test]
    fn what_was_written_beside_a_window_is_read_with_it() {
        let window = full();
        let booked = parts(None, Write::NewWindow(window.clone()));
        let mut item = put(&booked[0]).0.clone();
        let mut beside = |name: &str, value| item.insert(name.to_owned(), value);
        beside("told", AttributeValue::Ss(window.told.iter().cloned().collect()));
        beside("reports", AttributeValue::Ss(window.reports.iter().cloned().collect()));
        beside("closed_seen_after_secs", AttributeValue::N("9".to_owned()));
        beside("opened_seen_after_secs", AttributeValue::N("11".to_owned()));
        beside("wakeups", AttributeValue::S(window.wakeups.clone().expect("wake-ups")));
        beside("started_at", AttributeValue::S("2026-12-06T02:00:01Z".to_owned()));
        beside("reopened_at", AttributeValue::S("2026-12-06T03:00:01Z".to_owned()));
        beside("of a later version", AttributeValue::Bool(true));
        assert_eq!(now(&[&item]).windows, [window]);
    }

    #[test]
    fn every_word_of_a_window_is_read_back() {
        for state in [State::Booked, State::Active, State::Held, State::Ending, State::Over] {
            for at_end in [AtEnd::Reopen, AtEnd::Hold, AtEnd::ReopenIfHealthy] {
                for outcome in [Outcome::Completed, Outcome::Cancelled, Outcome::Missed] {
                    let ending = Some(Ending { at: at("03:00:00"), outcome });
                    let window = Window { state, at_end, ending, ..plain(window()) };
                    let parts = parts(None, Write::NewWindow(window.clone()));
                    assert_eq!(now(&[put(&parts[0]).0]).windows, [window]);
                }
            }
        }
    }

    #[test]
    fn a_series_is_read_back_as_it_was_written() {
        let full = Series {
            rules: Covered::Some(vec![rule("one")]),
            reason: Some("new disks".to_owned()),
            requested_by: Some("ada".to_owned()),
            message: Some("Back soon.".to_owned()),
            paused: true,
            skipped: vec![at("02:00:00")],
            booked_until: Some(at("03:00:00")),
            decisions: vec![decision()],
            every: "rate(7 days)".parse().expect("an expression"),
            ..series()
        };
        for series in [series(), full] {
            let booked = parts(None, Write::NewSeries(series.clone()));
            let (item, condition) = put(&booked[0]);
            assert_eq!((&now(&[item]).series, condition.as_str()), (&vec![series.clone()], ABSENT));
            assert_eq!(text(item, "id"), "series#nightly");
            let changed = parts(None, Write::Series(series.clone()));
            let (next, condition) = updated(&changed[0]);
            assert_eq!(now(&[&next]).series, [Series { version: 5, ..series }]);
            assert_eq!((changed.len(), condition.as_str()), (1, "uid = sssss AND version = 4"));
        }
    }

    #[test]
    fn a_window_and_a_series_never_share_a_name() {
        for (write, other) in
            [(Write::NewWindow(window()), "series#deploy"), (Write::NewSeries(series()), "window#nightly")]
        {
            let parts = parts(None, write);
            let check = parts[1].condition_check().expect("a check");
            assert_eq!((parts.len(), check.key()), (2, &key("now", other)));
            assert_eq!(filled(Some(check.condition_expression()), check.expression_attribute_names(), None), ABSENT);
        }
    }

    #[test]
    fn what_is_known_of_a_rule_is_read_back_with_conditions_of_every_kind() {
        for (read, condition) in [
            (item(), "version = 7"),
            (RuleItem { version: 0, drift: None, rest: vec![], former: None, ..item() }, ABSENT),
            (
                RuleItem {
                    drift: Some(Drift { at: at("03:00:00"), after: 6, edit: Edit::Opened, answered: false }),
                    ..item()
                },
                "version = 7",
            ),
        ] {
            let parts = parts(None, Write::Rule(read.clone()));
            let (item, found) = put(&parts[0]);
            let next = RuleItem { version: read.version + 1, ..read };
            assert_eq!(now(&[item]).rules, [(rule("one"), next)].into());
            assert_eq!((parts.len(), found.as_str(), text(item, "id").as_str()), (1, condition, "rule#listener/one"));
        }
    }

    #[test]
    fn what_visitors_were_told_is_read_back_and_written_on_condition_of_what_was_read() {
        for (read, condition) in [
            (published(), "version = 7"),
            (Published { version: 0, content: Content::default(), ..published() }, ABSENT),
        ] {
            let parts = parts(None, Write::Published(read.clone()));
            let (item, found) = put(&parts[0]);
            assert_eq!(now(&[item]).published, Some(Published { version: read.version + 1, ..read }));
            assert_eq!((parts.len(), found.as_str(), text(item, "id").as_str()), (1, condition, PUBLISHED_KEY));
        }
    }

    #[test]
    fn a_request_comes_first_and_is_read_back() {
        let request = request();
        let parts = parts(Some(&request), Write::Window(window()));
        let (item, condition) = put(&parts[0]);
        let condition_is = format!("{ABSENT} OR expires < {}", at("03:00:00").as_second());
        assert_eq!((read_request(item, at("03:00:00")), condition), (Some(request.clone()), condition_is));
        assert_eq!((text(item, "scope"), text(item, "id")), ("request".to_owned(), "8f5c".to_owned()));
        let next_day: Timestamp = "2026-12-07T03:00:00Z".parse().expect("a time");
        assert_eq!((&item["expires"], parts.len()), (&seconds(next_day), 2));
        assert_eq!(read_request(item, next_day), Some(request));
        assert_eq!(
            read_request(item, next_day + SignedDuration::from_secs(1)),
            None,
            "it has expired and counts as gone, though it is there"
        );
        assert!(parts[1].update().is_some());
        let alone = transaction("maintenance", 400, Some(&self::request()), &[]).expect("a transaction");
        assert_eq!(alone.len(), 1, "a decision that changes nothing is remembered too");
        assert_eq!(read_request(&key("request", "8f5c"), at("03:00:00")), None);
    }

    #[test]
    fn a_window_that_is_over_leaves_the_present_for_the_past_whole() {
        let parts = parts(None, Write::PastWindow(full(), at("03:00:02.25"), None));
        let delete = parts[0].delete().expect("a delete");
        assert_eq!(delete.key(), &key("now", "window#deploy"));
        let (names, values) = (delete.expression_attribute_names(), delete.expression_attribute_values());
        assert_eq!(
            filled(delete.condition_expression(), names, values),
            "uid = aaaaa AND version = 3 AND attribute_not_exists(mutes_version)",
            "nor has anybody made a mute rule for it since"
        );
        let (item, condition) = put(&parts[1]);
        assert_eq!((parts.len(), condition.as_str()), (2, ABSENT));
        assert_eq!(text(item, "scope"), "past");
        assert_eq!(text(item, "id"), "2026-12-06T03:00:02.250Z#deploy#aaaaa");
        let past = read_past(item, at("05:00:00")).expect("readable");
        assert_eq!(past.id().as_str(), "deploy");
        assert_eq!(
            past,
            Past::Window(Box::new(Window { state: State::Over, version: 4, ..full() }), Measured::default())
        );
    }

    #[test]
    fn a_window_leaves_the_present_only_as_often_as_was_written_of_its_mute_rules() {
        let mutes = vec![mute()];
        let parts = parts(None, Write::PastWindow(Window { mutes, mutes_version: 4, ..full() }, at("03:00:00"), None));
        let delete = parts[0].delete().expect("a delete");
        let (names, values) = (delete.expression_attribute_names(), delete.expression_attribute_values());
        let condition = filled(delete.condition_expression(), names, values);
        assert_eq!(condition, "uid = aaaaa AND version = 3 AND mutes_version = 4", "whatever the list looks like");
    }

    fn mute() -> Mute {
        let (from, until, since) = (at("02:00:00"), at("05:00:00"), at("00:00:00"));
        Mute { number: 1, from, until, alarms: vec!["5xx".to_owned()], since, made: true, problem: None }
    }

    #[test]
    fn what_is_left_of_a_window_is_read_as_this_version_and_earlier_ones_wrote_it() {
        let window = Window { mutes: vec![mute()], ..full() };
        let left = After::of(&window, at("03:00:01"), at("03:00:02")).expect("something");
        let parts = parts(None, Write::PastWindow(window.clone(), at("03:00:01"), Some(Box::new(left.clone()))));
        let (item, condition) = put(&parts[2]);
        assert_eq!((&now(&[item]).after, condition.as_str()), (&vec![left.clone()], ABSENT));
        assert_eq!(text(item, "id"), "after#deploy#aaaaa");
        let mut earlier = item.clone();
        earlier.insert("window".to_owned(), AttributeValue::M(serde_dynamo::to_item(&window).expect("an item")));
        earlier.remove("uid");
        earlier.insert("problem".to_owned(), AttributeValue::Null(true));
        assert_eq!(now(&[&earlier]).after, [left]);
    }

    #[test]
    fn what_is_left_of_windows_comes_before_all_else_of_the_present() {
        assert!("after#x#aaaaa" < BEHIND_AFTER);
        for kind in ["notice#x", PUBLISHED_KEY, "rule#x", "series#x", "window#x"] {
            assert!(kind >= BEHIND_AFTER, "{kind}");
        }
    }

    #[test]
    fn a_series_that_is_over_leaves_the_present_for_the_past_whole() {
        let parts = parts(None, Write::PastSeries(series(), at("03:00:00")));
        let delete = parts[0].delete().expect("a delete");
        assert_eq!((parts.len(), delete.key()), (2, &key("now", "series#nightly")));
        let (names, values) = (delete.expression_attribute_names(), delete.expression_attribute_values());
        assert_eq!(filled(delete.condition_expression(), names, values), "uid = sssss AND version = 4");
        let (item, condition) = put(&parts[1]);
        assert_eq!((text(item, "id").as_str(), condition.as_str()), ("2026-12-06T03:00:00.000Z#nightly#sssss", ABSENT));
        let past = read_past(item, at("05:00:00")).expect("readable");
        assert_eq!((past.id().as_str(), &past), ("nightly", &Past::Series(Box::new(series()), at("03:00:00"))));
    }

    #[test]
    fn history_that_has_expired_counts_as_gone_though_it_is_there() {
        let kept = |days| {
            let write = [Write::PastWindow(full(), at("03:00:00"), None)];
            let parts = transaction("maintenance", days, None, &write).expect("a transaction");
            put(&parts[1]).0.clone()
        };
        let day = SignedDuration::from_hours(24);
        let read = |item: &Item, moment: Timestamp| read_past(item, moment).is_some();
        let second = SignedDuration::from_secs(1);
        assert!(read(&kept(400), at("03:00:00") + day * 400));
        assert!(!read(&kept(400), at("03:00:00") + day * 400 + second));
        assert!(read(&kept(1), at("03:00:00") + day));
        assert!(!read(&kept(1), at("03:00:00") + day + second));
        assert!(read(&kept(100_000_000), Timestamp::MAX - second), "the calendar's end is soon enough");
        let mut unread = kept(400);
        unread.remove("uid");
        assert!(!read(&unread, at("05:00:00")), "what is not readable is left out");
        assert!(!read(&key("past", "something else"), at("05:00:00")));
    }

    #[test]
    fn a_notice_that_has_expired_counts_as_gone_though_it_is_there() {
        for told in [false, true] {
            let noted = Notice { key: "orphan-one".to_owned(), found_at: at("01:00:00"), told };
            let item = notice(&noted, at("05:00:00")).expect("an item");
            assert_eq!((text(&item, "scope").as_str(), text(&item, "id").as_str()), ("now", "notice#orphan-one"));
            assert_eq!(now(&[&item]).notices, std::slice::from_ref(&noted));
            let expired = notice(&noted, at("04:59:59")).expect("an item");
            assert_eq!(now(&[&expired]).notices, []);
        }
    }

    #[test]
    fn an_item_that_is_not_readable_is_named_and_one_of_another_kind_is_let_be() {
        for kind in ["window", "series", "rule", "notice", "published"] {
            let id = format!("{kind}#x");
            let mut table = Table::default();
            let (item, problem) = read_now(&key("now", &id), at("05:00:00"), &mut table).expect_err("not readable");
            assert!(problem.starts_with(&format!("item {id} of the table is not readable: ")), "{problem}");
            assert_eq!(item, id);
            let remains = (kind == "rule").then(|| (id, Remains::default())).into_iter().collect();
            assert_eq!(table, Table { remains, ..Table::default() });
        }
        for id in ["something#x", "window", ""] {
            assert_eq!(now(&[&key("now", id)]), Table::default());
        }
        assert_eq!(now(&[&Item::new()]), Table::default());
    }

    #[test]
    fn what_is_wrong_with_a_rules_item_is_told_without_the_values_of_its_headers() {
        let written = parts(None, Write::Rule(self::item()));
        let mut item = put(&written[0]).0.clone();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let lock = [("field", text("http-header")), ("name", text("X-Lock")), ("values", text("lock \"of\" theirs"))];
        let lock = AttributeValue::M(lock.map(|(name, value)| (name.to_owned(), value)).into());
        item.insert("owner".to_owned(), AttributeValue::L(vec![lock]));
        let (_, problem) = read_now(&item, at("05:00:00"), &mut Table::default()).expect_err("not readable");
        let told = "item rule#listener/one of the table is not readable: invalid type: string \"…\", expected a sequence; \
                    fix it, or delete it once the rule is as its owner wants it";
        assert_eq!(problem, told);
        assert_eq!(unquoted("unknown variant `lock`, expected `opened` or `edited`"), "unknown variant `…`");
        assert_eq!(unquoted("missing field"), "missing field");
    }

    #[test]
    fn what_can_be_read_of_a_rules_item_is_kept_whatever_else_is_wrong_with_it() {
        let written = parts(None, Write::Rule(self::item()));
        let sound = put(&written[0]).0.clone();
        let left = |wrong: &[&str]| {
            let mut item = sound.clone();
            item.extend(wrong.iter().map(|name| ((*name).to_owned(), AttributeValue::N("7".to_owned()))));
            let mut table = Table::default();
            read_now(&item, at("05:00:00"), &mut table).expect_err("not readable");
            table.remains_of(&rule("one")).expect("remains").clone()
        };
        let all = Remains {
            owner: Some(every_kind()),
            marks: vec!["0123456789".to_owned(), "9876543210".to_owned()],
            all_marks: true,
            header: Some("X-Bypass".to_owned()),
        };
        for other in ["arn", "saved_at", "windows", "rest", "drift", "owner_before"] {
            assert_eq!(left(&[other]), all, "{other}");
        }
        assert_eq!(left(&["owner"]), Remains { owner: None, ..all.clone() });
        assert_eq!(left(&["header"]), Remains { header: None, ..all.clone() });
        let former = Remains { marks: all.marks[1..].to_vec(), all_marks: false, ..all.clone() };
        assert_eq!(left(&["mark"]), former);
        let present = Remains { marks: all.marks[..1].to_vec(), all_marks: false, ..all };
        assert_eq!(left(&["former"]), present);
        assert_eq!(left(&["owner", "mark", "former", "header"]), Remains::default());
        let mut old = sound.clone();
        old.remove("former");
        old.remove("arn");
        assert!(remains(&old).all_marks, "where none was written there was none");
        let mut empty = sound;
        empty.insert("owner".to_owned(), AttributeValue::L(vec![]));
        assert_eq!(remains(&empty).owner, None, "a rule without conditions cannot exist");
    }

    #[test]
    fn several_writes_are_one_transaction_in_their_order() {
        let writes = [Write::Rule(item()), Write::Window(window()), Write::Series(series())];
        let parts = transaction("maintenance", 400, None, &writes).expect("a transaction");
        let kinds = parts.iter().map(|part| (part.put().is_some(), part.update().is_some()));
        assert_eq!(kinds.collect::<Vec<_>>(), [(true, false), (false, true), (false, true)]);
    }

    #[test]
    fn a_write_says_what_it_is_about() {
        for (write, subject) in [
            (Write::NewWindow(window()), "window deploy"),
            (Write::Window(window()), "window deploy"),
            (Write::PastWindow(window(), at("03:00:00"), None), "window deploy"),
            (Write::NewSeries(series()), "series nightly"),
            (Write::Series(series()), "series nightly"),
            (Write::PastSeries(series(), at("03:00:00")), "series nightly"),
            (Write::Rule(item()), "rule web/one"),
            (Write::Published(published()), "what visitors are told"),
        ] {
            assert_eq!(write.subject(), subject);
        }
    }

    #[test]
    fn moments_sort_as_texts_as_they_do_as_moments() {
        let moments =
            ["02:59:59.999", "03:00:00", "03:00:00.001", "03:00:00.25", "03:00:01"].map(|text| moment(at(text)));
        assert!(moments.is_sorted(), "{moments:?}");
        assert!(moments.iter().all(|moment| moment.len() == moments[0].len()));
    }

    #[test]
    fn a_person_sees_plain_attributes_in_the_console() {
        let window = full();
        let written = parts(None, Write::PastWindow(window, at("03:00:00"), None));
        let (item, _) = put(&written[1]);
        for (name, seen) in [
            ("window", "deploy"),
            ("state", "ended"),
            ("start", "2026-12-06T02:00:00Z"),
            ("end", "2026-12-06T04:00:00Z"),
            ("at_end", "reopen_if_healthy"),
            ("reason", "new disks"),
            ("requested_by", "ada"),
            ("ended_at", "2026-12-06T03:00:00Z"),
        ] {
            assert_eq!(text(item, name), seen, "{name}");
        }
        assert_eq!(item["version"], AttributeValue::N("4".to_owned()));
        let arns = [rule("one"), rule("two")].map(|rule| AttributeValue::S(rule.to_string()));
        assert_eq!(item["rules"], AttributeValue::L(arns.to_vec()));
        let ending = item["ending"].as_m().expect("a map");
        assert_eq!(text(ending, "outcome"), "completed");
        let decided = item["decisions"].as_l().expect("a list")[0].as_m().expect("a map");
        assert_eq!((text(decided, "action").as_str(), &decided["end"]), ("book", &AttributeValue::Null(true)));
        let written = parts(None, Write::NewWindow(self::window()));
        assert_eq!(text(put(&written[0]).0, "rules"), "all");
        let written = parts(None, Write::Rule(self::item()));
        let owner = put(&written[0]).0["owner"].as_l().expect("a list")[2].as_m().expect("a map");
        assert_eq!((text(owner, "field").as_str(), text(owner, "name").as_str()), ("http-header", "X-Lock"));
        let written = parts(None, Write::NewSeries(series()));
        let (item, _) = put(&written[0]);
        assert_eq!((text(item, "series").as_str(), text(item, "every").as_str()), ("nightly", "cron(0 2 * * ? *)"));
        assert_eq!(text(item, "duration"), "PT1H");
    }
}
