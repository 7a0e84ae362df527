//! The template, the architecture and the code agree: on the settings, on what the function may do, on which room may
//! know what, and on which test guards what.

use std::{collections::BTreeSet, fs, path::PathBuf};

use maintenance_window::config::VARIABLES;

fn text(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect(path)
}

/// The lines of the block that `head` opens, by indentation.
fn block<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| line.trim() != head);
    let indent = lines.next().map_or(0, |line| line.len() - line.trim_start().len());
    lines.take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() > indent).collect()
}

#[test]
fn every_variable_of_the_template_is_known_and_the_other_way_round() {
    let template = text("template.yaml");
    let block = block(&template, "Variables:");
    let keys = block.iter().filter_map(|line| Some(line.trim().split_once(':')?.0));
    let set: BTreeSet<&str> =
        keys.filter(|key| key.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')).collect();
    assert_eq!(set, BTreeSet::from(VARIABLES));
}

/// The SDK's method names of every call in `src/`, as IAM actions.
fn called() -> BTreeSet<String> {
    let operations = [
        ("describe_rules", "elasticloadbalancing:DescribeRules"),
        ("describe_listeners", "elasticloadbalancing:DescribeListeners"),
        ("get_topic_attributes", "sns:GetTopicAttributes"),
        ("modify_rule", "elasticloadbalancing:ModifyRule"),
        ("list_schedules", "scheduler:ListSchedules"),
        ("get_schedule", "scheduler:GetSchedule"),
        ("create_schedule", "scheduler:CreateSchedule"),
        ("update_schedule", "scheduler:UpdateSchedule"),
        ("delete_schedule", "scheduler:DeleteSchedule"),
        ("publish", "sns:Publish"),
    ];
    let mut found = BTreeSet::new();
    for room in ["src/rule.rs", "src/schedule.rs", "src/notify.rs"] {
        let code = text(room).split("#[cfg(test)]").next().unwrap_or_default().replace(char::is_whitespace, "");
        for call in code.split(".client.").skip(1) {
            let method = call.split('(').next().unwrap_or_default();
            let action = operations.iter().find(|(name, _)| *name == method);
            found.insert(action.unwrap_or_else(|| panic!("{room} calls {method}, which no test knows")).1.to_owned());
        }
    }
    found
}

#[test]
fn the_role_may_do_what_the_code_calls_and_nothing_else() {
    let template = text("template.yaml");
    let role = block(&template, "FunctionRole:").join("\n");
    let granted: BTreeSet<String> = role
        .lines()
        .filter(|line| !line.contains("AssumeRole"))
        .flat_map(|line| line.split_whitespace())
        .filter(|word| {
            ["elasticloadbalancing:", "scheduler:", "sns:", "iam:Pass", "sqs:", "logs:"]
                .iter()
                .any(|service| word.starts_with(service))
                && !word.ends_with(':')
        })
        .map(str::to_owned)
        .collect();
    // Not called by the code: Scheduler is handed its role, Lambda writes the log and the failed runs.
    let besides = ["iam:PassRole", "sqs:SendMessage", "logs:CreateLogStream", "logs:PutLogEvents"].map(str::to_owned);
    let needed: BTreeSet<String> = called().into_iter().chain(besides).collect();
    assert_eq!(granted, needed);
}

#[test]
fn each_sdk_is_named_in_one_room_only() {
    for (sdk, room) in [
        ("aws_sdk_elasticloadbalancingv2", "rule.rs"),
        ("aws_sdk_scheduler", "schedule.rs"),
        ("aws_sdk_sns", "notify.rs"),
    ] {
        for path in rooms() {
            let names = fs::read_to_string(&path).expect("text").contains(sdk);
            // Where all three are connected to, is asked of each in the room they share.
            assert!(path.ends_with("aws.rs") || names == path.ends_with(room), "{}", path.display());
        }
    }
}

/// Every file of the source, in rooms within rooms too.
fn rooms() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

#[test]
fn the_deciding_rooms_know_neither_aws_nor_time_nor_tasks() {
    for room in ["plan", "window", "record", "conditions", "when", "event", "every", "series", "report", "metrics"] {
        let code = text(&format!("src/{room}.rs"));
        for foreign in ["aws_sdk", "tokio", "async ", "Timestamp::now", "std::env"] {
            assert!(!code.contains(foreign), "{room} knows {foreign}");
        }
    }
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let architecture = text("ARCHITECTURE.md");
    let main = text("tests/suite/main.rs");
    let rooms: Vec<&str> = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let named: BTreeSet<(&str, &str)> = architecture
        .split('`')
        .filter_map(|code| code.split_once("::"))
        .filter(|(room, _)| rooms.contains(room))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for (room, test) in named {
        let source = text(&format!("tests/suite/{room}.rs"));
        assert!(source.contains(&format!("fn {test}(")), "{room} has no test {test}");
    }
}
