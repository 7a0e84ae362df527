//! Every file in `events/` is read as what its name says.

use std::{collections::BTreeSet, fs};

use maintenance_window::event::{self, ACTIONS, Request};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn every_example_is_accepted_and_every_action_has_one() {
    let world = World::new(1);
    let mut seen = BTreeSet::new();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/events")).expect("events") {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let value = serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON");
        let request = event::read(&value, world.now(), "request-1", &world.config())
            .unwrap_or_else(|error| panic!("{name}: {}", error.full()));
        let action = request.action();
        assert!(name == action || name.starts_with(&format!("{action}-")), "{name} asks for {action}");
        seen.insert(action);
    }
    assert_eq!(seen, BTreeSet::from(ACTIONS));
}

#[tokio::test(start_paused = true)]
async fn a_local_time_a_duration_and_no_action_mean_what_they_look_like() {
    let world = World::new(1);
    let read = |name: &str| {
        let text = fs::read_to_string(format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"))).expect("text");
        let value = serde_json::from_str(&text).expect("JSON");
        match event::read(&value, world.now(), "request-1", &world.config()).expect("accepted") {
            Request::Book(booking) => booking,
            other => panic!("{name} asks for {}", other.action()),
        }
    };
    for name in ["book", "book-from-scheduler"] {
        let window = read(name).window;
        let span = (window.start.to_string(), window.end.expect("an end").to_string());
        assert_eq!(span, ("2026-12-06T02:00:00Z".to_owned(), "2026-12-06T04:00:00Z".to_owned()), "{name}");
    }
    assert!(read("book-dry-run").dry_run);
}
