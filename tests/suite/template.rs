//! The template, the architecture and the code agree: on the settings, on what the function may do, on which file may know
//! what, and on which test is about which promise.

use std::{collections::BTreeSet, fs, path::PathBuf};

use maintenance_window::{
    config::{VARIABLES, parameter},
    model::alarm::OWN_ALARMS,
};

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

#[test]
fn the_alarms_of_the_template_are_those_that_are_never_muted() {
    let template = text("template.yaml");
    let names = template.lines().filter_map(|line| line.trim().strip_prefix("AlarmName: !Sub ${AWS::StackName}-"));
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(OWN_ALARMS));
}

#[test]
fn each_setting_is_known_to_people_by_the_parameter_that_it_comes_from() {
    let template = text("template.yaml");
    let parameters: BTreeSet<&str> = block(&template, "Parameters:")
        .into_iter()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.trim().strip_suffix(':'))
        .collect();
    let variables = block(&template, "Variables:");
    let start = |variable: &str| variables.iter().position(|line| line.trim().starts_with(&format!("{variable}:")));
    for variable in VARIABLES {
        let name = parameter(variable);
        let at = start(variable).expect("a variable of the template");
        let is_next = |line: &&&str| line.trim().bytes().next().is_some_and(|first| first.is_ascii_uppercase());
        let comes_from: String = variables[at + 1..]
            .iter()
            .take_while(|line| !is_next(line))
            .fold(variables[at].to_owned(), |all, line| all + " " + line.trim());
        let words = |text: &str| -> Vec<String> {
            text.split(|sign: char| !sign.is_ascii_alphanumeric()).map(str::to_owned).collect()
        };
        let named: Vec<String> = words(name).into_iter().filter(|word| parameters.contains(word.as_str())).collect();
        if named.is_empty() {
            assert!(name.starts_with("the stack's "), "{variable} is known as {name}");
            assert!(!words(&comes_from).iter().any(|word| parameters.contains(word.as_str())), "{comes_from}");
        }
        for parameter in named {
            assert!(words(&comes_from).contains(&parameter), "{variable} does not come from {parameter}: {comes_from}");
        }
    }
}

/// People know the stack's parameters; the variables are between the template, the settings and the log.
#[test]
fn no_text_that_people_read_names_a_variable_of_the_environment() {
    let sources = files().into_iter().filter(|path| !is_one_of(path, &["config/mod.rs"]));
    let texts = ["tests/suite/snapshots", "schemas", "events"].into_iter().flat_map(files_in);
    for path in sources.chain(texts) {
        let found = fs::read_to_string(&path).expect("text");
        let said = found.split("#[cfg(test)]").next().unwrap_or_default();
        for variable in VARIABLES {
            assert!(!said.contains(variable), "{} names {variable}", path.display());
        }
    }
}

/// A file's code without its tests and without blanks.
fn code(path: &str) -> String {
    text(path).split("#[cfg(test)]").next().unwrap_or_default().replace(char::is_whitespace, "")
}

/// Every call in `src/`, as the IAM actions that it needs.
fn called() -> BTreeSet<String> {
    // A transaction needs no permission of its own: each of its parts needs the one it is named after.
    let operations: [(&str, &[&str]); 13] = [
        ("describe_rules", &["elasticloadbalancing:DescribeRules"]),
        ("describe_listeners", &["elasticloadbalancing:DescribeListeners"]),
        ("modify_rule", &["elasticloadbalancing:ModifyRule"]),
        ("query", &["dynamodb:Query"]),
        ("get_item", &["dynamodb:GetItem"]),
        ("put_item", &["dynamodb:PutItem"]),
        ("update_item", &["dynamodb:UpdateItem"]),
        ("delete_item", &["dynamodb:DeleteItem"]),
        ("transact_write_items", &[]),
        ("create_schedule", &["scheduler:CreateSchedule"]),
        ("delete_schedule", &["scheduler:DeleteSchedule"]),
        ("get_schedule", &["scheduler:GetSchedule"]),
        ("publish", &["sns:Publish"]),
    ];
    let of_topic: (&str, &[&str]) = ("get_topic_attributes", &["sns:GetTopicAttributes"]);
    let mut found = BTreeSet::new();
    for file in ["src/aws/rules.rs", "src/aws/store.rs", "src/aws/wakeups.rs", "src/aws/topic.rs"] {
        for call in code(file).split(".client.").skip(1) {
            let method = call.split('(').next().unwrap_or_default();
            let known = operations.iter().chain([&of_topic]).find(|(name, _)| *name == method);
            let (_, actions) = known.unwrap_or_else(|| panic!("{file} calls {method}, which no test knows"));
            found.extend(actions.iter().map(ToString::to_string));
        }
    }
    let parts = [
        ("put", "dynamodb:PutItem"),
        ("update", "dynamodb:UpdateItem"),
        ("delete", "dynamodb:DeleteItem"),
        ("condition_check", "dynamodb:ConditionCheckItem"),
    ];
    let made = code("src/aws/items.rs") + &code("src/aws/parts.rs");
    for part in made.split("TransactWriteItem::builder().").skip(1) {
        let kind = part.split('(').next().unwrap_or_default();
        let action = parts.iter().find(|(name, _)| *name == kind);
        found.insert(action.unwrap_or_else(|| panic!("a transaction's {kind} is known to no test")).1.to_owned());
    }
    // The visitors' page is written by requests that are signed without an SDK.
    let page = code("src/aws/bucket.rs");
    for (method, action) in [("\"PUT\"", "s3:PutObject"), ("\"DELETE\"", "s3:DeleteObject")] {
        assert!(page.contains(method), "{action}");
        found.insert(action.to_owned());
    }
    // So is what CloudWatch is asked.
    for call in code("src/aws/cloudwatch.rs").split(".ask(\"").skip(1) {
        found.insert(format!("cloudwatch:{}", call.split('"').next().unwrap_or_default()));
    }
    found
}

