//! The sources: their tests and definitions, by the names that a page gives them, and their paths.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

pub fn is_test(test: &[String], name: &str, place: &str) -> bool {
    let place = place.trim_end_matches(".rs").split('/');
    let name: Vec<_> = name.split("::").map(str::to_owned).collect();
    place.zip(test).all(|(part, of_test)| part == of_test) && test.ends_with(&name)
}

/// The tests of a file, each by folders, file, modules and its name.
pub fn tests_in(file: &str) -> Vec<Vec<String>> {
    let mut path: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    path.pop_if(|name| matches!(*name, "mod" | "main" | "lib"));
    let text = read(file);
    let mut modules: Vec<(usize, &str)> = Vec::new();
    let mut is_test = false;
    let mut tests = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        // rustfmt puts what is in a module further in than the module.
        let indent = line.len() - code.len();
        if code == "#[test]" || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(module) = between(code, "mod ", " {") {
            modules.retain(|(outer, _)| *outer < indent);
            modules.push((indent, module));
        } else if let Some(name) = between(code.trim_start_matches("async "), "fn ", "(") {
            modules.retain(|(outer, _)| *outer < indent);
            if std::mem::take(&mut is_test) {
                let inner = modules.iter().map(|(_, module)| *module);
                let test = path.iter().copied().chain(inner).chain([name]);
                tests.push(test.map(str::to_owned).collect());
            }
        }
    }
    tests
}

fn between<'text>(text: &'text str, before: &str, after: &str) -> Option<&'text str> {
    Some(text.strip_prefix(before)?.split_once(after)?.0)
}

/// What precedes the name of an item in its definition.
const KINDS: [&str; 9] = [
    "fn",
    "struct",
    "enum",
    "trait",
    "const",
    "type",
    "mod",
    "static",
    "macro_rules",
];
/// Folders whose contents are made.
const MADE: [&str; 5] = [".git", "target", "node_modules", "dist", "__pycache__"];

/// What the sources in a file or folder define. Each name has what holds it: files, folders, modules and types. In a
/// file that is no Rust each word counts as defined.
pub fn definitions(place: &str) -> HashMap<String, HashSet<String>> {
    let files = match root().join(place).is_dir() {
        true => files(place, "rs"),
        false => vec![place.to_owned()],
    };
    let mut found: HashMap<String, HashSet<String>> = HashMap::new();
    for file in files {
        let text = read(&file);
        let names = match file.ends_with(".rs") {
            true => defined_in(&text),
            // A word may contain a dot, such as the name of a runtime.
            false => text.split(|c| is_no_word(c) && c != '.').collect(),
        };
        let holders: HashSet<_> = file.split(is_no_word).chain(holders_in(&text)).collect();
        for name in names {
            let of_name = found.entry(name.to_owned()).or_default();
            of_name.extend(holders.iter().map(|holder| (*holder).to_owned()));
        }
    }
    found
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| !line.starts_with("//"))
}

/// The items, public fields and variants that a Rust file defines.
fn defined_in(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for line in code_lines(text) {
        let words: Vec<_> = line
            .split(is_no_word)
            .filter(|word| !word.is_empty())
            .collect();
        let items = words.windows(2).filter(|pair| KINDS.contains(&pair[0]));
        names.extend(items.map(|pair| pair[1]));
        if let Some(field) = line
            .strip_prefix("pub")
            .and_then(|rest| rest.split_once(": "))
        {
            names.extend(field.0.split(' ').next_back());
        }
        let end = line.find(is_no_word).unwrap_or(line.len());
        let is_variant = line.starts_with(|c: char| c.is_ascii_uppercase())
            && [",", "(", " {"]
                .iter()
                .any(|after| line[end..].starts_with(after));
        names.extend(is_variant.then_some(&line[..end]));
    }
    names
}

/// The modules in a Rust file, and the types whose methods it has.
fn holders_in(text: &str) -> impl Iterator<Item = &str> {
    let heads = ["impl", "mod ", "trait ", "pub trait ", "enum ", "pub enum "];
    let lines =
        code_lines(text).filter(move |line| heads.iter().any(|head| line.starts_with(head)));
    lines.flat_map(|line| line.split(is_no_word))
}

/// Whether a path leads into a folder whose contents are made.
pub fn is_made(path: &str) -> bool {
    path.split('/').any(|part| MADE.contains(&part))
}

/// The paths of all files and folders of the repository, as far as they are not made.
pub fn paths(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect(folder) {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap().to_owned();
        if is_made(&name) {
            continue;
        }
        let path = format!("{folder}/{name}");
        if entry.file_type().unwrap().is_dir() {
            found.extend(paths(&path));
        }
        found.push(path);
    }
    found
}

pub fn is_no_word(c: char) -> bool {
    !c.is_alphanumeric() && c != '_'
}

/// The files in a folder and in those below it whose names end so.
pub fn files(folder: &str, end: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect(folder) {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            found.extend(files(&path, end));
        } else if entry.path().extension().is_some_and(|its| its == end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
