//! What is announced to visitors and calendars, and that it follows the table whatever happens.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{FAULTS, Fault, Gate, World};

/// A world that announces what starts within three hours.
fn world() -> World {
    let mut world = World::new(1);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    world.settings.insert("ANNOUNCE_BEFORE", "PT3H".to_owned());
    world
}

fn window() -> Value {
    json!({
        "id": "database-move", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z",
        "message": "Back with a faster shop.", "reason": "internal: database move", "requested_by": "ana@example.com"
    })
}

/// Start, end and message of what the feed announces.
fn announced(world: &World) -> Vec<(String, String, String)> {
    let clock = |value: &Value| value.as_str().map_or("?".to_owned(), |at| at[11..16].to_owned());
    let feed = world.upcoming().expect("a feed");
    let told = feed.as_array().expect("a list").iter();
    told.map(|one| (clock(&one["start"]), clock(&one["end"]), one["message"].as_str().expect("text").to_owned()))
        .collect()
}

fn one(start: &str, end: &str, message: &str) -> Vec<(String, String, String)> {
    vec![(start.to_owned(), end.to_owned(), message.to_owned())]
}

/// A property of each event of the calendar.
fn property(world: &World, name: &str) -> Vec<String> {
    let calendar = world.file("maintenance.ics").expect("a calendar").replace("\r\n ", "");
    let events = calendar.split("BEGIN:VEVENT").skip(1);
    let found = |event: &str| event.lines().find_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned));
    events.map(|event| found(event).unwrap_or_default()).collect()
}

async fn ask(world: &World, event: Value) {
    world.invoke(event).await.expect("done");
}

/// The calls of a sweep.
async fn sweep(world: &World) -> Vec<String> {
    world.state().calls.clear();
    let _ = world.invoke(json!({"action": "sweep"})).await;
    world.take_calls()
}

/// Whether what visitors read is what the table says, and the table knows.
#[track_caller]
fn settled(world: &World) {
    let published = world.published().expect("an item");
    assert_eq!((&published["is_settled"], &published["problem"]), (&json!(true), &Value::Null), "{published}");
    assert_eq!(world.wrongly_told(), None);
}

