//! The log: what `LogLevel` adds, and what it never shows.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use maintenance_window::log::{DETAIL, lines};
use serde_json::json;
use tracing::dispatcher::with_default;

use crate::world::{SECRET, World};

/// Where log lines go in these tests.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("lines").clone()).expect("text")
    }
}

/// What is written at this level while `what` runs.
fn logged(level: Option<&str>, what: impl FnOnce()) -> String {
    let written = Lines::default();
    let writer = written.clone();
    with_default(&lines(level, Some("JSON"), move || writer.clone()), what);
    written.text()
}

#[test]
fn details_are_written_at_debug_and_below_only() {
    let say = || {
        tracing::info!(target: DETAIL, "a detail");
        tracing::info!("a fact");
    };
    for (level, detailed) in
        [(Some("TRACE"), true), (Some("DEBUG"), true), (Some("debug"), true), (Some("INFO"), false), (None, false)]
    {
        let text = logged(level, say);
        assert_eq!(text.contains("a detail"), detailed, "{level:?}: {text}");
        assert!(text.contains("a fact"), "{level:?}: {text}");
    }
}

/// Lines of other crates, at DEBUG and TRACE, quote requests with the bypass value in them.
#[test]
fn a_release_is_compiled_without_the_lines_of_others_below_info() {
    let manifest = include_str!("../../Cargo.toml");
    let tracing = manifest.lines().find(|line| line.starts_with("tracing = ")).expect("tracing");
    assert!(tracing.contains("release_max_level_info"), "{tracing}");
}

#[test]
fn at_debug_each_run_tells_what_it_saw_and_decided_and_no_headers_value() {
    let night = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let world = World::new(1);
            let event = json!({"action": "on", "id": "night", "duration": "PT1H"});
            assert_eq!(world.invoke(event).await.expect("started").outcome, "started");
            let event = json!({"action": "off", "id": "night"});
            assert_eq!(world.invoke(event).await.expect("completed").outcome, "completed");
            let window = |id: &str| json!({"id": id, "start": "2026-12-06T02:00Z", "duration": "PT1H"});
            world.invoke(window("woken")).await.expect("booked");
            world.state().broken = vec!["CreateSchedule"];
            world.invoke(window("unwoken")).await.expect_err("without wake-ups");
            world.invoke(json!({"action": "sweep"})).await.expect_err("they cannot be made");
        });
    };
    let details = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains(" seen\"")).map(str::to_owned).collect()
    };
    assert_eq!(details(&logged(Some("INFO"), night)), Vec::<String>::new());
    let lines = details(&logged(Some("DEBUG"), night));
    assert!(lines.iter().any(|line| line.contains("window seen") && line.contains("night")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("rule seen") && line.contains("Restore")), "{lines:?}");
    for (id, lacks) in [("woken", false), ("unwoken", true)] {
        let of_it: Vec<&String> = lines.iter().filter(|line| line.contains(&format!("\"{id}\""))).collect();
        let told = format!("\"window.lacks_wake_ups\":{lacks}");
        assert!(!of_it.is_empty() && of_it.iter().all(|line| line.contains(&told)), "{id}: {lines:?}");
    }
    for line in lines {
        assert!(!line.contains(SECRET), "{line}");
    }
}
