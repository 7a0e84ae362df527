//! What a rule shows, and what is to be done about it.

use super::{Change, Input, Obstacle, RulePlan, RuleState, Way};
use crate::model::{
    bypass::Bypass,
    conditions::{self, Condition, same},
    may_narrow::may_narrow,
    mute::SURELY_OVER,
    rule_arn::RuleArn,
    seen::Seen,
    table::{Drift, Edit, Narrowed, Remains, RuleItem},
    window::{State, Window},
};

/// How a rule's conditions read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As an owner wrote them.
    Open,
    /// Only requests with the bypass header match.
    HeaderOnly,
}

impl From<Form> for RuleState {
    fn from(form: Form) -> Self {
        match form {
            Form::Open => Self::Open,
            Form::HeaderOnly => Self::HeaderOnly,
        }
    }
}

/// A rule's conditions, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// How they read.
    pub form: Form,
    /// What the rule's owner wants it to demand.
    pub owner: Vec<Condition>,
    /// That differs from what is saved.
    pub edited: bool,
    /// The header in it is today's, with today's values.
    pub up_to_date: bool,
    /// The form that it is seen in, while it is header-only.
    pub narrowed: Option<Narrowed>,
}

/// Reads a rule's conditions.
///
/// What is saved of the rule says how we narrowed it; today's settings may differ.
#[must_use]
pub fn read_rule(current: &[Condition], saved: Option<&RuleItem>, bypass: Option<&Bypass>) -> Reading {
    let edited = |owner: &[Condition]| saved.is_some_and(|saved| !same(&saved.owner, owner));
    let open = || Reading {
        form: Form::Open,
        owner: current.to_vec(),
        edited: edited(current),
        up_to_date: false,
        narrowed: None,
    };
    if saved.is_some_and(|saved| same(&saved.owner, current)) {
        return open();
    }
    let todays = bypass.map(conditions::bypass_header);
    let is_todays = |condition: &&Condition| same(std::slice::from_ref(*condition), todays.as_slice());
    let header_only = |owner: Vec<Condition>, headers: &[&Condition]| Reading {
        form: Form::HeaderOnly,
        edited: edited(&owner),
        owner,
        up_to_date: headers.len() == 1 && headers.iter().all(is_todays),
        narrowed: None,
    };
    if let Some((saved, (header, form))) = saved.and_then(|saved| Some((saved, as_narrowed(current, saved, bypass)?))) {
        let seen = Narrowed { mark: conditions::mark(header).unwrap_or_default(), ..form };
        return Reading { narrowed: Some(seen), ..header_only(saved.owner.clone(), &[header]) };
    }
    let (ours, others): (Vec<&Condition>, Vec<&Condition>) =
        current.iter().partition(|condition| is_ours(condition, saved, bypass));
    if ours.is_empty() {
        return open();
    }
    let owner = match (others.is_empty(), saved) {
        (false, _) => others.into_iter().cloned().collect(),
        (true, Some(saved)) => saved.owner.clone(),
        (true, None) => conditions::catch_all(),
    };
    let mark = ours.first().and_then(|header| conditions::mark(header));
    let narrowed = mark.map(|mark| Narrowed { mark, rest: owner.clone() });
    Reading { narrowed, ..header_only(owner, &ours) }
}

/// Reads the conditions of a rule of which what is saved is damaged, by what is left of that; nothing if nobody can tell
/// whether a header in them is ours.
fn read_remains(current: &[Condition], left: &Remains, bypass: Option<&Bypass>) -> Option<Reading> {
    let reading =
        |form, owner: Vec<Condition>| Reading { form, owner, edited: false, up_to_date: false, narrowed: None };
    if left.owner.as_ref().is_some_and(|owner| same(owner, current)) {
        return Some(reading(Form::Open, current.to_vec()));
    }
    let by_value = |condition: &Condition| bypass.is_some_and(|bypass| conditions::is_bypass(condition, bypass));
    let is_known = |condition: &Condition| conditions::mark(condition).is_some_and(|mark| left.marks.contains(&mark));
    let (ours, others): (Vec<&Condition>, Vec<&Condition>) =
        current.iter().partition(|condition| by_value(condition) || is_known(condition));
    if ours.is_empty() {
        let may_be_ours = |condition: &Condition| {
            let names = [left.header.as_deref(), bypass.map(|bypass| bypass.name.as_str())];
            let is_named = |name: &str| conditions::names_header(condition, name);
            conditions::mark(condition).is_some()
                && (left.header.is_none() || names.into_iter().flatten().any(is_named))
        };
        let is_open = left.all_marks || !current.iter().any(may_be_ours);
        return is_open.then(|| reading(Form::Open, current.to_vec()));
    }
    let beside = if others.is_empty() { conditions::catch_all() } else { others.into_iter().cloned().collect() };
    Some(reading(Form::HeaderOnly, left.owner.clone().unwrap_or(beside)))
}

/// Whether a condition is the bypass header: by its value, or because a rule was narrowed with it, whatever the settings
/// say today. A header of that name with another value is its owner's.
fn is_ours(condition: &Condition, saved: Option<&RuleItem>, bypass: Option<&Bypass>) -> bool {
    let by_value = bypass.is_some_and(|bypass| conditions::is_bypass(condition, bypass));
    by_value
        || conditions::mark(condition)
            .is_some_and(|mark| saved.is_some_and(|saved| saved.forms().any(|form| form.mark == mark)))
}

/// The header of a rule that stands as it was narrowed, and the saved form: that form, and one condition of ours.
/// The header alone counts, too, whatever room the saved conditions would leave today.
fn as_narrowed<'a>(
    current: &'a [Condition],
    saved: &RuleItem,
    bypass: Option<&Bypass>,
) -> Option<(&'a Condition, Narrowed)> {
    saved.forms().find_map(|form| {
        let header = current.iter().enumerate().find_map(|(nth, condition)| {
            let mut others = current.to_vec();
            others.remove(nth);
            let as_saved = others.is_empty() || same(&others, &form.rest);
            (as_saved && is_ours(condition, Some(saved), bypass)).then_some(condition)
        });
        Some((header?, form))
    })
}

