//! Items of the table: what the function wrote, and what people make of that in the console.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};
use maintenance_window::{
    aws::items::{self, Past, RequestItem, Write},
    event::ACTIONS,
    model::{
        after::{After, Measured},
        conditions::{Condition, QueryPair},
        id::WindowId,
        published::{Announcement, Content, PageNotice, Published, Standing},
        rule_arn::RuleArn,
        series::Series,
        table::{Drift, Edit, Narrowed, Notice, RuleItem, Table},
        window::{AtEnd, Covered, Decision, DecisionKind, Ending, Outcome, State, Window},
    },
};
use proptest::{
    collection::{btree_set, vec},
    option,
    prelude::*,
    sample::{Index, select},
};
use serde_json::json;

use super::{calendars::any_moment, now, properties};
use crate::world::{ORIGIN_LOCK, World, rule_arn};

type Item = HashMap<String, AttributeValue>;

fn any_id() -> impl Strategy<Value = WindowId> {
    "[A-Za-z0-9._-]{1,40}".prop_map(|id| id.parse().expect("an id"))
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    option::of(".{0,30}")
}

fn any_alarms() -> impl Strategy<Value = Option<Vec<String>>> {
    option::of(vec(".{1,20}", 0..3))
}

fn any_rule() -> impl Strategy<Value = RuleArn> {
    (0_usize..30).prop_map(|nth| rule_arn(nth).parse().expect("an ARN"))
}

fn any_covered() -> impl Strategy<Value = Covered> {
    prop_oneof![Just(Covered::ALL), vec(any_rule(), 1..4).prop_map(Covered::Some)]
}

fn any_at_end() -> impl Strategy<Value = AtEnd> {
    select(vec![AtEnd::Reopen, AtEnd::Hold, AtEnd::ReopenIfHealthy])
}

/// Every action that decides is a kind of decision.
fn any_kind() -> impl Strategy<Value = DecisionKind> {
    let kinds = ACTIONS.into_iter().filter_map(|action| serde_json::from_value(json!(action)).ok());
    select(kinds.collect::<Vec<_>>())
}

fn any_decision() -> impl Strategy<Value = Decision> {
    let times = (any_moment(), option::of(any_moment()), option::of(any_moment()));
    (times, any_kind(), any_text(), any_text()).prop_map(|((at, start, end), action, requested_by, reason)| Decision {
        at,
        action,
        requested_by,
        reason,
        start,
        end,
    })
}

fn any_ending() -> impl Strategy<Value = Ending> {
    let outcome = select(vec![Outcome::Completed, Outcome::Cancelled, Outcome::Missed]);
    (any_moment(), outcome).prop_map(|(at, outcome)| Ending { at, outcome })
}

fn any_version() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..9, 1 => any::<u64>()]
}

fn any_window() -> impl Strategy<Value = Window> {
    let name = (any_id(), "[a-z0-9]{5}", any_version(), any::<u32>());
    let state = select(vec![State::Booked, State::Active, State::Held, State::Ending, State::Over]);
    let times = (any_moment(), option::of(any_moment()), any_moment(), any_moment(), option::of(any_moment()));
    let texts = (any_text(), any_text(), any_text(), any_text(), vec(".{0,20}", 0..3));
    let of_series = (option::of(any_id()), option::of(any_moment()), any_alarms());
    let ending = option::of(any_ending());
    let decisions = vec(any_decision(), 0..4);
    (name, state, times, texts, of_series, (ending, decisions, any_covered(), any_at_end())).prop_map(
        |(name, state, times, texts, of_series, (ending, decisions, rules, at_end))| {
            let (id, uid, version, revision) = name;
            let (start, end, booked_at, times_set_at, activated_at) = times;
            let (timezone, reason, requested_by, message, notes) = texts;
            let (series, occurrence, mute_alarms) = of_series;
            Window {
                id,
                uid,
                version,
                revision,
                state,
                start,
                end,
                rules,
                timezone,
                reason,
                requested_by,
                message,
                mute_alarms,
                at_end,
                series,
                occurrence,
                notes,
                booked_at,
                times_set_at,
                activated_at,
                ending,
                decisions,
                told: BTreeSet::new(),
                reports: BTreeSet::new(),
                wakeups: None,
                mutes: vec![],
                mutes_version: 0,
                once_muted: BTreeSet::new(),
                started_at: None,
                reopened_at: None,
                closed_seen_after_secs: None,
                opened_seen_after_secs: None,
            }
        },
    )
}

