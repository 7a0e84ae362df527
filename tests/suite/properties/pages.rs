//! The console's pages with texts that people made up, taken apart by a tokenizer that follows the HTML standard.

use std::{collections::BTreeMap, sync::OnceLock};

use html5gum::{Error as Wrong, HtmlString, Token, Tokenizer, emitters::default::DefaultEmitter};
use maintenance_window::{
    console::{self, Asked},
    error::Error,
    event,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    FIELDS, any_event, now, properties,
    writers::{any_line, any_text, says},
};
use crate::world::{SECRET, World};

/// What no page may hold, whatever it shows: elements and attributes that run, load or lead somewhere.
const FORBIDDEN: [&str; 13] =
    ["script", "iframe", "use", "object", "embed", "link", "meta", "base", "img", "a", ".href", ".src", ".onclick"];

/// A page as a browser reads it.
#[derive(Clone, Debug, Default)]
struct Page {
    /// Each element as it is opened, its attributes' names after it, each behind a dot.
    skeleton: Vec<String>,
    /// What stands between tags, behind the name of the element that it stands in.
    texts: Vec<(String, String)>,
    buttons: Vec<Button>,
}

/// An action that follows a button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Button {
    attributes: BTreeMap<String, String>,
    /// What it sends, as it stands in the page.
    json: String,
}

impl Page {
    /// The texts of every element of this name.
    fn texts_of(&self, element: &str) -> Vec<&str> {
        self.texts.iter().filter(|(name, _)| name == element).map(|(_, text)| text.as_str()).collect()
    }
}

fn plain(text: &HtmlString) -> String {
    String::from_utf8(text.0.clone()).expect("UTF-8")
}

/// Reads a page; an error of the standard is an error, but for signs that have no place in any text.
fn read(html: &str) -> Result<Page, TestCaseError> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let (mut page, mut open): (Page, Vec<String>) = Default::default();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = plain(&tag.name);
                let attributes = tag.attributes.iter().map(|(name, value)| (plain(name), plain(&value.value)));
                let attributes: BTreeMap<String, String> = attributes.collect();
                page.skeleton.push(name.clone());
                page.skeleton.extend(attributes.keys().map(|name| format!(".{name}")));
                if name == "cwdb-action" {
                    page.buttons.push(Button { attributes, json: String::new() });
                }
                if !["input", "br"].contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => prop_assert_eq!(open.pop(), Some(plain(&tag.name))),
            Token::String(text) => {
                let (inside, text) = (open.last().cloned().unwrap_or_default(), plain(&text.value));
                match (inside.as_str(), page.buttons.last_mut()) {
                    ("style", _) => {}
                    ("cwdb-action", Some(button)) => button.json.push_str(&text),
                    _ => page.texts.push((inside, text)),
                }
            }
            Token::Error(found) => {
                let harmless = [
                    Wrong::ControlCharacterInInputStream,
                    Wrong::NoncharacterInInputStream,
                    Wrong::UnexpectedNullCharacter,
                ];
                prop_assert!(harmless.contains(&found.value), "{} in {}", found.value, html);
            }
            Token::Comment(text) => prop_assert!(false, "a comment: {:?}", text),
            Token::Doctype(_) => prop_assert!(false, "a doctype"),
        }
    }
    prop_assert!(open.is_empty(), "not closed: {:?}", open);
    let forbidden = page.skeleton.iter().find(|part| FORBIDDEN.contains(&part.as_str()));
    prop_assert_eq!(forbidden, None);
    prop_assert!(!html.contains(SECRET));
    Ok(page)
}

