//! A whole night on one screen: every call and every report, minute by minute.

use serde_json::json;

use crate::world::{World, path};

/// Renders what happened since the start: a line for each moment at which something was called.
fn diary(world: &World) -> String {
    let state = world.state();
    let mut lines: Vec<(String, Vec<String>)> = vec![];
    for call in &state.calls {
        let minute = call.at.strftime("%H:%M").to_string();
        let subject = call.subject.rsplit('/').next().unwrap_or_default();
        let mut what = if subject.is_empty() { call.name.clone() } else { format!("{} {subject}", call.name) };
        if call.name == "Publish" {
            let report = state.published.iter().find(|report| report.at >= call.at).expect("a report");
            what = format!("Publish {}", report.event());
        }
        match lines.last_mut() {
            Some((last, calls)) if *last == minute => calls.push(what),
            _ => lines.push((minute, vec![what])),
        }
    }
    // Sweeps with nothing to do look alike.
    let mut diary = String::new();
    let mut quiet = 0;
    for (minute, calls) in &lines {
        let idle = calls.iter().all(|call| call.starts_with("DescribeRules") || call.starts_with("Query"));
        if idle {
            quiet += 1;
            continue;
        }
        if quiet > 0 {
            diary.push_str(&format!("      … {quiet} quiet looks\n"));
            quiet = 0;
        }
        diary.push_str(&format!("{minute} {}\n", calls.join(", ")));
    }
    if quiet > 0 {
        diary.push_str(&format!("      … {quiet} quiet looks\n"));
    }
    diary
}

#[tokio::test(start_paused = true)]
async fn a_whole_night_on_one_screen() {
    let world = World::new(1);
    world.set_conditions(0, vec![path(&["/*"])]);
    let event = json!({"start": "2026-12-06T02:00:00Z", "end": "2026-12-06T03:00:00Z", "id": "db-move", "reason": "database move"});
    let booked = world.invoke(event).await.expect("booked");
    assert_eq!(booked.outcome, "booked");
    world.run_until("04:00").await;
    assert_eq!(world.conditions(0), [path(&["/*"])]);
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
    insta::assert_snapshot!(diary(&world));
}