/// What is to be done about one rule, given the windows as they are after this plan's changes of state.
pub(super) fn plan_rule(input: &Input<'_>, windows: &[Window], arn: &RuleArn, seen: &Seen) -> RulePlan {
    let managed = input.config.rules.contains(arn);
    let saved = input.table.rules.get(arn);
    let covering: Vec<&Window> =
        windows.iter().filter(|window| window.is_covering() && window.rules.covers(arn, managed)).collect();
    let bypass = input.config.bypass.as_ref();
    let blank = RulePlan {
        arn: arn.clone(),
        state: RuleState::Open,
        form: None,
        idle: input.rules.idle.contains(arn),
        save: None,
        change: None,
        obstacle: None,
        odd: false,
        left_alone: None,
    };
    let left = input.table.remains_of(arn);
    let read = |conditions: &[Condition]| match left {
        Some(left) => read_remains(conditions, left, bypass),
        None => Some(read_rule(conditions, saved, bypass)),
    };
    match seen {
        Seen::Gone => RulePlan { state: RuleState::Gone, obstacle: Some(Obstacle::Gone), ..blank },
        Seen::Unsupported { why, known, whole } => {
            let form = read(known).map(|reading| reading.form);
            let stuck = form == Some(Form::HeaderOnly) && covering.is_empty();
            let obstacle = if stuck { Obstacle::StuckUnsupported } else { Obstacle::Unsupported };
            // With our header it lets no visitor in, whatever else it demands; without, that decides.
            let form = form.filter(|form| *form == Form::HeaderOnly || *whole);
            RulePlan { state: RuleState::Unsupported, form, obstacle: Some(obstacle(why.clone())), ..blank }
        }
        Seen::Conditions(current) => {
            let Some(reading) = read(current) else { return untold(covering.is_empty(), blank) };
            let blank = RulePlan { state: reading.form.into(), form: Some(reading.form), ..blank };
            if let (true, Some(left)) = (managed, left) {
                return damaged(input, &reading, left, covering.is_empty(), blank);
            }
            match (managed, reading.form, covering.is_empty()) {
                (false, Form::Open, _) => RulePlan { obstacle: Some(Obstacle::Unmanaged), ..blank },
                (false, Form::HeaderOnly, true) => RulePlan { obstacle: Some(Obstacle::StuckUnmanaged), ..blank },
                (false, Form::HeaderOnly, false) => blank,
                (true, _, true) => uncovered(input, &reading, saved, blank),
                (true, _, false) => covered(input, &covering, &reading, saved, blank),
            }
        }
    }
}

/// Nobody can tell whether the rule demands our header, since what is saved of it is damaged.
fn untold(is_uncovered: bool, blank: RulePlan) -> RulePlan {
    let why = "demands a header of which nobody can tell whether it is the bypass header, since what is saved of the rule \
               in the table cannot be read";
    let obstacle = if is_uncovered { Obstacle::StuckUnsupported } else { Obstacle::Unsupported };
    RulePlan { state: RuleState::Unsupported, obstacle: Some(obstacle(why.to_owned())), ..blank }
}

/// What is saved of the rule is damaged. So nothing can be saved, and it is not narrowed; it is opened as far as what is
/// left tells what its owner wrote, or if somebody asks for it.
fn damaged(input: &Input<'_>, reading: &Reading, left: &Remains, is_uncovered: bool, blank: RulePlan) -> RulePlan {
    if reading.form == Form::Open || !is_uncovered {
        return RulePlan { obstacle: Some(Obstacle::Damaged), ..blank };
    }
    if left.owner.is_none() && !input.reopen_orphans {
        return RulePlan { obstacle: Some(Obstacle::StuckDamaged), ..blank };
    }
    RulePlan { change: Some(Change { way: Way::Restore, to: reading.owner.clone() }), ..blank }
}

/// No window covers the rule: it is to be open.
fn uncovered(input: &Input<'_>, reading: &Reading, saved: Option<&RuleItem>, blank: RulePlan) -> RulePlan {
    let under_way = |window: &&Window| {
        window.state != State::Booked && saved.is_some_and(|saved| saved.windows.contains(&window.name()))
    };
    let mut windows = input.table.windows.iter().filter(under_way);
    let is_left = windows.clone().next().is_some() && reading.edited;
    let left_alone = is_left.then(|| reading.owner.clone());
    match (reading.form, saved) {
        (Form::Open, _) => {
            // It was reported as narrowed, and this run did not open it: perhaps what was read is old.
            let unexpected = windows.any(|window| window.was_told("started") && window.reopened_at.is_none());
            RulePlan { left_alone, odd: unexpected && !input.changed.contains(&blank.arn), ..blank }
        }
        (Form::HeaderOnly, None) if !input.reopen_orphans => RulePlan { obstacle: Some(Obstacle::Orphaned), ..blank },
        (Form::HeaderOnly, _) => {
            let change = Some(Change { way: Way::Restore, to: reading.owner.clone() });
            RulePlan { change, left_alone, ..blank }
        }
    }
}

/// At least one window covers the rule: it is to be header-only, and what is to be restored is to be in the table.
fn covered(
    input: &Input<'_>,
    covering: &[&Window],
    reading: &Reading,
    saved: Option<&RuleItem>,
    blank: RulePlan,
) -> RulePlan {
    let Some(bypass) = &input.config.bypass else {
        let obstacle = (reading.form == Form::Open).then_some(Obstacle::Settings);
        return RulePlan { obstacle, ..blank };
    };
    let changes = reading.edited || !reading.up_to_date;
    let sender = input.config.sender();
    if changes && !covering.iter().any(|window| may_narrow(window, sender.as_deref(), input.now)) {
        return RulePlan { obstacle: Some(Obstacle::TooLate), ..blank };
    }
    let drift = drift(covering, reading, saved, input);
    let rest = match saved {
        Some(saved) if !changes => saved.rest.clone(),
        _ => conditions::rest(&reading.owner, bypass),
    };
    let header = conditions::bypass_header(bypass);
    let mark = conditions::mark(&header).unwrap_or_default();
    let mut to = rest.clone();
    to.push(header);
    let item = RuleItem {
        arn: blank.arn.clone(),
        version: saved.map_or(0, |saved| saved.version),
        owner: reading.owner.clone(),
        header: bypass.name.clone(),
        former: former(saved, reading, &mark, &rest),
        mark,
        rest,
        saved_at: input.now,
        windows: narrowed_for(covering, saved, input),
        drift,
        owner_before: owner_before(saved, drift),
    };
    let as_saved = |saved: &RuleItem| *saved == RuleItem { saved_at: saved.saved_at, ..item.clone() };
    let overwrites = saved.is_some_and(|saved| !same(&saved.owner, &item.owner));
    let meets_others = input.table.windows.iter().any(|window| window.state != State::Booked);
    RulePlan {
        odd: drift.is_some_and(|drift| !drift.answered) || (overwrites && meets_others),
        save: (!saved.is_some_and(as_saved)).then_some(item),
        change: changes.then_some(Change { way: Way::Narrow, to }),
        ..blank
    }
}

/// The form that the rule may stand in until it is seen in the new one.
fn former(saved: Option<&RuleItem>, reading: &Reading, mark: &str, rest: &[Condition]) -> Option<Narrowed> {
    let is_new = |form: &Narrowed| form.mark == mark && same(&form.rest, rest);
    // What was saved for other conditions of the owner's says nothing about these.
    let kept = saved.filter(|saved| same(&saved.owner, &reading.owner));
    let seen = reading.narrowed.clone().filter(|form| !is_new(form));
    let present = || kept.and_then(|saved| saved.forms().next()).filter(|form| !is_new(form));
    seen.or_else(present).or_else(|| kept.and_then(|saved| saved.former.clone()))
}