fn any_series() -> impl Strategy<Value = Series> {
    let name = (any_id(), "[a-z0-9]{5}", any_version());
    let every = select(vec!["cron(0 2 ? * SUN *)", "rate(7 days)", "cron(59 23 L 12 ? 2199)", "rate(1 minute)"]);
    let zone = select(vec!["UTC", "Europe/London", "Mars/Base"]);
    let times = (any_moment(), any_moment(), option::of(any_moment()), vec(any_moment(), 0..4));
    let texts = (any_text(), any_text(), any_text(), any_alarms());
    let rest = (any_covered(), any_at_end(), any::<bool>(), vec(any_decision(), 0..4));
    (name, every, zone, 60..10_000_000_i64, times, texts, rest).prop_map(
        |(name, every, zone, seconds, times, texts, rest)| {
            let (id, uid, version) = name;
            let (anchor, booked_at, booked_until, skipped) = times;
            let (reason, requested_by, message, mute_alarms) = texts;
            let (rules, at_end, paused, decisions) = rest;
            Series {
                id,
                uid,
                version,
                every: every.parse().expect("an expression"),
                duration: SignedDuration::from_secs(seconds),
                timezone: zone.to_owned(),
                anchor,
                rules,
                reason,
                requested_by,
                message,
                mute_alarms,
                at_end,
                paused,
                skipped,
                booked_until,
                booked_at,
                decisions,
            }
        },
    )
}

fn any_conditions() -> impl Strategy<Value = Vec<Condition>> {
    let values = || vec(prop_oneof![".{0,12}", Just(ORIGIN_LOCK.to_owned())], 0..4);
    let pair = (option::of(".{0,8}"), ".{0,8}").prop_map(|(key, value)| QueryPair { key, value });
    vec(
        prop_oneof![
            (values(), values()).prop_map(|(values, regex)| Condition::HostHeader { values, regex }),
            (values(), values()).prop_map(|(values, regex)| Condition::PathPattern { values, regex }),
            (".{0,12}", values(), values()).prop_map(|(name, values, regex)| Condition::HttpHeader {
                name,
                values,
                regex
            }),
            values().prop_map(|values| Condition::HttpRequestMethod { values }),
            vec(pair, 0..4).prop_map(|values| Condition::QueryString { values }),
            values().prop_map(|values| Condition::SourceIp { values }),
        ],
        0..4,
    )
}

fn any_rule_item() -> impl Strategy<Value = RuleItem> {
    let edit = select(vec![Edit::Opened, Edit::Edited]);
    let drift = (any_moment(), any::<u64>(), edit, any::<bool>()).prop_map(|(at, after, edit, answered)| Drift {
        at,
        after,
        edit,
        answered,
    });
    let former = ("[0-9a-f]{10}", any_conditions()).prop_map(|(mark, rest)| Narrowed { mark, rest });
    let conditions = (any_conditions(), any_conditions(), any_conditions());
    let windows = vec("[a-z]{1,9}#[a-z0-9]{5}", 0..3);
    let name = (any_rule(), any_version(), "[A-Za-z-]{1,20}", "[0-9a-f]{10}");
    (name, conditions, option::of(former), any_moment(), windows, option::of(drift)).prop_map(
        |((arn, version, header, mark), (owner, rest, owner_before), former, saved_at, windows, drift)| RuleItem {
            arn,
            version,
            owner,
            header,
            mark,
            rest,
            former,
            saved_at,
            windows,
            drift,
            owner_before,
        },
    )
}