/// A text as a browser has it: its line ends are one sign.
fn seen(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// How a sentence begins on the page.
fn capitalised(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}

/// How much of a text a row shows: so many signs, of which those that HTML escapes count as what they become.
fn row(text: &str) -> String {
    let size = |sign: char| match sign {
        '"' => 6,
        '&' => 5,
        '<' | '>' => 4,
        _ => 1,
    };
    let mut left = 60;
    let start: String = text
        .chars()
        .take_while(|sign| {
            left -= size(*sign);
            left >= 0
        })
        .collect();
    if start == text { start } else { format!("{}…", start.trim_end()) }
}

/// What a dashboard sends for a widget with these fields, or for a press of a button in it.
fn sent(button: Option<&Value>, context: &Value) -> Value {
    let mut event = button.cloned().unwrap_or_else(|| json!({}));
    event["widgetContext"] = context.clone();
    event
}

fn context(fields: &Value) -> Value {
    json!({"theme": "light", "width": 1180, "timezone": {"label": "Europe/London"}, "params": {}, "forms": {"all": fields}})
}

/// Windows and a series that say these texts; each is in the row of one that is over, active, booked and recurring.
async fn lived(ids: &[String; 4], [reason, by]: [&str; 2]) -> World {
    let world = World::new(1);
    let [over, active, booked, series] = ids;
    let on = |id: &str| json!({"action": "on", "id": id, "duration": "PT2H", "reason": "r", "requested_by": "b"});
    let later = |id: &str| json!({"id": id, "start": "2026-12-06T05:00Z", "duration": "PT2H", "reason": "r", "requested_by": "b"});
    let weekly = |id: &str| json!({"id": id, "every": "rate(7 days)", "duration": "PT2H", "start": "2026-12-08T05:00Z", "reason": "r", "requested_by": "b"});
    for (event, item) in [
        (on(over), format!("window#{over}")),
        (on(active), format!("window#{active}")),
        (later(booked), format!("window#{booked}")),
        (weekly(series), format!("series#{series}")),
    ] {
        Box::pin(world.invoke(event)).await.expect("taken");
        says(&world, &item, "reason", reason).await;
        says(&world, &item, "requested_by", by).await;
    }
    Box::pin(world.invoke(json!({"action": "off", "id": over}))).await.expect("off");
    world
}

fn ids() -> [String; 4] {
    ["over", "active", "booked", "series"].map(str::to_owned)
}

/// What a page is made of if all that people wrote is a letter.
fn harmless() -> &'static [String] {
    static HARMLESS: OnceLock<Vec<String>> = OnceLock::new();
    HARMLESS.get_or_init(|| {
        // On a thread of its own, since a runtime may not wait within another one.
        super::with_room(|| {
            let look = sent(None, &context(&json!({})));
            let page = now(async { Box::pin(lived(&ids(), ["x", "x"])).await.widget(&look).await });
            read(&page).expect("a page").skeleton
        })
    })
}