/// The windows that the rule is narrowed for: those that were saved and are not over, and those that
/// cover it now.
fn narrowed_for(covering: &[&Window], saved: Option<&RuleItem>, input: &Input<'_>) -> Vec<String> {
    let there = |name: &&String| input.table.windows.iter().any(|window| &window.name() == *name);
    let mut windows: Vec<String> = saved.iter().flat_map(|saved| &saved.windows).filter(there).cloned().collect();
    windows.extend(covering.iter().map(|window| window.name()));
    windows.sort();
    windows.dedup();
    windows
}

/// What the owner had written before the last edit by someone else, which may be new.
fn owner_before(saved: Option<&RuleItem>, drift: Option<Drift>) -> Vec<Condition> {
    let Some(saved) = saved else { return vec![] };
    let which = |drift: Drift| (drift.at, drift.edit);
    if drift.map(which) == saved.drift.map(which) { saved.owner_before.clone() } else { saved.owner.clone() }
}

/// The last edit by someone else, or a new one. A rule that is not as a window's report said it is was edited; before
/// that report, and while another window of the rule is ending as this one begins, another run may be at work.
fn drift(covering: &[&Window], reading: &Reading, saved: Option<&RuleItem>, input: &Input<'_>) -> Option<Drift> {
    let saved = saved?;
    let edit = match (reading.form, reading.edited) {
        (Form::Open, false) if may_have_been_restored(covering, saved, input) => return saved.drift,
        (Form::Open, _) => Edit::Opened,
        (Form::HeaderOnly, true) => Edit::Edited,
        // It is as it was narrowed, or was narrowed again.
        (Form::HeaderOnly, false) => return saved.drift.map(|drift| Drift { answered: true, ..drift }),
    };
    let told = |window: &&Window| window.was_told("started") && saved.windows.contains(&window.name());
    let known = saved.drift.filter(|drift| !drift.answered && drift.edit == edit && !reading.edited);
    if known.is_some() || !covering.iter().any(told) {
        return known.or(saved.drift);
    }
    Some(Drift { at: input.now, after: saved.version, edit, answered: false })
}

