//! Whether the pages hold together: each test, path and item of the code that one names exists, each link leads
//! somewhere, the README stays short, and no row of a table stands twice. What the pages say is for people to judge.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod code;
mod page;

use code::{definitions, files, is_made, is_test, paths, read, tests_in};
use page::{Page, follow, links, named_paths, named_tests, pages};
use std::collections::{HashMap, HashSet};

/// Bytes of a README that a person reads in ten minutes.
const README_BYTES: usize = 10_000;
/// The page that says what in the code relies on AWS. It names items, and no tests.
const OF_AWS: &str = "docs/aws.md";

#[test]
fn every_test_that_a_page_names_exists() {
    let files = ["src", "tests"].map(|folder| files(folder, "rs"));
    let tests: Vec<_> = files
        .iter()
        .flatten()
        .flat_map(|file| tests_in(file))
        .collect();
    let (mut named, mut problems) = (0, Vec::new());
    for page in pages().iter().filter(|page| page.path != OF_AWS) {
        for (number, line) in page.prose() {
            for (name, place) in named_tests(line) {
                named += 1;
                if !tests.iter().any(|test| is_test(test, name, place)) {
                    problems.push(format!("{}:{number}: no test {name} in {place}", page.path));
                }
            }
        }
    }
    assert!(named > 100, "only {named} names of tests were read");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut problems = Vec::new();
    for page in pages() {
        for (number, line) in page.prose() {
            for target in links(line) {
                if let Err(problem) = follow(&page, &target) {
                    problems.push(format!("{}:{number}: {target}: {problem}", page.path));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_path_that_a_page_names_exists() {
    let existing = paths(".");
    let (mut named, mut problems) = (0, Vec::new());
    for page in pages() {
        for (number, line) in page.prose() {
            for path in named_paths(line).filter(|path| !is_made(path)) {
                named += 1;
                let end = format!("/{}", path.trim_end_matches('/'));
                if !existing.iter().any(|path| path.ends_with(&end)) {
                    problems.push(format!("{}:{number}: no {path}", page.path));
                }
            }
        }
    }
    assert!(named > 100, "only {named} paths were read");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_readme_is_short() {
    let bytes = read("README.md").len();
    assert!(bytes < README_BYTES, "README.md has {bytes} bytes");
}

#[test]
fn no_row_of_a_table_stands_twice() {
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut problems = Vec::new();
    for page in pages() {
        for (number, row) in page.rows() {
            let here = format!("{}:{number}", page.path);
            if let Some(there) = seen.insert(row.clone(), here.clone()) {
                problems.push(format!("{there} and {here}: {row}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The second cell of a row there names items in a folder or a file, or else in `src`.
#[test]
fn all_that_relies_on_aws_is_defined_where_its_page_says() {
    let (mut named, mut problems, mut known) = (0, Vec::new(), HashMap::new());
    for (number, row) in Page::read(OF_AWS).rows() {
        for group in row.split(" | ").nth(1).unwrap_or_default().split("; ") {
            let codes = group.split('`').skip(1).step_by(2);
            let (places, items): (Vec<_>, Vec<_>) = codes.partition(|code| code.contains('/'));
            let place = *places.first().unwrap_or(&"src");
            let defined = known
                .entry(place.to_owned())
                .or_insert_with(|| definitions(place));
            for item in items {
                named += 1;
                let (holder, name) = item.rsplit_once("::").unwrap_or(("", item));
                let is_held =
                    |holders: &HashSet<String>| holder.is_empty() || holders.contains(holder);
                if !defined.get(name).is_some_and(is_held) {
                    problems.push(format!("{OF_AWS}:{number}: {place} defines no {item}"));
                }
            }
        }
    }
    assert!(named > 100, "only {named} items were read");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
