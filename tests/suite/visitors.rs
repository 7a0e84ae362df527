//! What visitors are told, and what is measured.

use std::sync::{Arc, Mutex};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use maintenance_window::{
    aws::{self, bucket::Bucket},
    model::{published::Content, seen::Met},
    report::feeds::files,
};
use serde_json::{Value, json};

use crate::world::{SECRET, World, header, path, rule_arn};

fn world() -> World {
    let mut world = World::new(1);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    world
}

fn window() -> Value {
    json!({
        "id": "w", "start": "2026-12-06T02:00Z", "end": "2026-12-06T03:00Z",
        "message": "Back with a faster shop.", "reason": "internal: database move"
    })
}

#[tokio::test(start_paused = true)]
async fn the_page_knows_the_end_while_maintenance_lasts_and_nothing_secret() {
    let world = world();
    world.invoke(window()).await.expect("booked");
    assert_eq!(world.page(), None);
    world.run_until("02:10").await;
    let told = json!({"end": "2026-12-06T03:00:00Z", "message": "Back with a faster shop."});
    assert_eq!(world.page(), Some(told));
    world.invoke(json!({"action": "extend", "id": "w", "by": "PT30M"})).await.expect("extended");
    assert_eq!(world.page().as_ref().expect("told")["end"], "2026-12-06T03:30:00Z");
    world.run_until("03:40").await;
    assert_eq!(world.page(), None);
}

#[tokio::test(start_paused = true)]
async fn the_page_is_told_the_last_end_of_several_and_none_if_one_is_open() {
    let world = world();
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    world.invoke(json!({"action": "on", "duration": "PT2H", "id": "longer"})).await.expect("on");
    assert_eq!(world.page().as_ref().expect("told")["end"], "2026-12-06T04:10:00Z");
    world.invoke(json!({"action": "on", "id": "open"})).await.expect("on");
    assert_eq!(world.page().as_ref().expect("told")["end"], Value::Null);
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(world.page(), None);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_told_is_a_warning_in_the_report_and_stops_nothing() {
    let world = world();
    world.state().broken = vec!["PutObject", "DeleteObject"];
    world.invoke(window()).await.expect("booked");
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "failed", "started", "completed"]);
    for report in &world.state().published[1..] {
        let text = report.document["text"].as_str().expect("text");
        assert!(text.contains("page could not be told") && text.contains("ErrorBucket"), "{text}");
    }
    world.no_secret_was_said();
}