#[test]
fn the_role_may_do_what_the_code_calls_and_nothing_else() {
    let template = text("template.yaml");
    let role = block(&template, "FunctionRole:").join("\n");
    let granted: BTreeSet<String> = role
        .lines()
        .filter(|line| !line.contains("AssumeRole") && !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split_whitespace())
        .filter(|word| {
            [
                "elasticloadbalancing:",
                "dynamodb:",
                "scheduler:",
                "sns:",
                "iam:Pass",
                "sqs:",
                "logs:",
                "s3:",
                "cloudwatch:",
            ]
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
fn the_alias_that_only_looks_has_the_name_that_the_function_knows() {
    let template = text("template.yaml");
    let alias = block(&template, "LookAlias:");
    let name = alias.iter().find_map(|line| line.trim().strip_prefix("Name: "));
    assert_eq!(name, Some(maintenance_window::model::function::LOOK));
}

#[test]
fn schedules_are_read_by_a_check_only_and_never_listed_or_changed() {
    let never = ["UpdateSchedule", "ListSchedules", "update_schedule", "list_schedules"];
    let template = text("template.yaml");
    let sources =
        files().into_iter().map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("text")));
    for (path, text) in sources.chain([("template.yaml".to_owned(), template)]) {
        for word in never {
            assert!(!text.contains(word), "{path} knows {word}");
        }
        let reads = text.replace(char::is_whitespace, "").contains(".wakeups.read(");
        assert_eq!(reads, path.ends_with("src/checks/schedules.rs"), "{path}");
    }
}

/// Whether a file is one of these, below `src/`.
fn is_one_of(path: &std::path::Path, files: &[&str]) -> bool {
    files.iter().any(|file| path.ends_with(format!("src/{file}")))
}

#[test]
fn each_sdk_is_named_in_one_place_only() {
    let places: [(&str, &[&str]); 4] = [
        // Its endpoint rules are CloudWatch's too.
        ("aws_sdk_elasticloadbalancingv2", &["aws/rules.rs", "aws/cloudwatch.rs"]),
        ("aws_sdk_scheduler", &["aws/wakeups.rs"]),
        ("aws_sdk_sns", &["aws/topic.rs"]),
        ("aws_sdk_dynamodb", &["aws/store.rs", "aws/items.rs", "aws/parts.rs"]),
    ];
    for (sdk, place) in places {
        for path in files() {
            let names = fs::read_to_string(&path).expect("text").contains(sdk);
            // Which endpoints to connect to is asked of all SDKs in the file that they share.
            assert!(is_one_of(&path, &["aws/mod.rs"]) || names == is_one_of(&path, place), "{}", path.display());
        }
    }
}

/// Every file of the source.
fn files() -> Vec<PathBuf> {
    files_in("src")
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR")))];
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
fn what_decides_knows_neither_aws_nor_time_nor_tasks() {
    for folder in ["src/model", "src/plan", "src/event", "src/report", "src/console"] {
        let mut files = files_in(folder);
        // The one that reads what a page shows.
        files.retain(|path| !is_one_of(path, &["console/mod.rs"]));
        assert!(!files.is_empty(), "{folder}");
        for path in files {
            let code = fs::read_to_string(&path).expect("text");
            for foreign in ["aws_", "tokio", "async ", ".await", "Timestamp::now", "std::env", "crate::aws"] {
                assert!(!code.contains(foreign), "{} knows {foreign}", path.display());
            }
        }
    }
}

#[test]
fn every_test_that_the_architecture_names_exists() {
    let architecture = text("ARCHITECTURE.md");
    let main = text("tests/suite/main.rs");
    let modules: Vec<&str> = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let named: BTreeSet<(&str, &str)> = architecture
        .split('`')
        .filter_map(|code| code.split_once("::"))
        .filter(|(module, _)| modules.contains(module))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for (module, test) in named {
        let source = text(&format!("tests/suite/{module}.rs"));
        assert!(source.contains(&format!("fn {test}(")), "{module} has no test {test}");
    }
}