fn any_published() -> impl Strategy<Value = Published> {
    let standing = select(vec![Standing::Planned, Standing::Overrunning, Standing::Cancelled, Standing::Over]);
    let times = (any_moment(), option::of(any_moment()), any_moment());
    let announced = ("[0-9a-f-]{36}", standing, times, ".{0,30}", any_version()).prop_map(
        |(uid, standing, (start, end, changed_at), message, sequence)| Announcement {
            uid,
            standing,
            start,
            end,
            message,
            sequence,
            changed_at,
        },
    );
    let notice = (option::of(any_moment()), any_text()).prop_map(|(end, message)| PageNotice { end, message });
    let content = (option::of(notice), option::of(vec(announced, 0..3)))
        .prop_map(|(notice, announced)| Content { notice, announced });
    let bucket = select(vec!["error-pages", "another"]);
    (any_version(), bucket, content, any::<bool>(), any_moment(), any_text()).prop_map(
        |(version, bucket, content, is_settled, until, problem)| Published {
            version,
            bucket: bucket.to_owned(),
            content,
            is_settled,
            until,
            problem,
        },
    )
}

fn any_notice() -> impl Strategy<Value = Notice> {
    ("[a-z-]{1,20}", any_moment(), any::<bool>()).prop_map(|(key, found_at, told)| Notice { key, found_at, told })
}

fn any_request() -> impl Strategy<Value = RequestItem> {
    // What is remembered for a day is of these years.
    let at = (1_700_000_000..2_000_000_000_i64).prop_map(|second| Timestamp::from_second(second).expect("a moment"));
    (".{1,40}", any_kind(), vec(any_id(), 0..3), at).prop_map(|(request, action, about, at)| RequestItem {
        request,
        action,
        about,
        at,
    })
}

/// Any write with its request, or none.
fn any_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        any_window().prop_map(Write::NewWindow),
        any_window().prop_map(Write::Window),
        (any_window(), any_moment(), option::of((any_moment(), any_text(), any_alarms()))).prop_map(
            |(window, ended, left)| {
                let after = |(due, problem, in_alarm)| {
                    let mutes = vec![];
                    let (id, uid) = (window.id.clone(), window.uid.clone());
                    After { id, uid, ended, due, mutes, problem, in_alarm }
                };
                let left = left.map(after).map(Box::new);
                Write::PastWindow(window, ended, left)
            }
        ),
        any_series().prop_map(Write::NewSeries),
        any_series().prop_map(Write::Series),
        (any_series(), any_moment()).prop_map(|(series, at)| Write::PastSeries(series, at)),
        any_rule_item().prop_map(Write::Rule),
        any_published().prop_map(Write::Published),
    ]
}

/// The item as a part of a transaction leaves it; none where it writes none.
fn left(part: &TransactWriteItem) -> Option<Item> {
    if let Some(put) = part.put() {
        return Some(put.item().clone());
    }
    let update = part.update()?;
    let (names, values) = (update.expression_attribute_names()?, update.expression_attribute_values()?);
    let mut item = update.key().clone();
    for assignment in update.update_expression().strip_prefix("SET ")?.split(", ") {
        let (name, value) = assignment.split_once(" = ")?;
        item.insert(names.get(name)?.clone(), values.get(value)?.clone());
    }
    Some(item)
}

/// The items that a write leaves.
fn written(request: Option<&RequestItem>, write: &Write) -> Vec<Item> {
    let parts = items::transaction("maintenance", 400, request, std::slice::from_ref(write)).expect("a transaction");
    parts.iter().filter_map(left).collect()
}

fn read(item: &Item, at: Timestamp) -> Result<Table, (String, String)> {
    let mut table = Table::default();
    items::read_now(item, at, &mut table).map(|()| table)
}

