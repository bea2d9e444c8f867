//! The sources: their tests, by the names that a page gives them, and their words.

use std::collections::HashSet;
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

/// The words in a file, or in all sources in a folder and in their paths.
pub fn words(place: &str) -> HashSet<String> {
    let files = match root().join(place).is_dir() {
        true => files(place, "rs"),
        false => vec![place.to_owned()],
    };
    let texts = files.iter().map(|file| format!("{file} {}", read(file)));
    texts
        .flat_map(|text| {
            text.split(is_no_word)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
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