#[tokio::test(start_paused = true)]
async fn a_window_is_announced_as_it_is_booked_and_follows_every_change() {
    let world = world();
    let booked = world.invoke(window()).await.expect("booked");
    let says = |message: &str| message.ends_with(" Visitors and calendars are told of it.");
    assert!(says(&booked.message), "{}", booked.message);
    let status = world.invoke(json!({"action": "status", "id": "database-move"})).await.expect("status");
    assert!(says(&status.message), "{}", status.message);
    assert_eq!(announced(&world), one("02:00", "03:00", "Back with a faster shop."));
    let uid = property(&world, "UID");
    let mut sequence: Vec<u64> = vec![];
    let mut step = async |event: Value, expected: Vec<(String, String, String)>, status: &str| {
        if event != Value::Null {
            ask(&world, event.clone()).await;
        }
        assert_eq!(announced(&world), expected, "{event}");
        assert_eq!((property(&world, "UID"), property(&world, "STATUS")), (uid.clone(), vec![status.to_owned()]));
        sequence.extend(property(&world, "SEQUENCE").iter().map(|text| text.parse::<u64>().expect("a number")));
        settled(&world);
    };
    let id = "database-move";
    let text = "Back with a faster shop.";
    step(Value::Null, one("02:00", "03:00", text), "CONFIRMED").await;
    step(
        json!({"action": "reschedule", "id": id, "start": "2026-12-06T01:30Z"}),
        one("01:30", "02:30", text),
        "CONFIRMED",
    )
    .await;
    step(json!({"action": "extend", "id": id, "by": "PT15M"}), one("01:30", "02:45", text), "CONFIRMED").await;
    step(json!({"action": "edit", "id": id, "message": "Soon."}), one("01:30", "02:45", "Soon."), "CONFIRMED").await;
    step(
        json!({"action": "reschedule", "id": id, "start": "2026-12-20T02:00Z"}),
        one("02:00", "03:15", "Soon."),
        "CONFIRMED",
    )
    .await;
    step(json!({"action": "cancel", "id": id}), vec![], "CANCELLED").await;
    assert!(sequence.windows(2).all(|pair| pair[0] < pair[1]), "{sequence:?}");
    assert_eq!(property(&world, "DTSTART"), ["20261220T020000Z"]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_starts_is_extended_and_ends_is_told_of_to_its_real_end() {
    let world = world();
    ask(&world, window()).await;
    world.run_until("02:10").await;
    assert_eq!(announced(&world), one("02:00", "03:00", "Back with a faster shop."));
    ask(&world, json!({"action": "extend", "id": "database-move", "by": "PT30M"})).await;
    assert_eq!(announced(&world), one("02:00", "03:30", "Back with a faster shop."));
    world.run_until("02:40").await;
    ask(&world, json!({"action": "off"})).await;
    assert_eq!((announced(&world), world.page()), (vec![], None));
    assert_eq!(property(&world, "STATUS"), ["CONFIRMED"]);
    assert_eq!(property(&world, "DTEND"), ["20261206T024000Z"]);
    settled(&world);

    let held = self::world();
    let mut event = window();
    event["at_end"] = json!("hold");
    ask(&held, event).await;
    held.run_until("03:10").await;
    assert_eq!(announced(&held), one("02:00", "?", "Back with a faster shop."), "nobody knows until when");
}

/// The window still takes place: a calendar that had lost it, or was told that it is off, would tell what is not so.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_taken_back_leaves_the_pages_and_the_calendar_keeps_the_times() {
    let world = world();
    ask(&world, window()).await;
    let uid = property(&world, "UID");
    let id = "database-move";
    let edited = world.invoke(json!({"action": "edit", "id": id, "message": ""})).await.expect("edited");
    assert!(!edited.message.contains("are told of it"), "{}", edited.message);
    let calendar = |name: &str| property(&world, name).concat();
    assert_eq!(
        (announced(&world), calendar("STATUS"), calendar("DESCRIPTION")),
        (vec![], "CONFIRMED".to_owned(), String::new())
    );
    ask(&world, json!({"action": "reschedule", "id": id, "start": "2026-12-06T02:30Z"})).await;
    assert_eq!((announced(&world), calendar("DTSTART")), (vec![], "20261206T023000Z".to_owned()));
    ask(&world, json!({"action": "cancel", "id": id})).await;
    assert_eq!((property(&world, "UID"), calendar("STATUS")), (uid, "CANCELLED".to_owned()));
    settled(&world);
}

#[tokio::test(start_paused = true)]
async fn nothing_internal_is_published() {
    let world = world();
    ask(&world, window()).await;
    for name in ["upcoming.json", "maintenance.ics"] {
        let text = world.file(name).expect("a file");
        for internal in ["database", "internal", "ana", "rule", "reason", "maintenance:"] {
            assert!(!text.contains(internal), "{internal}: {text}");
        }
    }
    let kinds: Vec<Value> = world.state().files.values().cloned().collect();
    let kinds: Vec<(&str, &str)> = kinds
        .iter()
        .map(|file| (file["type"].as_str().expect("text"), file["cache"].as_str().expect("text")))
        .collect();
    let short = "public, max-age=60";
    assert_eq!(kinds, [("text/calendar; charset=utf-8", short), ("application/json", short)]);
    ask(&world, json!({"id": "silent", "start": "2026-12-06T01:00Z", "duration": "PT1H"})).await;
    assert_eq!(announced(&world).len(), 1, "without a message there is nothing for visitors");
    let status = world.invoke(json!({"action": "status", "id": "silent"})).await.expect("status");
    assert!(!status.message.contains("are told of it"), "{}", status.message);
}

#[tokio::test(start_paused = true)]
async fn a_window_is_announced_when_its_time_comes_and_sweeps_with_nothing_to_say_are_free() {
    let world = world();
    assert_eq!(sweep(&world).await.len(), 7, "the first one makes the files");
    assert_eq!(announced(&world), []);
    let mut event = window();
    (event["start"], event["end"]) = (json!("2026-12-06T05:00Z"), json!("2026-12-06T06:00Z"));
    ask(&world, event).await;
    assert_eq!(
        (announced(&world), sweep(&world).await),
        (vec![], vec!["DescribeRules".to_owned(), "Query".to_owned()])
    );
    world.run_until("01:59").await;
    assert_eq!(announced(&world), []);
    world.run_until("02:06").await;
    assert_eq!(announced(&world).len(), 1);
    assert_eq!(sweep(&world).await, ["DescribeRules", "Query"]);
}

#[tokio::test(start_paused = true)]
async fn every_occurrence_of_a_series_is_announced_and_taken_back() {
    let world = world();
    let id = "nightly-patching";
    ask(&world, json!({"id": id, "every": "rate(2 hours)", "start": "2026-12-06T01:00Z", "duration": "PT30M", "message": "Soon."}))
        .await;
    assert_eq!(announced(&world), one("01:00", "01:30", "Soon."));
    world.run_until("01:01").await;
    assert_eq!(announced(&world).len(), 2, "the next one is booked as this one begins");
    world.run_until("01:40").await;
    assert_eq!(announced(&world), one("03:00", "03:30", "Soon."));
    ask(&world, json!({"action": "skip", "id": id})).await;
    assert_eq!(property(&world, "STATUS"), ["CONFIRMED", "CANCELLED"], "the one after it is too far ahead");
    ask(&world, json!({"action": "unskip", "id": id})).await;
    assert_eq!(announced(&world), one("03:00", "03:30", "Soon."));
    ask(&world, json!({"action": "edit", "id": id, "message": "Later."})).await;
    assert_eq!(announced(&world), one("03:00", "03:30", "Later."));
    ask(&world, json!({"action": "pause", "id": id})).await;
    assert_eq!(announced(&world), []);
    ask(&world, json!({"action": "resume", "id": id})).await;
    assert_eq!(announced(&world).len(), 1);
    ask(&world, json!({"action": "cancel", "id": id})).await;
    assert_eq!(announced(&world), []);
    let uids = property(&world, "UID");
    assert_eq!(uids.iter().collect::<std::collections::BTreeSet<_>>().len(), uids.len(), "one event for each window");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_published_is_said_and_published_by_a_sweep() {
    let world = world();
    sweep(&world).await;
    world.state().broken = vec!["PutObject", "DeleteObject"];
    let booked = world.invoke(window()).await.expect("booked");
    let words = "could not be told what is planned (S3 answered 400); see that ErrorBucket exists";
    assert!(booked.warnings.iter().any(|warning| warning.contains(words)), "{:?}", booked.warnings);
    let status = world.invoke(json!({"action": "status"})).await.expect("status");
    assert!(status.warnings.iter().any(|warning| warning.contains(words)), "{:?}", status.warnings);
    let check = world.invoke(json!({"action": "check"})).await.expect("check");
    assert!(check.findings.iter().any(|finding| finding.what.contains(words)), "{:?}", check.findings);
    world.run_until("00:30").await;
    assert_eq!(world.events(), ["booked", "failed"], "told once");
    let told = world.text_of("failed");
    assert!(told.contains("(S3 answered 400); see that ErrorBucket exists"), "{told}");
    world.state().broken.clear();
    world.run_until("00:41").await;
    assert_eq!(announced(&world).len(), 1);
    settled(&world);
    assert_eq!(world.notices(), [""; 0], "a later failure is told again");
    let check = world.invoke(json!({"action": "check"})).await.expect("check");
    assert!(check.checked.contains(&"what visitors are told is in the bucket".to_owned()), "{:?}", check.checked);
}

/// Neither a table that refuses what is to be told nor one that does not answer in time can note a problem with it.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_noted_is_told_by_the_second_sweep_too() {
    for (fault, why) in [(Fault::Refused, "cannot write to the table"), (Fault::Hangs, "that took more than 10 s")] {
        let world = world();
        sweep(&world).await;
        let mut event = window();
        (event["start"], event["end"]) = (json!("2026-12-06T03:02Z"), json!("2026-12-06T04:00Z"));
        ask(&world, event).await;
        let words = "what visitors are told could not be brought up to date: ";
        let mut told = vec![];
        for _ in 0..3 {
            world.until(world.now() + SignedDuration::from_mins(5)).await;
            // After rules and windows a sweep that has something to tell writes what that is.
            let nth = world.state().invocations.len();
            world.state().faults.insert((nth, 2), fault);
            let swept = world.invoke(json!({"action": "sweep"})).await.expect("swept");
            let warned = swept.warnings.iter().any(|warning| warning.contains(&format!("{words}{why}")));
            assert!(warned, "{fault:?}: {:?}", swept.warnings);
            told.push(world.count("failed"));
        }
        assert_eq!(told, [0, 1, 1], "{fault:?}");
        assert!(world.text_of("failed").contains(words), "{}", world.text_of("failed"));
        let status = world.invoke(json!({"action": "status"})).await.expect("status");
        assert!(status.warnings.iter().any(|warning| warning.contains(words)), "{fault:?}: {:?}", status.warnings);
        let check = world.invoke(json!({"action": "check"})).await.expect("check");
        assert!(check.findings.iter().any(|finding| finding.what.contains(words)), "{fault:?}: {:?}", check.findings);
        world.until(world.now() + SignedDuration::from_mins(5)).await;
        sweep(&world).await;
        assert_eq!((announced(&world).len(), world.notices()), (1, vec![]), "{fault:?}");
        let check = world.invoke(json!({"action": "check"})).await.expect("check");
        let well = "what visitors are told is in the bucket".to_owned();
        assert!(check.checked.contains(&well), "{fault:?}: {:?}", check.findings);
        settled(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_past_once_all_was_told_or_there_is_no_bucket() {
    let mut world = world();
    sweep(&world).await;
    for (id, start) in [("a", "03:02"), ("b", "03:12")] {
        let mut event = window();
        (event["id"], event["start"], event["end"]) =
            (json!(id), json!(format!("2026-12-06T{start}Z")), json!("2026-12-06T04:00Z"));
        ask(&world, event).await;
    }
    let warns = async |world: &World| {
        let status = world.invoke(json!({"action": "status"})).await.expect("status");
        let check = world.invoke(json!({"action": "check"})).await.expect("check");
        let words = "what visitors are told could not be brought up to date: it fails since";
        let warns = status.warnings.iter().any(|warning| warning.contains(words));
        assert_eq!(check.findings.iter().any(|finding| finding.what.contains(words)), warns, "{:?}", check.findings);
        warns
    };
    let fail = async |world: &World, at: &str| {
        world.until(world.at(at)).await;
        let nth = world.state().invocations.len();
        world.state().faults.insert((nth, 2), Fault::Refused);
        sweep(world).await;
    };
    fail(&world, "00:05:00").await;
    assert!(warns(&world).await);
    world.settings.remove("ERROR_BUCKET");
    assert!(!warns(&world).await, "nobody is told anything");
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    assert!(warns(&world).await);
    // Another run tells all of it; the next sweep forgets the failure.
    world.until(world.at("00:07:00")).await;
    ask(&world, json!({"action": "edit", "id": "a", "message": "Later."})).await;
    assert_eq!((announced(&world).len(), world.notices().len()), (1, 1));
    assert!(!warns(&world).await);
    // What fails then is another failure, and its first is no report.
    fail(&world, "00:15:00").await;
    assert!(warns(&world).await);
    assert_eq!(world.count("failed"), 0);
    fail(&world, "00:20:00").await;
    assert_eq!(world.count("failed"), 1);
}

/// The end of a window is told to the page by the sweep, if it could not be told when it came.
#[tokio::test(start_paused = true)]
async fn the_page_of_a_window_is_repaired_by_a_sweep() {
    let world = world();
    ask(&world, window()).await;
    world.run_until("01:58").await;
    world.state().broken = vec!["PutObject"];
    world.run_until("02:02").await;
    assert_eq!(world.page(), None);
    world.state().broken.clear();
    world.run_until("02:07").await;
    assert_eq!(world.page().expect("told")["end"], "2026-12-06T03:00:00Z");
    world.run_until("02:58").await;
    world.state().broken = vec!["DeleteObject"];
    world.run_until("03:02").await;
    assert!(world.page().is_some());
    world.state().broken.clear();
    world.run_until("03:07").await;
    assert_eq!(world.page(), None);
    settled(&world);
}

#[tokio::test(start_paused = true)]
async fn a_setting_that_changes_or_cannot_be_used_changes_what_is_there() {
    let mut world = world();
    ask(&world, window()).await;
    world.settings.insert("ANNOUNCE_BEFORE", "soon".to_owned());
    sweep(&world).await;
    assert_eq!((world.upcoming(), world.file("maintenance.ics")), (None, None), "it announces nothing");
    world.settings.insert("ANNOUNCE_BEFORE", "PT1H".to_owned());
    sweep(&world).await;
    assert_eq!(announced(&world), []);
    world.settings.insert("ANNOUNCE_BEFORE", "PT3H".to_owned());
    sweep(&world).await;
    world.settings.insert("ANNOUNCE_BEFORE", "PT1H".to_owned());
    sweep(&world).await;
    assert_eq!(announced(&world).len(), 1, "what was announced stays so");
    world.settings.insert("ERROR_BUCKET", "other-pages".to_owned());
    sweep(&world).await;
    let there = world.state().files.contains_key("other-pages/errors/upcoming.json");
    assert!(there, "another bucket gets all of it");
    world.settings.remove("ERROR_BUCKET");
    ask(&world, json!({"action": "cancel", "id": "database-move"})).await;
    assert_eq!(sweep(&world).await, ["DescribeRules", "Query"], "no bucket, no calls");
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    sweep(&world).await;
    assert_eq!((announced(&world), property(&world, "STATUS")), (vec![], vec!["CANCELLED".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn wherever_a_run_dies_the_sweep_brings_the_files_up_to_date() {
    for fault in FAULTS {
        for nth in 0..16 {
            let world = world();
            ask(&world, window()).await;
            let invocation = world.state().invocations.len();
            world.state().faults.insert((invocation, nth), fault);
            let moved = json!({"action": "reschedule", "id": "database-move", "start": "2026-12-06T02:15Z"});
            world.deliver(&moved, "moved").await;
            world.run_until("00:21").await;
            assert_eq!(announced(&world), one("02:15", "03:15", "Back with a faster shop."), "{fault:?} in call {nth}");
            settled(&world);
            assert_eq!(sweep(&world).await, ["DescribeRules", "Query"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_at_once_the_last_word_is_the_tables() {
    let moved =
        |start: &str| json!({"action": "reschedule", "id": "database-move", "start": format!("2026-12-06T{start}Z")});
    for first in 1..16 {
        for second in [1, 3, 5, 7, 9, 11, 20] {
            let world = world();
            ask(&world, window()).await;
            world.set_gate(Some(Gate::new(&[first, second, 30])));
            let (one_event, other_event) = (moved("02:15"), moved("02:30"));
            let (one, other) = tokio::join!(
                Box::pin(world.invoke_as(0, &one_event, "one")),
                Box::pin(world.invoke_as(1, &other_event, "other"))
            );
            let done = [one, other].into_iter().filter(|result| matches!(result, Some(Ok(_)))).count();
            assert!(done > 0, "{first} {second}");
            world.set_gate(None);
            world.run_until("00:11").await;
            let start =
                world.window("database-move").expect("a window")["start"].as_str().expect("text")[11..16].to_owned();
            assert_eq!(announced(&world)[0].0, start, "{first} {second}");
            settled(&world);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_lands_late_is_overwritten_by_the_next_sweep() {
    let world = world();
    ask(&world, window()).await;
    let old = world.file("upcoming.json");
    // It dies with its files on their way; another run decides meanwhile, and what was on its way lands after that.
    let invocation = world.state().invocations.len();
    let calls = {
        let moved = json!({"action": "reschedule", "id": "database-move", "start": "2026-12-06T02:15Z"});
        world.state().faults.insert((invocation, 9), Fault::DiesBefore);
        let _ = world.try_invoke(&moved, "moved").await;
        world.state().invocations[invocation]
    };
    assert!(calls >= 9);
    ask(&world, json!({"action": "reschedule", "id": "database-move", "start": "2026-12-06T02:30Z"})).await;
    let late = json!({"body": old, "type": "application/json", "cache": ""});
    world.state().files.insert("error-pages/errors/upcoming.json".to_owned(), late);
    world.run_until("00:11").await;
    assert_eq!(announced(&world), one("02:30", "03:30", "Back with a faster shop."));
    settled(&world);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_not_readable_is_named_and_nothing_is_published_over_it() {
    let world = world();
    ask(&world, window()).await;
    {
        let mut state = world.state();
        let key = ("now".to_owned(), "published#visitors".to_owned());
        state.table.items.get_mut(&key).expect("there").insert("bucket".to_owned(), json!({"L": []}));
    }
    ask(&world, json!({"action": "cancel", "id": "database-move"})).await;
    assert_eq!(announced(&world).len(), 1, "its version is not known");
    sweep(&world).await;
    assert!(world.text_of("failed").contains("item published#visitors of the table is not readable"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_noted_of_what_visitors_are_told_is_said_and_stops_nothing() {
    let booking = async |fault: Option<usize>| {
        let world = world();
        sweep(&world).await;
        world.state().calls.clear();
        let invocation = world.state().invocations.len();
        world.state().faults.extend(fault.map(|nth| ((invocation, nth), Fault::Refused)));
        (world.invoke(window()).await.expect("booked").warnings, world)
    };
    let (_, fine) = booking(None).await;
    let notes = fine.state().calls.iter().position(|call| call.subject.contains("published#visitors"));
    let (warnings, world) = booking(notes).await;
    let words = "what visitors are told could not be brought up to date: cannot write to the table";
    assert!(warnings.iter().any(|warning| warning.starts_with(words)), "{warnings:?}");
    assert_eq!(announced(&world), []);
    sweep(&world).await;
    assert_eq!(announced(&world).len(), 1);
    settled(&world);
}

#[tokio::test(start_paused = true)]
async fn while_another_run_may_still_send_the_files_nobody_sends_them_again() {
    let world = world();
    world.state().hanging = vec!["PutObject"];
    ask(&world, window()).await;
    world.state().hanging.clear();
    let sent = async || sweep(&world).await.iter().filter(|call| *call == "PutObject").count();
    assert_eq!(sent().await, 0, "its requests may be on their way for twenty seconds");
    world.until(world.now() + jiff::SignedDuration::from_secs(20)).await;
    assert_eq!(sent().await, 2, "the feed and the calendar");
    settled(&world);
    assert_eq!(announced(&world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_tells_visitors_twice_knows_what_it_wrote_first() {
    let world = world();
    let hourly = json!({
        "id": "s", "every": "rate(2 hours)", "start": "2026-12-06T01:00Z", "duration": "PT30M", "message": "Soon."
    });
    ask(&world, hourly).await;
    world.until(world.at("01:00")).await;
    world.state().calls.clear();
    ask(&world, json!({"action": "sweep"})).await;
    assert_eq!(announced(&world).len(), 2, "the page is told of the one, and the next one is announced");
    settled(&world);
    let calls = world.state().calls.clone();
    let of_it =
        |call: &&crate::world::Call| call.name == "TransactWriteItems" && call.subject.contains("published#visitors");
    assert_eq!(calls.iter().filter(of_it).count(), 4, "each time what is to be told, and that it is: {calls:?}");
}
