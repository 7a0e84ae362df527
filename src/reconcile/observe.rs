//! Looking: the rules first, then the table.

use std::collections::BTreeSet;

use crate::{
    app::Run,
    aws::store::Reads,
    error::Error,
    model::{rule_arn::RuleArn, seen::Rules, table::Table, window::Covered},
};

/// What was seen.
#[derive(Debug)]
pub struct Observed {
    /// Every managed rule, and those that windows of the table name or were narrowed for; or why they cannot be read.
    pub rules: Result<Rules, Error>,
    /// The present.
    pub table: Table,
}

/// Looks at the rules, then at the table, as far as that is asked for.
///
/// The order matters: a run saves a rule's conditions before it narrows the rule, so whoever sees a rule header-only
/// and reads the table afterwards finds them there.
///
/// # Errors
/// [`Error::Aws`] when the table cannot be read.
pub async fn observe(run: Run<'_>, reads: Reads) -> Result<Observed, Error> {
    let managed = &run.app.config.rules;
    let rules = run.app.aws.rules.read(managed).await;
    let table = run.app.aws.store.now(reads, run.now()).await?;
    let others = unmanaged(&table, managed);
    if others.is_empty() {
        return Ok(Observed { rules, table });
    }
    // They are never changed, only told about, so the order does not matter for them, and a failure stops nothing.
    let rules = match rules {
        Ok(mut rules) => {
            match run.app.aws.rules.read(&others).await {
                Ok(more) => rules.extend(more),
                Err(error) => tracing::warn!(error = error.full(), "rules outside RuleArns could not be read"),
            }
            Ok(rules)
        }
        Err(error) => Err(error),
    };
    Ok(Observed { rules, table })
}

/// Rules that the settings do not name, but windows of the table do, or were narrowed for.
fn unmanaged(table: &Table, managed: &[RuleArn]) -> Vec<RuleArn> {
    let named = table.windows.iter().flat_map(|window| match &window.rules {
        Covered::All(_) => vec![],
        Covered::Some(rules) => rules.clone(),
    });
    let of_window = |name: &String| table.windows.iter().any(|window| &window.name() == name);
    let narrowed = table.rules.values().filter(|saved| saved.windows.iter().any(of_window));
    let all: BTreeSet<RuleArn> = named.chain(narrowed.map(|saved| saved.arn.clone())).collect();
    all.into_iter().filter(|rule| !managed.contains(rule)).collect()
}