/// Something in the form's field, or nothing.
fn any_field() -> impl Strategy<Value = Value> {
    let known =
        select(vec!["1h", "2h 30m", "2026-12-06T03:00", "Europe/London", "+01:00", "rate(7 days)", "UTC", "", " "]);
    prop_oneof![
        1 => any_text().prop_map(Value::from),
        3 => any_line().prop_map(Value::from),
        2 => known.prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn any_fields() -> impl Strategy<Value = Value> {
    let names = ["mw-by", "mw-start", "mw-duration", "mw-zone", "mw-every", "mw-reason", "mw-message"];
    vec(any_field(), names.len())
        .prop_map(move |fields| names.iter().zip(fields).map(|(name, field)| ((*name).to_owned(), field)).collect())
}

/// An event of the kinds that are read, with texts in any of its fields and a field of any name.
fn any_odd_event() -> impl Strategy<Value = Value> {
    let odd = vec((select(&FIELDS[..]).prop_map(str::to_owned), any_text().prop_map(Value::from)), 0..4);
    (any_event(), odd, option::of((any_text(), any_text()))).prop_map(|(event, odd, unknown)| {
        let mut event = event.as_object().cloned().unwrap_or_default();
        event.extend(odd);
        event.extend(unknown.map(|(name, text)| (name, json!(text))));
        Value::Object(event)
    })
}

/// The page that answers a press, held against what the same event is refused with.
async fn answer(world: &World, pressed: &Value) -> Result<(), TestCaseError> {
    let Some(Asked::Act { event, .. }) = console::asked(pressed) else { panic!("no press") };
    let refusal = event::read(&event, world.now(), &world.config()).err();
    let page = read(&Box::pin(world.widget(pressed)).await)?;
    let known = ["style", "div", "section", "h2", "h3", "p", "ul", "li", "strong", ".class", ".lang"];
    let strange = page.skeleton.iter().find(|part| !known.contains(&part.as_str()));
    prop_assert_eq!(strange, None, "an answer has nothing to press");
    let titles = page.texts_of("h2");
    prop_assert_eq!(titles.len(), 1);
    if let Some(Error::InvalidEvent(problems)) = refusal {
        prop_assert_eq!(titles, ["Refused"]);
        let told: Vec<String> = problems.iter().map(|problem| seen(&capitalised(problem))).collect();
        prop_assert_eq!(&page.texts_of("li")[..told.len()], &told[..]);
    }
    Ok(())
}

// Each lives through some hours of a site.
properties! {
    100;

    /// The page has the elements that it has with a harmless text, and shows what people wrote.
    fn a_page_shows_what_people_wrote_and_none_of_it_is_markup(reason in any_text(), by in any_text()) {
        now(async {
            let world = Box::pin(lived(&ids(), [&reason, &by])).await;
            let page = read(&Box::pin(world.widget(&sent(None, &context(&json!({}))))).await)?;
            prop_assert_eq!(&page.skeleton, harmless());
            for (item, scope) in [("window#active", "now"), ("window#booked", "now"), ("series#series", "now"), ("", "past")] {
                let state = world.state();
                let (_, told) = state.table.with_prefix(scope, item).next().expect("an item");
                for field in ["reason", "requested_by"] {
                    let text = told[field]["S"].as_str().expect("a text");
                    let row = seen(&row(text));
                    let count = page.texts.iter().filter(|(_, found)| *found == row).count();
                    prop_assert!(count >= if reason == by { 8 } else { 4 }, "{} times {:?}: {:?}", count, row, page.texts);
                }
            }
            Ok(())
        })?;
    }

    /// Whatever windows are called and people write: each button sends an event that is taken, about what it stands beside.
    fn each_buttons_event_reads_back_as_the_same(
        names in vec("[A-Za-z0-9._-]{1,25}", 4), reason in any_text(), who in any_line(),
    ) {
        now(async {
            let ids: [String; 4] = [0, 1, 2, 3].map(|nth| format!("{nth}{}", &names[nth][1..]));
            let world = Box::pin(lived(&ids, [&reason, &who])).await;
            let page = read(&Box::pin(world.widget(&sent(None, &context(&json!({}))))).await)?;
            let labels = page.skeleton.iter().filter(|part| *part == "button").count();
            prop_assert_eq!(page.buttons.len(), labels);
            let mut about = BTreeMap::<String, usize>::new();
            for button in &page.buttons {
                let part = |name: &str| button.attributes.get(name).map(String::as_str);
                let all = (part("action"), part("display"), part("endpoint"));
                prop_assert_eq!(all, (Some("call"), Some("popup"), Some(world.invoked.as_str())));
                prop_assert!(button.json.is_ascii() && !button.json.contains(['<', '>', '&', '\'']), "{}", button.json);
                let read: Value = serde_json::from_str(&button.json).expect("JSON");
                let pressed = sent(Some(&read), &context(&json!({ "mw-by": who })));
                let Some(Asked::Act { event, .. }) = console::asked(&pressed) else { panic!("no press: {read}") };
                let Some(click) = read["click"].as_object() else {
                    // A form's button, which sends what is written beside it.
                    prop_assert!(read["form"]["button"].is_string(), "{}", read);
                    continue;
                };
                let signed = json!({"requested_by": who}).as_object().expect("an object").clone();
                let expected: Map<String, Value> = click.clone().into_iter().chain(signed).collect();
                prop_assert_eq!(&event, &Value::Object(expected));
                let request = event::read(&event, world.now(), &world.config());
                let request = request.map_err(|error| TestCaseError::fail(format!("{event}: {}", error.full())))?;
                prop_assert_eq!(request.asked.requested_by.as_deref(), Some(who.as_str()));
                if let Some(id) = click.get("id").and_then(Value::as_str) {
                    *about.entry(id.to_owned()).or_default() += 1;
                }
            }
            // The end and three more lengths; the drop; and skip, pause and end.
            let occurrence = world.windows().into_iter().find(|id| !ids.contains(id)).expect("the first of the series");
            let expected = [(ids[1].clone(), 4), (ids[2].clone(), 1), (ids[3].clone(), 3), (occurrence, 1)];
            prop_assert_eq!(about, BTreeMap::from(expected));
            Ok(())
        })?;
    }

    /// What is written into the form is booked as it was written, or refused in the same words as by hand.
    fn what_is_written_into_the_form_is_booked_or_refused_as_by_hand(
        fields in any_fields(), button in select(vec!["book", "start", "try"]), is_placed in prop::bool::weighted(0.8),
    ) {
        now(async {
            let world = World::new(1);
            let mut fields = fields;
            if is_placed {
                // Times that are taken.
                fields["mw-start"] = json!(if button == "start" { "" } else { "2026-12-06T03:00" });
                (fields["mw-duration"], fields["mw-every"], fields["mw-zone"]) = (json!("1h"), json!(""), json!("UTC"));
            }
            let pressed = sent(Some(&json!({"form": {"button": button, "drawing": "d"}})), &context(&fields));
            Box::pin(answer(&world, &pressed)).await?;
            for id in world.windows() {
                let window = world.window(&id).expect("a window");
                for (field, name) in [("reason", "mw-reason"), ("requested_by", "mw-by"), ("message", "mw-message")] {
                    let written = fields[name].as_str().map(str::trim).filter(|text| !text.is_empty());
                    prop_assert_eq!(window[field].as_str(), written);
                }
            }
            prop_assert!(button != "try" || world.windows().is_empty());
            Ok(())
        })?;
    }

    /// Whatever a press sends, its answer is a page, and each reason of a refusal stands there as it is.
    fn each_answer_to_a_press_is_a_page_in_the_same_words(event in any_odd_event(), fields in any_fields()) {
        now(async {
            let world = Box::pin(lived(&ids(), ["x", "x"])).await;
            let pressed = sent(Some(&json!({ "click": event })), &context(&fields));
            Box::pin(answer(&world, &pressed)).await
        })?;
    }

    /// What is wrong with a widget's parameters stands on the page as it was written, whatever the dashboard says.
    fn what_a_dashboard_says_is_shown_and_none_of_it_is_markup(
        shows in vec(any_text(), 0..4), label in any_text(), offset in any_text(), theme in any_text(),
    ) {
        now(async {
            let world = World::new(1);
            let mut told = context(&json!({}));
            told["timezone"] = json!({"label": label, "offsetISO": offset});
            (told["theme"], told["params"]) = (json!(theme), json!({ "show": shows }));
            let look = sent(None, &told);
            let Some(Asked::Look(context)) = console::asked(&look) else { panic!("no look") };
            let page = read(&Box::pin(world.widget(&look)).await)?;
            for problem in &context.problems {
                prop_assert!(page.texts_of("li").contains(&seen(problem).as_str()), "{}: {:?}", problem, page.texts);
            }
            prop_assert_eq!(context.problems.len(), shows.len());
            Ok(())
        })?;
    }
}

#[test]
fn a_page_that_is_not_well_formed_is_seen() {
    for broken in [
        "<p>",
        "</p>",
        "<p><b></p></b>",
        "<p a=1 a=2></p>",
        "<!--x-->",
        "a < b",
        "&#0;",
        "<script></script>",
        "<p x=\"</p>",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
    assert_eq!(read("<p>&lt;b&gt; &amp;lt;</p>").expect("a page").texts_of("p"), ["<b> &lt;"]);
}