/// Whether a run may have given the rule back to its owner for another window that ended, not knowing of those that
/// cover the rule now: this run itself, or one that read the windows before the first of them began.
fn may_have_been_restored(covering: &[&Window], saved: &RuleItem, input: &Input<'_>) -> bool {
    let at_its_end = |window: &Window| {
        window.state == State::Ending && window.reopened_at.is_none() && saved.windows.contains(&window.name())
    };
    let just_began =
        |window: &&Window| window.activated_at.is_some_and(|began| input.now.duration_since(began) < SURELY_OVER);
    input.changed.contains(&saved.arn)
        || (input.table.windows.iter().any(at_its_end) && covering.iter().all(just_began))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{
            conditions::tests::{header, paths},
            seen::Rules,
            window::{
                AtEnd, Covered,
                tests::{SENDER, active, at, rule, window},
            },
        },
        plan::tests::{SECRET, bypass, config, narrowed, owned, planned, saved, table},
    };

    /// A secret that was the settings' once.
    const OLD: &str = "former-secret-0815";

    /// Conditions on a path and on headers of the bypass header's name, by their values.
    fn on(path: &str, values: &[&str]) -> Vec<Condition> {
        [vec![paths(&[path])], headers(values)].concat()
    }

    fn headers(values: &[&str]) -> Vec<Condition> {
        values.iter().map(|value| header("x-bypass", &[value])).collect()
    }

    /// What is saved of a rule with this owner's conditions.
    fn item(owner: &[Condition]) -> RuleItem {
        RuleItem { owner: owner.to_vec(), rest: conditions::rest(owner, &bypass()), ..saved("one", &["aaaaa"]) }
    }

    fn reads(what: &str, reading: &Reading, form: Form, owner: &[Condition], edited: bool, up_to_date: bool) {
        let narrowed = reading.narrowed.clone();
        let expected = Reading { form, owner: owner.to_vec(), edited, up_to_date, narrowed };
        assert_eq!(reading, &expected, "{what}");
    }

    fn mark(name: &str, values: &[&str]) -> String {
        conditions::mark(&header(name, values)).expect("a mark")
    }

    fn form(name: &str, value: &str, rest: &[Condition]) -> Narrowed {
        Narrowed { mark: mark(name, &[value]), rest: rest.to_vec() }
    }

    #[test]
    fn a_rule_of_which_nothing_is_saved_is_read_by_the_value_of_the_bypass_header() {
        let everything = conditions::catch_all();
        for (what, current, form, owner, up_to_date) in [
            ("its owner's", on("/a", &[]), Form::Open, on("/a", &[]), false),
            ("its owner's header of our name", on("/a", &["theirs"]), Form::Open, on("/a", &["theirs"]), false),
            ("a bare header of our name", headers(&["theirs"]), Form::Open, headers(&["theirs"]), false),
            ("our header on top", on("/a", &[SECRET]), Form::HeaderOnly, on("/a", &[]), true),
            ("our header alone", headers(&[SECRET]), Form::HeaderOnly, everything.clone(), true),
            ("theirs and ours", on("/a", &["theirs", SECRET]), Form::HeaderOnly, on("/a", &["theirs"]), true),
            ("ours twice", on("/a", &[SECRET, SECRET]), Form::HeaderOnly, on("/a", &[]), false),
            ("ours twice, alone", headers(&[SECRET, SECRET]), Form::HeaderOnly, everything, false),
            ("in other letters", on("/a", &["TESTER-secret-4711"]), Form::HeaderOnly, on("/a", &[]), false),
            ("a former value", on("/a", &[OLD]), Form::Open, on("/a", &[OLD]), false),
        ] {
            reads(what, &read_rule(&current, None, Some(&bypass())), form, &owner, false, up_to_date);
        }
        let without = read_rule(&on("/a", &[SECRET]), None, None);
        reads("without settings nothing is ours", &without, Form::Open, &on("/a", &[SECRET]), false, false);
    }

    #[test]
    fn either_of_two_values_is_ours_and_only_both_are_up_to_date() {
        let both = header("X-Bypass", &[OLD, SECRET]);
        let two = Bypass::new("X-Bypass", &[SECRET, OLD]);
        let one_left = read_rule(&[paths(&["/a"]), both.clone()], None, Some(&bypass()));
        reads("two values to one", &one_left, Form::HeaderOnly, &on("/a", &[]), false, false);
        let one_more = read_rule(&on("/a", &[OLD]), None, Some(&two));
        reads("one value to two", &one_more, Form::HeaderOnly, &on("/a", &[]), false, false);
        let both = read_rule(&[paths(&["/a"]), both], None, Some(&two));
        reads("both, in another order", &both, Form::HeaderOnly, &on("/a", &[]), false, true);
    }

    #[test]
    fn a_rule_as_its_owner_wrote_it_is_open_whatever_headers_it_demands() {
        for owner in [on("/a", &[]), on("/a", &["theirs"]), headers(&["theirs"]), on("/a", &[SECRET])] {
            let mut turned = owner.clone();
            turned.reverse();
            let reading = read_rule(&turned, Some(&item(&owner)), Some(&bypass()));
            reads("as saved", &reading, Form::Open, &turned, false, false);
        }
    }

    #[test]
    fn a_rule_as_it_was_narrowed_is_header_only_whatever_the_settings_say_today() {
        let (renamed, renewed) = (Bypass::new("X-Other", &[OLD]), Bypass::new("X-Bypass", &[OLD]));
        let alone = headers(&[SECRET]);
        for (what, owner, current, bypass, up_to_date) in [
            ("today's", on("/a", &[]), on("/a", &[SECRET]), Some(bypass()), true),
            ("a former value", on("/a", &[]), on("/a", &[SECRET]), Some(renewed.clone()), false),
            ("a former name", on("/a", &[]), on("/a", &[SECRET]), Some(renamed.clone()), false),
            ("no settings", on("/a", &[]), on("/a", &[SECRET]), None, false),
            ("in other letters", on("/a", &[]), on("/a", &["TESTER-secret-4711"]), None, false),
            ("the header alone", conditions::catch_all(), alone.clone(), Some(bypass()), true),
            ("alone, where there was room", on("/a", &[]), alone.clone(), Some(bypass()), true),
            ("a former value, alone", on("/a", &[]), alone.clone(), Some(renewed), false),
            ("alone, no settings", on("/a", &[]), alone, None, false),
            ("today's other name, alone", on("/a", &[]), vec![header("x-other", &[OLD])], Some(renamed), true),
            ("beside the owner's", on("/a", &["theirs"]), on("/a", &["theirs", SECRET]), Some(bypass()), true),
            ("beside theirs, no settings", on("/a", &["theirs"]), on("/a", &["theirs", SECRET]), None, false),
            ("on top of theirs", headers(&["theirs"]), headers(&["theirs", SECRET]), Some(bypass()), true),
        ] {
            let reading = read_rule(&current, Some(&item(&owner)), bypass.as_ref());
            reads(what, &reading, Form::HeaderOnly, &owner, false, up_to_date);
            assert!(reading.narrowed.is_some(), "{what}");
        }
    }

    #[test]
    fn what_was_saved_tells_the_form_and_not_what_todays_settings_would_make() {
        let five = [paths(&["/a", "/b", "/c", "/d", "/e"])];
        let all = [conditions::catch_all(), vec![header("X-Lock", &["l"])]].concat();
        for owner in [five.as_slice(), &all] {
            let reading = read_rule(&narrowed(owner), Some(&item(owner)), Some(&bypass()));
            reads("no room", &reading, Form::HeaderOnly, owner, false, true);
        }
        let kept = RuleItem { rest: vec![header("X-Lock", &["l"])], ..item(&all) };
        let current = [header("X-Lock", &["l"]), header("X-Bypass", &[SECRET])];
        let reading = read_rule(&current, Some(&kept), None);
        reads("another form than today's", &reading, Form::HeaderOnly, &all, false, false);
    }

    #[test]
    fn an_edit_on_top_is_its_owners_wish_and_a_header_is_ours_by_its_value_or_its_mark() {
        let saved = item(&on("/a", &[]));
        let theirs = item(&on("/a", &["theirs"]));
        let former = RuleItem { mark: mark("X-Bypass", &[OLD]), ..saved.clone() };
        let (open, dark) = (Form::Open, Form::HeaderOnly);
        for (what, current, saved, form, owner, edited, up_to_date) in [
            ("on top", on("/new", &[SECRET]), &saved, dark, on("/new", &[]), true, true),
            ("on top of a former value", on("/new", &[OLD]), &former, dark, on("/new", &[]), true, false),
            ("a value of nobody's", on("/new", &[OLD]), &saved, open, on("/new", &[OLD]), true, false),
            ("a lone value of nobody's", headers(&[OLD]), &saved, open, headers(&[OLD]), true, false),
            ("reopened", on("/new", &[]), &saved, open, on("/new", &[]), true, false),
            ("theirs stays", on("/new", &["theirs"]), &theirs, open, on("/new", &["theirs"]), true, false),
            ("theirs is new", on("/new", &["theirs", SECRET]), &saved, dark, on("/new", &["theirs"]), true, true),
            ("a second", on("/a", &[OLD, SECRET]), &former, dark, on("/a", &[]), false, false),
            ("headers only", headers(&[OLD, SECRET]), &former, dark, on("/a", &[]), false, false),
        ] {
            let reading = read_rule(&current, Some(saved), Some(&bypass()));
            reads(what, &reading, form, &owner, edited, up_to_date);
        }
        for other in [vec![header("X-Lock", &["l"])], vec![paths(&["/a"]), header("X-Lock", &["l"])]] {
            let reading = read_rule(&other, Some(&saved), Some(&bypass()));
            reads("another header", &reading, open, &other, true, false);
        }
    }

    #[test]
    fn a_rule_stands_in_the_form_it_was_narrowed_to_or_in_the_one_before() {
        let before = form("X-Former", OLD, &[]);
        let saved = RuleItem { former: Some(before.clone()), ..item(&on("/a", &[])) };
        let present = form("X-Bypass", SECRET, &on("/a", &[]));
        let with_rest = RuleItem { former: Some(Narrowed { rest: on("/b", &[]), ..before.clone() }), ..saved.clone() };
        for (what, current, saved, narrowed, up_to_date) in [
            ("the present form", on("/a", &[SECRET]), &saved, present, true),
            (
                "the one before",
                vec![paths(&["/b"]), header("x-former", &[OLD])],
                &with_rest,
                with_rest.forms().nth(1).expect("two"),
                false,
            ),
        ] {
            let reading = read_rule(&current, Some(saved), Some(&bypass()));
            reads(what, &reading, Form::HeaderOnly, &saved.owner, false, up_to_date);
            assert_eq!(reading.narrowed, Some(narrowed), "{what}");
        }
        let alone = read_rule(&[header("x-former", &[OLD])], Some(&saved), None);
        reads("the header before, alone", &alone, Form::HeaderOnly, &saved.owner, false, false);
        let third = [paths(&["/a"]), header("x-third", &[OLD])];
        let reading = read_rule(&third, Some(&saved), Some(&bypass()));
        reads("a third", &reading, Form::Open, &third, true, false);
        let edited = [paths(&["/new"]), header("x-former", &[OLD])];
        let reading = read_rule(&edited, Some(&saved), Some(&bypass()));
        reads("edited on top of the one before", &reading, Form::HeaderOnly, &on("/new", &[]), true, false);
    }

    #[test]
    fn the_form_that_a_rule_may_still_stand_in_is_kept() {
        let renamed = config(&[("BYPASS_HEADER_NAME", "X-Other")]);
        let known = saved("one", &["aaaaa"]);
        let part = |current: &[Condition], item: &RuleItem| {
            let seen = Seen::Conditions(current.to_vec());
            part_with(&renamed, "one", "03:00:00", seen, &[active()], std::slice::from_ref(item))
        };
        let with = |name: &str| [owned(), vec![header(name, &[SECRET])]].concat();
        let turned = part(&with("X-Bypass"), &known).save.expect("to be saved");
        assert_eq!((turned.header.as_str(), turned.mark.as_str()), ("X-Other", mark("X-Other", &[SECRET]).as_str()));
        assert_eq!(turned.former, Some(form("X-Bypass", SECRET, &owned())));
        let failed = part(&with("X-Bypass"), &turned);
        assert!(failed.save.is_none() && failed.change.is_some(), "only the change is still to be made");
        let done = part(&with("X-Other"), &turned);
        assert!(done.save.is_none() && done.change.is_none());
        let third = RuleItem { mark: mark("X-Third", &[SECRET]), ..turned };
        let open = part(&owned(), &third).save.and_then(|item| item.former);
        assert_eq!(open, Some(form("X-Third", SECRET, &owned())), "it stands in neither");
    }

    #[test]
    fn another_number_of_secrets_may_need_another_form_of_the_same_rule() {
        let two = format!("{SECRET},{OLD}");
        let lock = header("X-Lock", &["a", "b", "c"]);
        let known = item(&[paths(&["*"]), lock.clone()]);
        let current = Seen::Conditions(narrowed(&known.owner));
        let settings = config(&[("BYPASS_HEADER_VALUE", &two)]);
        let part = part_with(&settings, "one", "03:00:00", current, &[active()], std::slice::from_ref(&known));
        let item = part.save.expect("to be saved");
        assert_eq!((&item.owner, &item.rest), (&known.owner, &vec![lock.clone()]));
        assert_eq!(item.former, Some(form("X-Bypass", SECRET, &known.owner)));
        let to = vec![lock, header("X-Bypass", &[SECRET, OLD])];
        assert_eq!(part.change, Some(Change { way: Way::Narrow, to }));
    }

    #[test]
    fn a_rule_whose_item_cannot_be_read_is_never_narrowed_and_opened_as_far_as_what_is_left_tells() {
        let item = item(&owned());
        let old = conditions::mark(&header("x-bypass", &[OLD])).expect("a mark");
        let all = Remains {
            owner: Some(owned()),
            marks: vec![item.mark.clone(), old],
            all_marks: true,
            header: Some("X-Bypass".to_owned()),
        };
        let ownerless = Remains { owner: None, ..all.clone() };
        let markless = Remains { marks: vec![], all_marks: false, ..all.clone() };
        let nothing = Remains::default();
        let with_old = [owned(), headers(&[OLD])].concat();
        let with_lock = [owned(), vec![header("X-Lock", &["lock"])]].concat();
        let (open, closed) = (Some(Obstacle::Damaged), Some(Obstacle::StuckDamaged));
        let part = |current: &[Condition], left: &Remains, windows: &[Window], reopen_orphans: bool| {
            let remains = [("rule#listener/one".to_owned(), left.clone())].into();
            let table = crate::model::table::Table { remains, ..table(windows, &[]) };
            let seen = [(rule("one"), Seen::Conditions(current.to_vec()))].into();
            let (rules, blocked) = (Rules { seen, ..Rules::default() }, [].into());
            crate::plan::plan(&Input {
                now: at("03:00:00"),
                config: &config(&[]),
                rules: &rules,
                table: &table,
                healthy: None,
                blocked: &blocked,
                changed: &[].into(),
                reopen_orphans,
            })
            .rules
            .remove(0)
        };
        // What is seen, what is left, and what follows without a window: the state, the obstacle, and what is put back.
        for (what, current, left, state, obstacle, to) in [
            ("open", owned(), &all, RuleState::Open, open.clone(), None),
            ("edited", with_lock.clone(), &all, RuleState::Open, open.clone(), None),
            ("closed", narrowed(&owned()), &all, RuleState::HeaderOnly, None, Some(owned())),
            ("closed with a former value", with_old.clone(), &all, RuleState::HeaderOnly, None, Some(owned())),
            ("closed, the owner unread", with_old.clone(), &ownerless, RuleState::HeaderOnly, closed.clone(), None),
            ("closed, as the value shows", narrowed(&owned()), &nothing, RuleState::HeaderOnly, closed, None),
            (
                "with their own value",
                [owned(), headers(&["theirs"])].concat(),
                &all,
                RuleState::Open,
                open.clone(),
                None,
            ),
            ("with a lock, its header known", with_lock.clone(), &markless, RuleState::Open, open.clone(), None),
            ("without a header", on("/new", &[]), &nothing, RuleState::Open, open.clone(), None),
        ] {
            let found = part(&current, left, &[], false);
            let change = to.map(|to| Change { way: Way::Restore, to });
            assert_eq!(found, RulePlan { change, obstacle, ..idle(state) }, "{what}");
            let covered = part(&current, left, &[active()], false);
            assert_eq!(covered, RulePlan { obstacle: open.clone(), ..idle(state) }, "{what}, covered");
        }
        for (what, current, left) in [
            ("a value that nobody knows", with_old.clone(), &markless),
            ("a header that nobody knows", with_lock, &nothing),
        ] {
            for (windows, stuck) in [(vec![], true), (vec![active()], false)] {
                let found = part(&current, left, &windows, true);
                assert_eq!((found.state, found.form, &found.change), (RuleState::Unsupported, None, &None), "{what}");
                assert_eq!(found.obstacle.is_some_and(|obstacle| obstacle.is_stuck()), stuck, "{what}");
            }
        }
        // Whoever asks for it gets the rule without our header.
        for (current, to) in [(with_old, owned()), (headers(&[OLD]), conditions::catch_all())] {
            let change = Some(Change { way: Way::Restore, to });
            assert_eq!(part(&current, &ownerless, &[], true), RulePlan { change, ..idle(RuleState::HeaderOnly) });
        }
    }

    /// What is planned for the rule when nothing covers it.
    fn uncovered_with(current: &[Condition], windows: &[Window], changed: bool, reopen_orphans: bool) -> RulePlan {
        let items = if windows.is_empty() { vec![] } else { vec![saved("one", &["aaaaa"])] };
        let (settings, table) = (config(&[]), table(windows, &items));
        let changed = if changed { [rule("one")].into() } else { [].into() };
        let seen = [(rule("one"), Seen::Conditions(current.to_vec()))].into();
        let (rules, blocked) = (Rules { seen, ..Rules::default() }, [].into());
        crate::plan::plan(&Input {
            now: at("03:00:00"),
            config: &settings,
            rules: &rules,
            table: &table,
            healthy: None,
            blocked: &blocked,
            changed: &changed,
            reopen_orphans,
        })
        .rules
        .remove(0)
    }

    #[test]
    fn a_rule_that_is_header_only_for_no_window_loses_the_header_only_when_that_is_asked() {
        let orphaned = RulePlan { obstacle: Some(Obstacle::Orphaned), ..idle(RuleState::HeaderOnly) };
        assert_eq!(uncovered_with(&narrowed(&owned()), &[], false, false), orphaned);
        let change = Some(Change { way: Way::Restore, to: owned() });
        let restored = RulePlan { change, ..idle(RuleState::HeaderOnly) };
        assert_eq!(uncovered_with(&narrowed(&owned()), &[], false, true), restored);
    }

    #[test]
    fn a_rule_that_is_open_although_it_was_told_to_be_narrowed_is_looked_at_twice() {
        let untold = Window { told: [].into(), ..ending() };
        let reopened = Window { reopened_at: Some(at("02:59:00")), ..ending() };
        for (what, window, changed, odd) in [
            ("told and not opened yet", ending(), false, true),
            ("opened by this run", ending(), true, false),
            ("opened before", reopened, false, false),
            ("never told", untold, false, false),
        ] {
            let part = uncovered_with(&owned(), &[window], changed, false);
            assert_eq!(part, RulePlan { odd, ..idle(RuleState::Open) }, "{what}");
        }
    }

    fn part(now: &str, seen: Seen, windows: &[Window], items: &[RuleItem]) -> RulePlan {
        part_with(&config(&[]), "one", now, seen, windows, items)
    }

    fn part_with(
        config: &crate::config::Config,
        name: &str,
        now: &str,
        seen: Seen,
        windows: &[Window],
        items: &[RuleItem],
    ) -> RulePlan {
        planned(now, config, &[(name, seen)], &table(windows, items)).rules.remove(0)
    }

    /// A part of a plan with nothing to do.
    fn idle(state: RuleState) -> RulePlan {
        let (save, change, obstacle) = (None, None, None);
        let form = match state {
            RuleState::Open | RuleState::Unsupported => Some(Form::Open),
            RuleState::HeaderOnly => Some(Form::HeaderOnly),
            RuleState::Gone => None,
        };
        RulePlan { arn: rule("one"), state, form, idle: false, save, change, obstacle, odd: false, left_alone: None }
    }

    fn ending() -> Window {
        active().to_end(at("03:00:00"), crate::model::window::Outcome::Completed)
    }

    #[test]
    fn a_rule_that_is_gone_is_left_at_that() {
        let gone = RulePlan { obstacle: Some(Obstacle::Gone), ..idle(RuleState::Gone) };
        for windows in [vec![], vec![active()]] {
            assert_eq!(part("03:00:00", Seen::Gone, &windows, &[]), gone);
        }
    }

    #[test]
    fn a_rule_that_cannot_be_put_back_is_never_changed_and_is_stuck_while_it_should_be_open() {
        let why = || "is odd".to_owned();
        for (known, windows, obstacle) in [
            (owned(), vec![active()], Obstacle::Unsupported(why())),
            (owned(), vec![], Obstacle::Unsupported(why())),
            (narrowed(&owned()), vec![active()], Obstacle::Unsupported(why())),
            (narrowed(&owned()), vec![ending()], Obstacle::StuckUnsupported(why())),
            (narrowed(&owned()), vec![], Obstacle::StuckUnsupported(why())),
        ] {
            for whole in [true, false] {
                let form = match (known == owned(), whole) {
                    (false, _) => Some(Form::HeaderOnly),
                    (true, true) => Some(Form::Open),
                    (true, false) => None,
                };
                let obstacle = Some(obstacle.clone());
                let expected = RulePlan { form, obstacle, ..idle(RuleState::Unsupported) };
                let seen = Seen::Unsupported { why: why(), known: known.clone(), whole };
                assert_eq!(part("03:00:00", seen, &windows, &[]), expected);
            }
        }
    }

    #[test]
    fn a_rule_that_the_settings_do_not_name_is_never_changed() {
        let named = Window { rules: Covered::Some(vec![rule("two")]), ..active() };
        for (what, current, windows, state, obstacle) in [
            ("open", owned(), vec![named.clone()], RuleState::Open, Some(Obstacle::Unmanaged)),
            ("open, idle", owned(), vec![], RuleState::Open, Some(Obstacle::Unmanaged)),
            ("covered by name", narrowed(&owned()), vec![named], RuleState::HeaderOnly, None),
            ("all is what the settings name", narrowed(&owned()), vec![active()], RuleState::HeaderOnly, stuck()),
            ("its window is over", narrowed(&owned()), vec![], RuleState::HeaderOnly, stuck()),
        ] {
            let part = part_with(
                &config(&[]),
                "two",
                "03:00:00",
                Seen::Conditions(current),
                &windows,
                &[saved("two", &["aaaaa"])],
            );
            assert_eq!(part, RulePlan { arn: rule("two"), obstacle, ..idle(state) }, "{what}");
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a plan holds it")]
    fn stuck() -> Option<Obstacle> {
        Some(Obstacle::StuckUnmanaged)
    }

    #[test]
    fn a_rule_that_no_window_covers_is_restored_from_what_is_saved() {
        let open = idle(RuleState::Open);
        let dark = idle(RuleState::HeaderOnly);
        let restored = |to: Vec<Condition>| RulePlan { change: Some(Change { way: Way::Restore, to }), ..dark.clone() };
        let orphaned = RulePlan { obstacle: Some(Obstacle::Orphaned), ..dark.clone() };
        let new = vec![paths(&["/new"])];
        let left_alone = |part: RulePlan| RulePlan { left_alone: Some(new.clone()), ..part };
        let over = Window { reopened_at: Some(at("02:59:00")), ..ending() };
        let known = vec![saved("one", &["aaaaa"])];
        let renewed = Window { state: State::Booked, start: at("03:30:00"), ..active() };
        for (what, current, windows, items, expected) in [
            ("nothing is known", owned(), vec![], vec![], open.clone()),
            ("as its owner wants it", owned(), vec![over.clone()], known.clone(), open.clone()),
            ("for no window", narrowed(&owned()), vec![], vec![], orphaned),
            ("ending", narrowed(&owned()), vec![over.clone()], known.clone(), restored(owned())),
            ("its window is not known", narrowed(&owned()), vec![], known.clone(), restored(owned())),
            ("edited on top", narrowed(&new), vec![over.clone()], known.clone(), left_alone(restored(new.clone()))),
            ("edited on top, later", narrowed(&new), vec![], known.clone(), restored(new.clone())),
            ("replaced", new.clone(), vec![over.clone()], known.clone(), left_alone(open.clone())),
            ("replaced, later", new.clone(), vec![], known.clone(), open.clone()),
            ("replaced, before", new.clone(), vec![renewed], known.clone(), open.clone()),
            ("replaced, for another", new.clone(), vec![over.clone()], vec![saved("one", &["bbbbb"])], open),
        ] {
            assert_eq!(part("03:00:00", Seen::Conditions(current), &windows, &items), expected, "{what}");
        }
    }

    #[test]
    fn a_covered_rule_is_saved_first_and_narrowed_to_what_was_saved() {
        let part = part("02:00:00", Seen::Conditions(owned()), &[window()], &[]);
        let item = RuleItem { version: 0, ..saved("one", &["aaaaa"]) };
        let change = Some(Change { way: Way::Narrow, to: narrowed(&owned()) });
        assert_eq!(part, RulePlan { save: Some(item), change, ..idle(RuleState::Open) });
    }

    #[test]
    fn what_is_saved_depends_on_the_version_that_was_read_and_keeps_who_else_it_is_for() {
        let other = |uid: &str, state| Window { uid: uid.to_owned(), state, ..active() };
        let windows = [active(), other("bbbbb", State::Active), other("ccccc", State::Ending)];
        let known = saved("one", &["aaaaa", "ccccc", "zzzzz"]);
        let part = part("03:00:00", Seen::Conditions(narrowed(&owned())), &windows, std::slice::from_ref(&known));
        let windows = ["aaaaa", "bbbbb", "ccccc"].map(|uid| format!("deploy#{uid}")).to_vec();
        let item = RuleItem { windows, saved_at: at("03:00:00"), ..known };
        assert_eq!(part, RulePlan { save: Some(item), ..idle(RuleState::HeaderOnly) }, "nothing is changed");
    }

    #[test]
    fn a_form_that_stands_is_kept_as_it_was_saved() {
        let known = RuleItem { rest: vec![], ..saved("one", &["bbbbb"]) };
        let current = headers(&[SECRET]);
        let joined = part("03:00:00", Seen::Conditions(current), &[active()], std::slice::from_ref(&known));
        let item = RuleItem { windows: vec!["deploy#aaaaa".to_owned()], saved_at: at("03:00:00"), ..known };
        assert_eq!(joined, RulePlan { save: Some(item), ..idle(RuleState::HeaderOnly) });
    }

    #[test]
    fn a_rule_that_is_header_only_without_an_item_is_saved_when_a_window_covers_it() {
        let part = part("02:00:00", Seen::Conditions(narrowed(&owned())), &[window()], &[]);
        let item = RuleItem { version: 0, ..saved("one", &["aaaaa"]) };
        assert_eq!(part, RulePlan { save: Some(item), ..idle(RuleState::HeaderOnly) });
    }

    #[test]
    fn another_value_of_the_bypass_is_put_in_place_and_is_no_edit() {
        let current = Seen::Conditions(on("/a", &[OLD]));
        let known = RuleItem { mark: mark("X-Bypass", &[OLD]), ..item(&on("/a", &[])) };
        let part = part("03:00:00", current, &[active()], std::slice::from_ref(&known));
        let change = Some(Change { way: Way::Narrow, to: narrowed(&known.owner) });
        let former = Some(form("X-Bypass", OLD, &known.owner));
        let item = RuleItem { mark: mark("X-Bypass", &[SECRET]), former, saved_at: at("03:00:00"), ..known };
        assert_eq!(part, RulePlan { save: Some(item), change, ..idle(RuleState::HeaderOnly) });
    }

    #[test]
    fn a_new_name_of_the_bypass_is_saved_before_it_is_put_in_place() {
        let renamed = config(&[("BYPASS_HEADER_NAME", "X-Other")]);
        let known = saved("one", &["aaaaa"]);
        let current = Seen::Conditions(narrowed(&owned()));
        let part = part_with(&renamed, "one", "03:00:00", current, &[active()], std::slice::from_ref(&known));
        assert_eq!(part.save.map(|item| (item.header, item.version)), Some(("X-Other".to_owned(), 7)));
        let to = [owned(), vec![header("X-Other", &[SECRET])]].concat();
        assert_eq!(part.change, Some(Change { way: Way::Narrow, to }));
    }

    #[test]
    fn without_a_bypass_nothing_is_narrowed_and_what_is_narrowed_stays_until_the_end() {
        let without = config(&[("BYPASS_HEADER_VALUE", "")]);
        let part = |current: Vec<Condition>, windows: &[Window]| {
            let items = [saved("one", &["aaaaa"])];
            part_with(&without, "one", "03:00:00", Seen::Conditions(current), windows, &items)
        };
        let settings = RulePlan { obstacle: Some(Obstacle::Settings), ..idle(RuleState::Open) };
        assert_eq!(part(owned(), &[active()]), settings);
        assert_eq!(part(narrowed(&owned()), &[active()]), idle(RuleState::HeaderOnly));
        let change = Some(Change { way: Way::Restore, to: owned() });
        assert_eq!(part(narrowed(&owned()), &[ending()]), RulePlan { change, ..idle(RuleState::HeaderOnly) });
    }

    #[test]
    fn nothing_is_narrowed_too_late_unless_another_window_goes_on() {
        let longer = Window { uid: "bbbbb".to_owned(), end: Some(at("05:00:00")), ..active() };
        let unwoken = Window { wakeups: None, ..active() };
        let another_role = Window { wakeups: Some("1 another".to_owned()), ..active() };
        let held = Window { state: State::Held, at_end: AtEnd::Hold, ..active() };
        let outdated = narrowed(&owned()).into_iter().take(1).chain(headers(&[OLD])).collect::<Vec<_>>();
        for (what, now, current, windows, narrows) in [
            ("in time", "03:59:29.999", owned(), vec![active()], true),
            ("too late", "03:59:30", owned(), vec![active()], false),
            ("too late for another value", "03:59:30", outdated.clone(), vec![active()], false),
            ("in time for another value", "03:59:29", outdated, vec![active()], true),
            ("another goes on", "03:59:30", owned(), vec![active(), longer], true),
            ("no wake-up", "03:00:00", owned(), vec![unwoken.clone()], false),
            ("no wake-up of this role", "03:00:00", owned(), vec![another_role], false),
            ("no end", "03:00:00", owned(), vec![Window { end: None, ..unwoken }], true),
            ("held", "05:00:00", owned(), vec![held], true),
        ] {
            let part = part(now, Seen::Conditions(current), &windows, &[saved("one", &["aaaaa"])]);
            assert_eq!(part.change.is_some(), narrows, "{what}");
            assert_eq!(part.obstacle, (!narrows).then_some(Obstacle::TooLate), "{what}");
            assert!(narrows || part.save.is_none(), "{what}: what is not narrowed is not saved");
        }
        let stands = part("03:59:30", Seen::Conditions(narrowed(&owned())), &[active()], &[saved("one", &["aaaaa"])]);
        assert_eq!(stands, idle(RuleState::HeaderOnly));
        assert!(active().has_wakeups(Some(SENDER)));
    }

    #[test]
    fn an_edit_is_told_only_of_a_window_whose_start_was_told_and_is_looked_at_twice() {
        let untold = Window { told: ["booked".to_owned()].into(), ..active() };
        let new = vec![paths(&["/new"])];
        let drift = |edit| Some(Drift { at: at("03:00:00"), after: 7, edit, answered: false });
        for (what, current, window, uid, found, odd) in [
            ("opened", owned(), active(), "aaaaa", drift(Edit::Opened), true),
            ("replaced", new.clone(), active(), "aaaaa", drift(Edit::Opened), true),
            ("edited on top", narrowed(&new), active(), "aaaaa", drift(Edit::Edited), true),
            ("opened before the report", owned(), untold.clone(), "aaaaa", None, false),
            ("edited before the report", narrowed(&new), untold, "aaaaa", None, true),
            ("opened when another window came", owned(), active(), "bbbbb", None, false),
            ("edited when another window came", new, active(), "bbbbb", None, true),
            ("as it was", narrowed(&owned()), active(), "aaaaa", None, false),
        ] {
            let part = part("03:00:00", Seen::Conditions(current), &[window], &[saved("one", &[uid])]);
            let before = part.save.as_ref().map_or(vec![], |item| item.owner_before.clone());
            assert_eq!(before, if found.is_some() { owned() } else { vec![] }, "{what}");
            assert_eq!((part.save.and_then(|item| item.drift), part.odd), (found, odd), "{what}");
        }
    }

    #[test]
    fn what_a_run_restored_for_another_window_that_ended_is_no_edit() {
        let new = vec![paths(&["/new"])];
        let over = |uid: &str| Window { uid: uid.to_owned(), ..ending() };
        let restored = |uid: &str| Window { reopened_at: Some(at("02:59:00")), ..over(uid) };
        let long_active = || Window { uid: "ddddd".to_owned(), activated_at: Some(at("02:54:00")), ..active() };
        let config = config(&[]);
        for (what, current, others, changed, found) in [
            ("another run is at the end of another window", owned(), vec![over("bbbbb")], false, false),
            ("that run knew of this window", owned(), vec![over("bbbbb"), long_active()], false, true),
            ("that end is done", owned(), vec![restored("bbbbb")], false, true),
            ("it was never narrowed for that window", owned(), vec![over("ccccc")], false, true),
            ("this run restored it", owned(), vec![], true, false),
            ("nobody restores what is not saved", new.clone(), vec![over("bbbbb")], true, true),
            ("nor on top of the header", narrowed(&new), vec![over("bbbbb")], true, true),
        ] {
            let just_begun = Window { activated_at: Some(at("02:55:00")), ..active() };
            let windows = [vec![just_begun], others].concat();
            let table = table(&windows, &[saved("one", &["aaaaa", "bbbbb"])]);
            let seen = [(rule("one"), Seen::Conditions(current))].into();
            let changed = changed.then(|| rule("one")).into_iter().collect();
            let input = Input {
                now: at("03:00:00"),
                config: &config,
                rules: &Rules { seen, ..Rules::default() },
                table: &table,
                healthy: None,
                blocked: &std::collections::BTreeSet::new(),
                changed: &changed,
                reopen_orphans: false,
            };
            let part = super::super::plan(&input).rules.remove(0);
            assert!(part.change.is_some(), "{what}: it is narrowed again in any case");
            assert_eq!(part.save.is_some_and(|item| item.drift.is_some()), found, "{what}");
        }
    }

    #[test]
    fn an_edit_is_saved_as_what_its_owner_wants_now_and_narrowed_again() {
        let new = vec![paths(&["/new"])];
        for (current, state) in [(new.clone(), RuleState::Open), (narrowed(&new), RuleState::HeaderOnly)] {
            let part = part("03:00:00", Seen::Conditions(current), &[active()], &[saved("one", &["aaaaa"])]);
            assert_eq!(part.state, state);
            assert_eq!(part.change, Some(Change { way: Way::Narrow, to: narrowed(&new) }));
            let saved = part.save.expect("to be saved");
            assert_eq!((saved.owner, saved.rest, saved.version), (new.clone(), new.clone(), 7));
        }
    }

    #[test]
    fn an_edit_that_was_found_is_remembered_until_the_next() {
        let drift = |moment, edit, answered| Drift { at: at(moment), after: 7, edit, answered };
        let (before, now) = ("02:30:00", "03:00:00");
        let new = [paths(&["/new"])];
        let untold = Window { told: [].into(), ..active() };
        for (what, known, current, window, after, odd) in [
            (
                "narrowed again",
                (Edit::Opened, false),
                narrowed(&owned()),
                active(),
                (before, Edit::Opened, true),
                false,
            ),
            ("as it was", (Edit::Opened, true), narrowed(&owned()), active(), (before, Edit::Opened, true), false),
            ("still open", (Edit::Opened, false), owned(), active(), (before, Edit::Opened, false), true),
            ("opened again", (Edit::Opened, true), owned(), active(), (now, Edit::Opened, false), true),
            ("opened to another", (Edit::Opened, false), new.to_vec(), active(), (now, Edit::Opened, false), true),
            ("then edited", (Edit::Opened, false), narrowed(&new), active(), (now, Edit::Edited, false), true),
            ("edited, then opened", (Edit::Edited, false), owned(), active(), (now, Edit::Opened, false), true),
            ("before the report", (Edit::Edited, true), owned(), untold, (before, Edit::Edited, true), false),
        ] {
            let known = RuleItem { drift: Some(drift(before, known.0, known.1)), ..saved("one", &["aaaaa"]) };
            let part = part(now, Seen::Conditions(current), &[window], std::slice::from_ref(&known));
            let after = Some(drift(after.0, after.1, after.2));
            assert_eq!((part.save.map_or(known.drift, |item| item.drift), part.odd), (after, odd), "{what}");
        }
    }

    #[test]
    fn what_an_earlier_window_saved_is_overwritten_without_a_second_look_if_no_other_run_may_be_at_work() {
        let new = Seen::Conditions(vec![paths(&["/new"])]);
        let later = part("02:00:00", new.clone(), &[window()], &[saved("one", &["zzzzz"])]);
        assert!(later.save.is_some() && !later.odd);
        let beside = Window { uid: "bbbbb".to_owned(), rules: Covered::Some(vec![rule("two")]), ..active() };
        let met = part("02:00:00", new, &[window(), beside], &[saved("one", &["zzzzz"])]);
        assert!(met.save.is_some() && met.odd);
    }

    #[test]
    fn two_changes_of_the_header_that_failed_keep_the_one_the_rule_stands_under() {
        let settings = |name| config(&[("BYPASS_HEADER_NAME", name)]);
        let current = || Seen::Conditions(narrowed(&owned()));
        let first = saved("one", &["aaaaa"]);
        let part = |name, now, windows: &[Window], item: RuleItem| {
            part_with(&settings(name), "one", now, current(), windows, &[item])
        };
        let second = part("X-Two", "03:00:00", &[active()], first).save.expect("saved");
        let third = part("X-Three", "03:05:00", &[active()], second).save.expect("saved");
        let end = part("X-Three", "04:00:00", &[ending()], third);
        assert_eq!(end.change.map(|change| change.to), Some(owned()));
    }

    #[test]
    fn an_edit_that_is_taken_back_is_the_latest_wish() {
        let first = item(&on("/a", &[]));
        let edited =
            part("03:00:00", Seen::Conditions(on("/new", &[SECRET])), &[active()], &[first]).save.expect("saved");
        let at_end =
            part("03:10:00", Seen::Conditions(on("/a", &[SECRET])), &[ending()], std::slice::from_ref(&edited));
        assert_eq!(at_end.change.map(|change| change.to), Some(on("/a", &[])));
        let during = part("03:10:00", Seen::Conditions(on("/a", &[SECRET])), &[active()], &[edited]);
        assert_eq!(during.save.map(|item| item.owner), Some(on("/a", &[])));
    }
}