/// Any attribute, mostly of the words and times that items have.
fn any_attribute() -> impl Strategy<Value = AttributeValue> {
    let texts = select(vec![
        "booked",
        "active",
        "ending",
        "ended",
        "all",
        "reopen",
        "book",
        "completed",
        "http-header",
        "w",
        "",
        "UTC",
        "2026-12-06T02:00:00Z",
        "-009999-01-02T01:59:59Z",
        "9999-12-30T22:00:00.999999999Z",
        "2026-12-06",
        "PT1H",
        "PT2562047788015215H30M7S",
        "-PT2562047788015215H30M8S",
        "cron(0 2 * * ? *)",
        "rate(1 minute)",
        ORIGIN_LOCK,
    ]);
    let numbers =
        select(vec!["0", "1", "-1", "4294967296", "18446744073709551615", "1.5", "1e3", "9".repeat(38).leak()]);
    let leaf = prop_oneof![
        6 => texts.prop_map(|text| AttributeValue::S(text.to_owned())),
        1 => ".{0,20}".prop_map(AttributeValue::S),
        3 => numbers.prop_map(|number| AttributeValue::N(number.to_owned())),
        1 => any::<bool>().prop_map(AttributeValue::Bool),
        1 => Just(AttributeValue::Null(true)),
        1 => btree_set("[a-z:]{1,9}", 1..4).prop_map(|set| AttributeValue::Ss(set.into_iter().collect())),
        1 => Just(AttributeValue::Ns(vec!["1".to_owned(), "2.5".to_owned()])),
        1 => vec(any::<u8>(), 0..6).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
        1 => Just(AttributeValue::Bs(vec![Blob::new(vec![0, 159])])),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let keys = select(vec!["field", "values", "regex", "name", "at", "edit", "outcome", "action", "other"]);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
            vec((keys, inner), 0..4).prop_map(|fields| {
                AttributeValue::M(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

/// What a person does to an item: an attribute gets another value, or goes.
type Edits = Vec<(Index, Option<AttributeValue>)>;

fn any_edits() -> impl Strategy<Value = Edits> {
    vec((any::<Index>(), option::weighted(0.8, any_attribute())), 0..4)
}

/// Everything in an item that can be edited, but for its key, in an order that is always the same.
fn places<'a>(item: &'a mut Item, found: &mut Vec<&'a mut AttributeValue>) {
    let mut named: Vec<(&String, &mut AttributeValue)> = item.iter_mut().collect();
    named.sort_by_key(|(name, _)| (*name).clone());
    for (name, value) in named {
        if name != "scope" && name != "id" {
            below(value, found);
        }
    }
}

fn below<'a>(value: &'a mut AttributeValue, found: &mut Vec<&'a mut AttributeValue>) {
    let holds_more = match &*value {
        AttributeValue::M(map) => !map.is_empty(),
        AttributeValue::L(list) => !list.is_empty(),
        _ => false,
    };
    if !holds_more {
        found.push(value);
        return;
    }
    match value {
        AttributeValue::M(map) => places(map, found),
        AttributeValue::L(list) => list.iter_mut().for_each(|inner| below(inner, found)),
        _ => {}
    }
}

fn edit(item: &mut Item, edits: &Edits) {
    for (at, new) in edits {
        if let Some(new) = new {
            let mut found = vec![];
            places(item, &mut found);
            if !found.is_empty() {
                *found.swap_remove(at.index(found.len())) = new.clone();
            }
            continue;
        }
        let mut names: Vec<String> = item.keys().filter(|name| *name != "scope" && *name != "id").cloned().collect();
        names.sort();
        if !names.is_empty() {
            item.remove(at.get(&names));
        }
    }
}

/// An item of the table as the function wrote it.
fn any_item() -> impl Strategy<Value = Item> {
    let of_write = (option::of(any_request()), any_write(), any::<Index>()).prop_map(|(request, write, at)| {
        let mut items = written(request.as_ref(), &write);
        items.swap_remove(at.index(items.len()))
    });
    let notice =
        (any_notice(), any_moment()).prop_map(|(notice, until)| items::notice(&notice, until).expect("an item"));
    prop_oneof![9 => of_write, 1 => notice]
}

properties! {
    /// Windows, series, rules and requests.
    fn what_is_written_is_read_back_the_same(write in any_write(), request in option::of(any_request())) {
        let items = written(request.as_ref(), &write);
        if let Some(request) = &request {
            prop_assert_eq!(items::read_request(&items[0], request.at), Some(request.clone()));
        }
        let item = items.last().expect("an item");
        let early = Timestamp::MIN;
        let now = || read(item, early).expect("readable");
        match write {
            Write::NewWindow(window) => prop_assert_eq!(now().windows, [window]),
            Write::Window(window) => prop_assert_eq!(now().windows, [Window { version: window.version.saturating_add(1), ..window }]),
            Write::NewSeries(series) => prop_assert_eq!(now().series, [series]),
            Write::Series(series) => prop_assert_eq!(now().series, [Series { version: series.version.saturating_add(1), ..series }]),
            Write::Rule(rule) => {
                let next = RuleItem { version: rule.version.saturating_add(1), ..rule };
                prop_assert_eq!(now().rules.into_values().collect::<Vec<_>>(), [next]);
            }
            Write::Published(published) => {
                let next = Published { version: published.version.saturating_add(1), ..published };
                prop_assert_eq!(now().published, Some(next));
            }
            Write::PastWindow(window, _, left) => {
                let past = Window { state: State::Over, version: window.version.saturating_add(1), ..window };
                let item = items.iter().find(|item| item["scope"].as_s().is_ok_and(|scope| scope == "past"));
                let found = items::read_past(item.expect("an item of the past"), early);
                prop_assert_eq!(found, Some(Past::Window(Box::new(past), Measured::default())));
                if let Some(left) = left {
                    prop_assert_eq!(now().after, [*left]);
                }
            }
            Write::Measured(..) => unreachable!("it makes no item of its own"),
            Write::PastSeries(series, at) => {
                prop_assert_eq!(items::read_past(item, early), Some(Past::Series(Box::new(series), at)));
            }
        }
    }

    /// Whatever becomes of an item, it is read or refused by its name, and no refusal repeats a header's value.
    fn every_item_is_read_or_refused(item in any_item(), edits in any_edits(), at in any_moment()) {
        let mut item = item;
        edit(&mut item, &edits);
        let _ = (items::read_request(&item, at), items::read_past(&item, at));
        match read(&item, at) {
            Ok(table) => {
                // What could be read can be written.
                let windows = table.windows.into_iter().map(Write::Window);
                let writes: Vec<Write> = windows
                    .chain(table.series.into_iter().map(Write::Series))
                    .chain(table.rules.into_values().map(Write::Rule))
                    .chain(table.published.map(Write::Published))
                    .collect();
                prop_assert!(items::transaction("maintenance", 400, None, &writes).is_ok());
            }
            Err((id, problem)) => {
                prop_assert!(problem.contains(&id), "{}", problem);
                prop_assert!(!id.starts_with("rule#") || !problem.contains(ORIGIN_LOCK), "{}", problem);
            }
        }
    }

    /// Whatever a person made of one item, every event is answered or refused, and other windows still end.
    fn no_item_stops_the_function(item in any_item(), edits in any_edits()) {
        let mut item = item;
        edit(&mut item, &edits);
        // The world's table holds what the function itself writes, and nothing else.
        if let Some(stored) = stored(&item) {
            now(async {
                let mut world = World::new(1);
                world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
                let own = json!({"id": "own", "start": "2026-12-06T00:10Z", "end": "2026-12-06T00:20Z"});
                Box::pin(world.invoke(own)).await.expect("booked");
                world.state().odd_table = true;
                let text = |name: &str| stored[name]["S"].as_str().expect("a key").to_owned();
                world.state().table.items.insert((text("scope"), text("id")), stored.clone());
                for (at, actions) in [("00:09:59", 1), ("00:12", 4), ("00:20", 1), ("00:25", 1)] {
                    world.until(world.at(at)).await;
                    for action in ["sweep", "status", "check", "history"].into_iter().take(actions) {
                        drop(Box::pin(world.try_invoke(&json!({ "action": action }), at)).await.expect("it lives"));
                    }
                }
                prop_assert!(world.window("own").is_none(), "{:?}", world.window("own"));
                Box::pin(world.try_invoke(&json!({"action": "off"}), "last")).await.expect("it lives").ok();
                if text("id").starts_with("rule#") {
                    let told = format!("{:?}", world.state().said);
                    prop_assert!(!told.contains(ORIGIN_LOCK), "a header's value was said: {}", told);
                }
                Ok(())
            })?;
        }
    }
}

/// The item in DynamoDB's JSON, unless the world knows no such attribute.
fn stored(item: &Item) -> Option<serde_json::Map<String, serde_json::Value>> {
    item.iter().map(|(name, value)| Some((name.clone(), attribute(value)?))).collect()
}

fn attribute(value: &AttributeValue) -> Option<serde_json::Value> {
    Some(match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(truth) => json!({ "BOOL": truth }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(attribute).collect::<Option<Vec<_>>>()? }),
        AttributeValue::M(map) => json!({ "M": stored(map)? }),
        _ => return None,
    })
}