/// An S3 that gives one answer, and remembers what it was asked.
#[derive(Clone, Debug)]
struct S3 {
    status: u16,
    bucket_region: Option<&'static str>,
    /// The address and the signature's scope.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl HttpConnector for S3 {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let signature = request.headers().get("authorization").expect("a signature");
        let scope = signature.split(['/', ',']).skip(2).take(3).collect::<Vec<_>>().join("/");
        self.asked.lock().expect("no panic").push((request.uri().to_owned(), scope));
        let mut response = HttpResponse::new(self.status.try_into().expect("a status"), SdkBody::empty());
        if let Some(region) = self.bucket_region {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// What comes of telling the pages of a bucket, and where that was tried.
async fn told(
    variables: &[(&'static str, &'static str)],
    bucket: &str,
    status: u16,
    bucket_region: Option<&'static str>,
) -> (Result<(), String>, Vec<(String, String)>) {
    let s3 = S3 { status, bucket_region, asked: Arc::default() };
    let web = SharedHttpConnector::new(s3.clone());
    let variables = variables.to_vec();
    let lookup = move |key: &str| variables.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
    let credentials = SharedCredentialsProvider::new(Credentials::new("id", "key", None, None, "test"));
    let sdk = aws::sdk_config(lookup, &web).into_builder().credentials_provider(credentials).build();
    let page = Bucket::new(&sdk, bucket, Arc::new(|| Timestamp::UNIX_EPOCH), web);
    let [window, ..] = files(&Content::default());
    let answer = page.write(&window).await;
    let asked = s3.asked.lock().expect("no panic").clone();
    (answer, asked)
}

/// Where S3 is asked, if it is.
async fn address(variables: &[(&'static str, &'static str)], bucket: &str) -> String {
    let (answer, asked) = told(variables, bucket, 204, None).await;
    answer.map_or_else(|problem| problem, |()| asked[0].0.clone())
}

#[tokio::test]
async fn the_page_is_told_in_every_partition() {
    let regions = [
        ("us-east-1", "amazonaws.com"),
        ("eu-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-gov-west-1", "amazonaws.com"),
        ("eusc-de-east-1", "amazonaws.eu"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "cloud.adc-e.uk"),
        ("us-isof-south-1", "csp.hci.ic.gov"),
    ];
    for (region, domain) in regions {
        for bucket in ["pages", "pages.example.com"] {
            let (answer, asked) = told(&[("AWS_REGION", region)], bucket, 204, None).await;
            assert_eq!(answer, Ok(()), "{region}");
            let address = format!("https://s3.{region}.{domain}/{bucket}/errors/window.json");
            assert_eq!(asked, [(address, format!("{region}/s3/aws4_request"))]);
        }
    }
}

#[tokio::test]
async fn the_page_is_told_by_fips_dual_stack_and_both() {
    let (fips, dual) = (("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true"));
    let (us, gov, china) = (("AWS_REGION", "us-east-1"), ("AWS_REGION", "us-gov-east-1"), ("AWS_REGION", "cn-north-1"));
    let cases: [(&[_], &str); 6] = [
        (&[us, fips], "s3-fips.us-east-1.amazonaws.com"),
        (&[us, dual], "s3.dualstack.us-east-1.amazonaws.com"),
        (&[us, fips, dual], "s3-fips.dualstack.us-east-1.amazonaws.com"),
        (&[gov, fips], "s3-fips.us-gov-east-1.amazonaws.com"),
        (&[gov, fips, dual], "s3-fips.dualstack.us-gov-east-1.amazonaws.com"),
        (&[china, dual], "s3.dualstack.cn-north-1.amazonaws.com.cn"),
    ];
    for (variables, host) in cases {
        let expected = format!("https://{host}/pages.example.com/errors/window.json");
        assert_eq!(address(variables, "pages.example.com").await, expected);
    }
    let refused = address(&[china, fips], "pages").await;
    assert!(refused.contains("Partition does not support FIPS"), "{refused}");
    assert!(refused.contains("; see AWS_REGION, AWS_USE_FIPS_ENDPOINT, "), "{refused}");
}

#[tokio::test]
async fn the_page_is_told_at_an_endpoint_of_its_own_or_that_of_all() {
    let region = ("AWS_REGION", "eu-west-1");
    let (all, own) =
        (("AWS_ENDPOINT_URL", "http://localhost:1"), ("AWS_ENDPOINT_URL_S3", "http://s3.internal:2/base/"));
    let sns = ("AWS_ENDPOINT_URL_SNS", "http://localhost:3");
    assert_eq!(address(&[region, all, sns], "pages").await, "http://localhost:1/pages/errors/window.json");
    assert_eq!(address(&[region, all, own], "a.b").await, "http://s3.internal:2/base/a.b/errors/window.json");
    assert_eq!(address(&[region, sns], "pages").await, "https://s3.eu-west-1.amazonaws.com/pages/errors/window.json");
    let both = address(&[region, own, ("AWS_USE_FIPS_ENDPOINT", "true")], "pages").await;
    assert!(both.contains("custom endpoint") && both.contains("AWS_ENDPOINT_URL_S3"), "{both}");
    let nowhere = address(&[], "pages").await;
    assert!(nowhere.contains("region must be set") && nowhere.contains("AWS_REGION"), "{nowhere}");
}

#[tokio::test]
async fn a_bucket_in_another_region_is_named_as_such() {
    let told = async |status, region| told(&[("AWS_REGION", "eu-west-1")], "pages", status, region).await.0;
    for status in [301, 307, 400, 403] {
        let problem = told(status, Some("us-east-1")).await.expect_err("refused");
        assert_eq!(
            problem,
            format!(
                "the visitors' page could not be told when maintenance ends (S3 answered {status}: the bucket pages is \
                 in another Region, us-east-1); set ErrorBucket to a bucket in the function's Region, eu-west-1"
            )
        );
    }
    let unnamed = told(301, None).await.expect_err("refused");
    assert!(unnamed.contains("(S3 answered 301: the bucket pages is in another Region); set ErrorBucket"), "{unnamed}");
    let odd = told(301, Some("<b>a sentence</b>")).await.expect_err("refused");
    assert_eq!(odd, unnamed, "what is no Region's name is not repeated");
    for (status, region) in [(403, None), (403, Some("eu-west-1")), (400, None), (404, None), (503, None)] {
        let problem = told(status, region).await.expect_err("refused");
        assert!(problem.contains(&format!("(S3 answered {status}); see that ErrorBucket exists")), "{problem}");
    }
    assert_eq!(told(200, Some("eu-west-1")).await, Ok(()));
}

/// What a figure's values were, oldest first.
fn figures(world: &World, name: &str) -> Vec<i64> {
    let said = world.state().said.clone();
    let lines = said.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["_aws"].is_object()).filter_map(|line| line[name].as_i64()).collect()
}

#[tokio::test(start_paused = true)]
async fn figures_are_told_of_what_goes_on_and_of_nothing_else() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("01:50").await;
    let silent = |world: &World| world.state().said.iter().all(|line| !line.contains("_aws"));
    assert!(silent(&world), "an idle night pays for nothing");
    world.run_until("02:00:10").await;
    assert_eq!(figures(&world, "MaintenanceActive"), [1]);
    world.run_until("02:08").await;
    assert_eq!(figures(&world, "MaintenanceActive"), [1, 1, 1], "the start and two sweeps");
    world.run_until("03:10").await;
    assert_eq!(figures(&world, "MaintenanceActive").last(), Some(&0));
    assert_eq!((figures(&world, "StartLateSeconds"), figures(&world, "EndLateSeconds")), (vec![0], vec![0]));
    for idle in ["Drift", "OverrunSeconds", "SeenAfterSeconds"] {
        assert_eq!(figures(&world, idle), [0; 0], "{idle}");
    }
    world.state().said.clear();
    world.run_until("03:40").await;
    assert!(silent(&world), "nor does a night that is over");
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_fails_its_run_and_is_counted_and_nothing_else_is() {
    let world = World::new(1);
    let refused = async |event: Value| world.invoke(event).await.expect_err("refused").kind();
    assert_eq!(refused(json!({"action": "stauts"})).await, "InvalidEvent");
    let invoked_at = world.now();
    assert_eq!(refused(json!({"action": "extend", "id": "nobody", "by": "PT5M"})).await, "InvalidEvent");
    assert!(world.now() > invoked_at, "it reads the table");
    assert_eq!(figures(&world, "RefusedEvents"), [1, 1]);
    let said = world.state().said.clone();
    let figure = said.iter().rfind(|line| line.contains("_aws")).expect("a figure");
    let line: Value = serde_json::from_str(figure).expect("JSON");
    assert_eq!(line["_aws"]["Timestamp"], invoked_at.as_millisecond(), "as Lambda dates the error");
    let metric = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(metric["Metrics"], json!([{"Name": "RefusedEvents", "Unit": "Count"}]));
    assert_eq!((&metric["Namespace"], &metric["Dimensions"]), (&json!("MaintenanceWindow"), &json!([["Stack"]])));
    assert_eq!(line["Stack"], "maintenance");
    world.state().said.clear();
    world.invoke(json!({"action": "status"})).await.expect("status");
    world.invoke(json!({"action": "help"})).await.expect("help");
    assert_eq!(figures(&world, "RefusedEvents"), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_no_refusal_is_not_counted_as_one() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.state().broken = vec!["Query"];
    assert_ne!(world.invoke(json!({"action": "sweep"})).await.expect_err("failed").kind(), "InvalidEvent");
    assert_eq!(figures(&world, "RefusedEvents"), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_late_start_and_an_early_end_are_measured_once() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    while world.next_event(world.at("01:58"), jiff::SignedDuration::ZERO, false).await {}
    world.until(world.at("02:04")).await;
    world.run_until("02:30").await;
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(figures(&world, "StartLateSeconds"), [240]);
    // The calls until then take some milliseconds.
    assert_eq!(figures(&world, "EndLateSeconds"), [-1799]);
    assert_eq!(figures(&world, "OverrunSeconds"), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_window_past_its_end_is_measured_for_as_long_as_it_keeps_rules() {
    let overruns = |world: &World| figures(world, "OverrunSeconds");
    let held = World::new(1);
    let mut event = window();
    event["at_end"] = json!("hold");
    held.invoke(event).await.expect("booked");
    held.run_until("02:59").await;
    assert_eq!(overruns(&held), [0; 0], "its end is still to come");
    held.run_until("03:11").await;
    let told = overruns(&held);
    assert!(told.ends_with(&[17, 317, 617]), "{told:?}");
    held.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(overruns(&held), told, "it is over");

    let failing = World::new(1);
    failing.invoke(window()).await.expect("booked");
    failing.run_until("02:10").await;
    failing.state().broken = vec!["ModifyRule"];
    failing.run_until("02:20").await;
    assert_eq!(overruns(&failing), [0; 0]);
    failing.run_until("03:06").await;
    assert!(overruns(&failing).contains(&317), "{:?}", overruns(&failing));

    let overlapped = World::new(1);
    overlapped.invoke(window()).await.expect("booked");
    overlapped
        .invoke(json!({"id": "x", "start": "2026-12-06T02:30Z", "end": "2026-12-06T04:00Z"}))
        .await
        .expect("booked");
    overlapped.run_until("03:20").await;
    assert!(overlapped.is_dark(0));
    assert_eq!(overruns(&overlapped), [0; 0], "another window keeps the rule");

    let mut stuck = World::new(2);
    stuck.invoke(window()).await.expect("booked");
    stuck.run_until("02:10").await;
    stuck.settings.insert("RULE_ARNS", rule_arn(0));
    stuck.run_until("03:06").await;
    assert!(overruns(&stuck).contains(&317), "{:?}", overruns(&stuck));
}

#[tokio::test(start_paused = true)]
async fn every_rule_that_others_changed_counts_as_drift() {
    let drifts = |world: &World| figures(world, "Drift");
    // No window at all: two rules that let only testers through.
    let orphans = World::new(3);
    for nth in [0, 1] {
        orphans.set_conditions(nth, vec![header("x-maintenance-bypass", SECRET)]);
    }
    orphans.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(drifts(&orphans), [2]);
    // A window of which one rule is gone, one was opened, and one is as it should be.
    let world = World::new(3);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:08").await;
    assert_eq!(drifts(&world), [0; 0]);
    world.state().rules.remove(&rule_arn(0));
    world.set_conditions(1, vec![path(&["*"])]);
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(drifts(&world), [2]);
    // At the end, one that was edited is left alone.
    world.run_until("02:58").await;
    let before = drifts(&world).len();
    world.set_conditions(1, vec![path(&["/new"])]);
    world.run_until("03:00:10").await;
    assert_eq!(drifts(&world)[before..], [2], "the missing one and the edited one");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_windows_business_or_long_ago_is_no_drift() {
    let drifts = |world: &World| figures(world, "Drift");
    let swept = async |world: &World| world.invoke(json!({"action": "sweep"})).await.expect("swept");
    let mut event = window();
    event["rules"] = json!([rule_arn(0)]);
    let world = World::new(2);
    world.invoke(event).await.expect("booked");
    // A rule is gone while its window is still ahead, and comes back in time.
    let rule = world.state().rules.remove(&rule_arn(0)).expect("a rule");
    swept(&world).await;
    world.state().rules.insert(rule_arn(0), rule);
    world.run_until("02:08").await;
    // The other rule has no window.
    world.state().rules.remove(&rule_arn(1));
    swept(&world).await;
    assert_eq!(drifts(&world), [0; 0]);
    world.set_conditions(0, vec![path(&["/opened"])]);
    swept(&world).await;
    world.run_until("02:30").await;
    assert_eq!(drifts(&world), [1], "it was narrowed again at once, and counts once");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_cannot_be_closed_in_time_is_no_drift() {
    let mut world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.settings.insert("BYPASS_HEADER_VALUE", "short".to_owned());
    world.run_until("02:10").await;
    assert_eq!(figures(&world, "Drift"), [0; 0], "the settings are to blame");
    let world = World::new(1);
    world.invoke(json!({"action": "on", "id": "w", "duration": "PT1H"})).await.expect("on");
    world.damage_rule_item(0, &["owner"]);
    world.set_conditions(0, vec![path(&["*"])]);
    world.invoke(json!({"action": "sweep"})).await.ok();
    assert_eq!(figures(&world, "Drift"), [0; 0], "what is saved of it is to blame");
}

#[tokio::test(start_paused = true)]
async fn how_late_a_window_ended_is_measured_once_however_long_its_report_waits() {
    let world = World::new(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:58").await;
    world.state().broken = vec!["Publish"];
    world.run_until("03:30").await;
    assert!(!world.is_dark(0));
    assert_eq!(figures(&world, "EndLateSeconds"), [0; 0], "it is not over before that is told");
    world.state().broken.clear();
    world.run_until("03:50").await;
    assert_eq!(figures(&world, "EndLateSeconds"), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_visitor_meets_says_nothing_so_soon_after_a_change() {
    let status = async |world: &World| {
        let told = world.invoke(json!({"action": "status"})).await.expect("status");
        (told.outcome, told.visitor.expect("asked").met)
    };
    // The load balancer applies nothing, so what is said of the rules is all there is at first.
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_hours(9);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    world.invoke(json!({"action": "wake", "id": "w"})).await.expect("woken");
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    let (site, met) = status(&world).await;
    assert_eq!((site.as_str(), met), ("open_unplanned", Met::Application), "it was watched for a minute");
    // A rule that others opened is closed again: the window and the site are old, and this change is not.
    let world = World::probed(1);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:10").await;
    world.state().site_lag = jiff::SignedDuration::from_hours(9);
    world.set_conditions(0, vec![path(&["/opened"])]);
    world.invoke(json!({"action": "sweep"})).await.expect("swept");
    assert_eq!(status(&world).await, ("maintenance".to_owned(), Met::Application));
    world.until(world.now() + jiff::SignedDuration::from_secs(61)).await;
    assert_eq!(status(&world).await, ("open_unplanned".to_owned(), Met::Application));
}

#[tokio::test(start_paused = true)]
async fn the_page_is_written_when_there_is_news_and_at_no_other_time() {
    let world = world();
    let mut event = window();
    event["at_end"] = json!("hold");
    world.invoke(event).await.expect("booked");
    world.invoke(json!({"id": "x", "start": "2026-12-06T12:00Z", "end": "2026-12-06T13:00Z"})).await.expect("booked");
    world.invoke(json!({"action": "cancel", "id": "x"})).await.expect("cancelled");
    let writes = |world: &World| -> Vec<String> {
        let state = world.state();
        let writes = state.calls.iter().filter(|call| call.name.ends_with("Object"));
        writes.map(|call| format!("{} {}", call.at.strftime("%H:%M"), call.name)).collect()
    };
    // What a deleted stack, or one of an earlier version, may have left there is removed once.
    assert_eq!(writes(&world).concat(), "00:00 DeleteObject".repeat(3));
    world.state().calls.clear();
    world.run_until("02:40").await;
    assert_eq!(writes(&world), ["02:00 PutObject"]);
    world.run_until("03:30").await;
    assert_eq!(writes(&world), ["02:00 PutObject", "03:00 PutObject"]);
    assert_eq!(world.page().as_ref().expect("told")["end"], Value::Null, "nobody knows when a held one ends");
    world.invoke(json!({"action": "off"})).await.expect("off");
    assert_eq!(writes(&world).last().map(String::as_str), Some("03:30 DeleteObject"));
    assert_eq!(writes(&world).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_start_and_an_end_are_reported_once_visitors_see_them() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(12);
    world.invoke(window()).await.expect("booked");
    world.run_until("03:10").await;
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    for report in &world.state().published[1..] {
        let seen = report.document["actual"]["seen_after_secs"].as_i64().expect("seen");
        assert!((11..=14).contains(&seen), "{seen}");
        let late = &report.document["actual"];
        assert_eq!(late["start_late_secs"], 0, "the watch is not lateness");
        assert!(report.document["text"].as_str().is_some_and(|text| text.contains("by visitors after")));
    }
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_what_a_visitor_got_if_the_site_was_asked() {
    let told = async |world: &World, event: Value| {
        let answer = serde_json::to_value(world.invoke(event).await.expect("an answer")).expect("JSON");
        answer.get("visitor").cloned()
    };
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(12);
    let started = told(&world, json!({"action": "on", "duration": "PT30M"})).await.expect("asked");
    assert_eq!(started["met"], "maintenance");
    assert!(started["after_secs"].as_i64().is_some_and(|secs| (11..=14).contains(&secs)), "{started}");
    // Also so soon after a change that it proves nothing yet about the rules.
    let status = told(&world, json!({"action": "status"})).await;
    assert_eq!(status, Some(json!({"met": "maintenance", "got": started["got"]})));
    let ended = told(&world, json!({"action": "off"})).await.expect("asked");
    assert_eq!(ended["met"], "application");

    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_hours(9);
    let unseen = told(&world, json!({"action": "on", "duration": "PT30M"})).await.expect("asked");
    assert_eq!((&unseen["met"], unseen["after_secs"].as_i64() >= Some(59)), (&json!("application"), true), "{unseen}");
    assert_eq!(told(&world, json!({"action": "status"})).await.expect("asked")["met"], "application");
    world.no_secret_was_said();

    let world = World::new(1);
    assert_eq!(told(&world, json!({"action": "on", "duration": "PT30M"})).await, None);
    assert_eq!(told(&world, json!({"action": "status"})).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_what_is_there_already_says_as_much_of_visitors_as_any_other() {
    let mut world = World::probed(1);
    world.settings.insert("ERROR_BUCKET", "error-pages".to_owned());
    let on = json!({"action": "on", "id": "w", "duration": "PT30M"});
    world.state().broken = vec!["ModifyRule", "PutObject"];
    world.invoke(on.clone()).await.expect_err("the rule cannot be changed");
    world.state().broken = vec!["PutObject"];
    world.until(world.at("00:10")).await;
    let again = world.invoke(on).await.expect("it starts now");
    assert!(world.is_dark(0) && again.outcome == "unchanged", "{}", again.message);
    let visitor = serde_json::to_value(again.visitor).expect("JSON");
    assert_eq!(visitor["met"], "maintenance", "{visitor}");
    assert!(again.warnings.iter().any(|told| told.contains("page could not be told")), "{:?}", again.warnings);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_visitors_never_see_is_a_failure_that_says_what_they_got() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_hours(9);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:20").await;
    assert_eq!(world.events(), ["booked", "failed", "started"]);
    let text = world.text_of("failed");
    assert!(text.contains("a visitor got status 200"), "{text}");
    world.no_secret_was_said();
}

#[tokio::test(start_paused = true)]
async fn a_start_is_noted_before_it_is_watched_and_only_if_it_came_about() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(20);
    world.invoke(window()).await.expect("booked");
    world.run_until("01:58").await;
    world.state().calls.clear();
    world.run_until("02:00:40").await;
    let calls: Vec<(String, i64)> = {
        let state = world.state();
        let start = world.at("02:00");
        let changes = state.calls.iter().filter(|call| call.name != "DescribeRules" && call.name != "Query");
        changes.map(|call| (call.name.clone(), call.at.duration_since(start).as_secs())).collect()
    };
    let names: Vec<&str> = calls.iter().map(|(name, _)| name.as_str()).collect();
    // What to restore and that it is active, the rule, when it really started; and only then the report.
    assert_eq!(names, ["TransactWriteItems", "ModifyRule", "UpdateItem", "Publish", "UpdateItem"], "{calls:?}");
    assert!(calls[2].1 < 5 && calls[3].1 >= 19, "{calls:?}");
    assert_eq!(
        world.window("w").expect("a window")["started_at"].as_str().map(|at| &at[..19]),
        Some("2026-12-06T02:00:00")
    );

    let failing = World::probed(1);
    failing.invoke(window()).await.expect("booked");
    failing.run_until("01:58").await;
    failing.state().broken = vec!["ModifyRule"];
    failing.run_until("02:10").await;
    let kept = failing.window("w").expect("a window");
    assert_eq!((&kept["state"], &kept["started_at"]), (&json!("active"), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_switched_off_while_it_was_watched_is_not_reported_as_started() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    let (wake, off) = (json!({"action": "wake", "id": "w"}), json!({"action": "off"}));
    let person = async {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        let off = Box::pin(world.invoke_as(1, &off, "off")).await.expect("lives").expect("off");
        assert_eq!(off.outcome, "completed");
    };
    let (start, ()) = tokio::join!(Box::pin(world.invoke_as(0, &wake, "wake")), person);
    start.expect("lives").expect("answered");
    world.run_until("02:20").await;
    assert_eq!(world.events(), ["booked", "completed"]);
    assert!(!world.is_dark(0) && world.windows().is_empty());
    assert_eq!(world.state().violations, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_being_watched_can_no_longer_be_moved() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:50").await;
    world.until(world.at("03:00")).await;
    let (wake, extend) = (json!({"action": "wake", "id": "w"}), json!({"action": "extend", "id": "w", "by": "PT30M"}));
    let person = async {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        Box::pin(world.invoke_as(1, &extend, "extend")).await.expect("lives").expect_err("too late")
    };
    let (end, refused) = tokio::join!(Box::pin(world.invoke_as(0, &wake, "wake")), person);
    end.expect("lives").expect("ended");
    assert_eq!(refused.kind(), "InvalidEvent");
    world.run_until("03:20").await;
    assert_eq!(world.events(), ["booked", "started", "completed"]);
    assert!(!world.is_dark(0) && world.windows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_begins_while_an_end_is_watched_is_what_the_report_shows() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.run_until("02:50").await;
    world.until(world.at("03:00")).await;
    let (wake, on) = (json!({"action": "wake", "id": "w"}), json!({"action": "on", "id": "x"}));
    let person = async {
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        Box::pin(world.invoke_as(1, &on, "on")).await.expect("lives").expect("on");
    };
    let (end, ()) = tokio::join!(Box::pin(world.invoke_as(0, &wake, "wake")), person);
    end.expect("lives").expect("ended");
    world.run_until("03:20").await;
    assert!(world.is_dark(0));
    let completed: Vec<Value> = {
        let state = world.state();
        let completed = state.published.iter().filter(|report| report.event() == "completed");
        completed.map(|report| report.document["rules"][0]["state"].clone()).collect()
    };
    assert_eq!(completed, [json!("closed")], "it is over, and its rule is another window's");
    assert_eq!(world.state().violations, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_others_report_while_a_start_is_watched_is_not_reported_again() {
    let world = World::probed(1);
    world.state().site_lag = jiff::SignedDuration::from_secs(30);
    world.invoke(window()).await.expect("booked");
    world.until(world.at("02:00")).await;
    let (wake, extend) = (json!({"action": "wake", "id": "w"}), json!({"action": "extend", "id": "w", "by": "PT30M"}));
    let person = async {
        tokio::time::sleep(std::time::Duration::from_millis(10_500)).await;
        Box::pin(world.invoke_as(1, &extend, "extend")).await.expect("lives").expect("extended");
    };
    let (start, ()) = tokio::join!(Box::pin(world.invoke_as(0, &wake, "wake")), person);
    start.expect("lives").expect("started");
    world.run_until("02:20").await;
    assert_eq!((world.count("started"), world.count("extended")), (1, 1), "{:?}", world.events());
}

#[tokio::test(start_paused = true)]
async fn the_site_is_asked_only_when_an_answer_matters() {
    let world = World::probed(1);
    let mut event = window();
    event["at_end"] = json!("hold");
    world.invoke(event).await.expect("booked");
    let asked = |world: &World| world.state().site_asked;
    world.run_until("01:50").await;
    assert_eq!(asked(&world), 0);
    world.run_until("02:10").await;
    let started = asked(&world);
    assert!(started > 0, "the start was watched");
    world.run_until("02:50").await;
    assert_eq!(asked(&world), started, "sweeps during maintenance ask nothing");
    world.run_until("03:30").await;
    assert_eq!(asked(&world), started, "what is held until off has no use for an answer");
    let healthy = World::probed(1);
    let mut event = window();
    event["at_end"] = json!("reopen_if_healthy");
    healthy.invoke(event).await.expect("booked");
    healthy.run_until("02:10").await;
    let before = asked(&healthy);
    healthy.run_until("02:50").await;
    assert_eq!(asked(&healthy), before, "its end is still to come");
    healthy.run_until("03:10").await;
    assert!(asked(&healthy) > before && healthy.count("completed") == 1);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_reopens_if_healthy_waits_for_the_application() {
    let world = World::probed(1);
    let mut event = window();
    event["at_end"] = json!("reopen_if_healthy");
    world.invoke(event).await.expect("booked");
    world.run_until("02:30").await;
    world.state().site_ill = true;
    world.run_until("03:20").await;
    assert!(world.is_dark(0));
    assert_eq!(world.count("overrunning"), 1);
    world.state().site_ill = false;
    world.run_until("03:30").await;
    assert!(!world.is_dark(0));
    assert_eq!(world.count("completed"), 1);
}
