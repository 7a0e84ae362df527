//! Finding the function, where nobody names it.

use aws_sdk_lambda::Client;

use crate::call::told;

/// What the stack's template says of its function, and of no other: any account may hold other functions, whose names and
/// settings say nothing about what they are.
pub const DESCRIPTION: &str = "Closes a site for planned maintenance and opens it again.";

/// The functions of maintenance stacks in the client's account and Region, by name.
///
/// # Errors
/// A sentence, if they cannot be listed.
pub async fn functions(client: &Client) -> Result<Vec<String>, String> {
    let mut pages = client.list_functions().into_paginator().send();
    let mut found = vec![];
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            format!("the functions cannot be listed, to find the one that is meant: {}", told(&error))
        })?;
        let ours = page.functions().iter().filter(|function| function.description() == Some(DESCRIPTION));
        found.extend(ours.filter_map(|function| function.function_name()).map(str::to_owned));
    }
    found.sort();
    Ok(found)
}

/// The only one there is, or why none is taken.
///
/// # Errors
/// A sentence that says what was found and what to do.
pub fn the_only(found: &[String], region: &str) -> Result<String, String> {
    match found {
        [only] => Ok(only.clone()),
        [] => Err(format!(
            "no maintenance stack was found in {region} in this account: is it the right one (--profile, --region)? If the \
             function has another description, name it with --function or MW_FUNCTION"
        )),
        several => Err(format!(
            "several maintenance stacks were found in {region}: {}; say which with --function or MW_FUNCTION",
            several.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_describes_its_function_so_that_it_is_found() {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let template = std::fs::read_to_string(template).expect("the template");
        let line = format!("      Description: {DESCRIPTION}");
        assert_eq!(template.lines().filter(|other| *other == line).count(), 1, "{line}");
    }

    #[test]
    fn none_is_guessed() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(the_only(&names(&["shop"]), "eu-west-1").as_deref(), Ok("shop"));
        let none = the_only(&[], "eu-west-1").expect_err("none");
        assert!(none.contains("in eu-west-1") && none.contains("--function"), "{none}");
        let several = the_only(&names(&["blog", "shop"]), "eu-west-1").expect_err("several");
        assert!(several.contains("blog, shop") && several.contains("MW_FUNCTION"), "{several}");
    }
}
