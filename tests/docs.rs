//! Whether the pages hold together: each test that one names exists, each link leads somewhere, the README stays
//! short, and no table stands twice. It reads files only; what the pages say is for people to judge.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a README that a person reads in ten minutes.
const README_BYTES: usize = 10_000;
/// Characters of a table's row from which on it says something of its own.
const LONG_ROW: usize = 60;
/// Where a test is looked for if the page does not say where it is.
const END_TO_END: &str = "tests/e2e";

#[test]
fn every_test_that_a_page_names_exists() {
    let tests = tests();
    let mut problems = Vec::new();
    let mut named = 0;
    for page in pages() {
        for (number, line) in page.prose() {
            for (name, place) in named_tests(line) {
                named += 1;
                if !tests.iter().any(|test| test.is(&name, &place)) {
                    problems.push(format!("{}:{number}: no test {name} in {place}", page.path));
                }
            }
        }
    }
    assert!(named > 100, "only {named} tests are named: are they read?");
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
fn the_readme_is_short() {
    let bytes = Page::read("README.md").text.len();
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

/// A page, by its path in the repository.
struct Page {
    path: String,
    text: String,
}

impl Page {
    fn read(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: fs::read_to_string(root().join(path)).expect(path),
        }
    }

    /// The lines that are not code, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_code = false;
        (1..).zip(self.text.lines()).filter(move |(_, line)| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
    }

    /// Long rows of tables, without heads and without the spaces that align them.
    fn rows(&self) -> Vec<(usize, String)> {
        let lines: Vec<_> = self.prose().collect();
        let is_rule =
            |line: &str| line.starts_with('|') && line.chars().all(|c| "|-: ".contains(c));
        let is_head = |at: usize| lines.get(at + 1).is_some_and(|(_, next)| is_rule(next));
        let rows = lines.iter().enumerate().filter_map(|(at, (number, line))| {
            let row = line.split_whitespace().collect::<Vec<_>>().join(" ");
            (row.starts_with('|') && !is_rule(line) && !is_head(at)).then_some((*number, row))
        });
        rows.filter(|(_, row)| row.chars().count() > LONG_ROW)
            .collect()
    }

    /// The anchors of the headings, as GitHub makes them.
    fn anchors(&self) -> Vec<String> {
        let mut times: HashMap<String, usize> = HashMap::new();
        let headings = self.prose().filter_map(|(_, line)| {
            let text = line.trim_start_matches('#');
            (text.len() < line.len()).then(|| text.strip_prefix(' '))?
        });
        headings
            .map(|heading| {
                let anchor = anchor(heading);
                let before = times.entry(anchor.clone()).or_default();
                *before += 1;
                match *before {
                    1 => anchor,
                    again => format!("{anchor}-{}", again - 1),
                }
            })
            .collect()
    }
}

/// Lower case, hyphens for spaces, and nothing else but letters, digits, hyphens and underscores.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    kept.collect::<String>().to_lowercase()
}

fn follow(page: &Page, target: &str) -> Result<(), String> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(&page.path).parent().expect("a page is a file");
    let path = match path {
        "" => PathBuf::from(&page.path),
        path => folder.join(path),
    };
    if !root().join(&path).exists() {
        return Err("no such file".to_owned());
    }
    let is_there = || {
        let page = Page::read(path.to_str().expect("a path is UTF-8"));
        page.anchors().iter().any(|anchor| anchor == heading)
    };
    match heading.is_empty() || is_there() {
        true => Ok(()),
        false => Err("no such heading".to_owned()),
    }
}

/// What the links of a line lead to, but those to other sites.
fn links(line: &str) -> Vec<String> {
    // What stands between backticks is no link.
    let text: String = line.split('`').step_by(2).collect();
    let ends = text.match_indices("](").map(|(at, open)| at + open.len());
    let targets = ends.filter_map(|at| text[at..].split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

/// The tests that a line names between backticks, each with where it is: `name` (`folder`), or end to end.
fn named_tests(line: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = line.split('`').collect();
    let codes = (1..parts.len()).step_by(2);
    codes
        .filter(|at| is_test_name(parts[*at]))
        .map(|at| {
            let says_where = parts[at + 1] == " (" && parts.len() > at + 2;
            let place = if says_where {
                parts[at + 2]
            } else {
                END_TO_END
            };
            (parts[at].to_owned(), place.to_owned())
        })
        .collect()
}

/// A path of modules that ends in a test's name, or the name alone, which is a sentence.
fn is_test_name(code: &str) -> bool {
    let is_word = |word: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        !word.is_empty() && word.chars().all(allowed)
    };
    let is_sentence = code.matches('_').count() >= 5;
    code.split("::").all(is_word) && (code.contains("::") || is_sentence)
}

/// A test, by the folders, files and modules that it is in, and its name.
struct Test(Vec<String>);

impl Test {
    fn is(&self, name: &str, place: &str) -> bool {
        let place = place.trim_end_matches(".rs").split('/');
        let name: Vec<_> = name.split("::").collect();
        let is_in_place = place.enumerate().all(|(at, part)| self.0[at] == part);
        is_in_place
            && self
                .0
                .ends_with(&name.iter().map(|&part| part.to_owned()).collect::<Vec<_>>())
    }
}

fn tests() -> Vec<Test> {
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    rust_files(Path::new("tests"), &mut files);
    files.iter().flat_map(|file| tests_in(file)).collect()
}

fn tests_in(file: &Path) -> Vec<Test> {
    let text = fs::read_to_string(root().join(file)).expect("a source is UTF-8");
    let path = file.with_extension("");
    let mut path: Vec<_> = path
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    path.pop_if(|name| matches!(name.as_str(), "mod" | "main" | "lib"));
    let mut modules: Vec<(usize, String)> = Vec::new();
    let mut is_test = false;
    let mut tests = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        // rustfmt makes what is in a module stand further in than the module.
        let indent = line.len() - code.len();
        if code == "#[test]" || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(module) = between(code, "mod ", " {") {
            modules.retain(|(outer, _)| *outer < indent);
            modules.push((indent, module.to_owned()));
        } else if let Some(name) = between(code.trim_start_matches("async "), "fn ", "(") {
            modules.retain(|(outer, _)| *outer < indent);
            if std::mem::take(&mut is_test) {
                let inner = modules.iter().map(|(_, module)| module);
                tests.push(Test(
                    path.iter()
                        .chain(inner)
                        .cloned()
                        .chain([name.to_owned()])
                        .collect(),
                ));
            }
        }
    }
    tests
}

fn between<'text>(text: &'text str, before: &str, after: &str) -> Option<&'text str> {
    Some(text.strip_prefix(before)?.split_once(after)?.0)
}

/// The pages that people read: those of the root that there are, those of `docs`, and the construct's.
fn pages() -> Vec<Page> {
    let in_folder = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).expect(folder);
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".md")).collect();
        names.sort();
        names
    };
    let docs = in_folder("docs")
        .into_iter()
        .map(|name| format!("docs/{name}"));
    let paths = in_folder(".").into_iter().chain(docs);
    paths
        .chain(["cdk-example/README.md".to_owned()])
        .map(|path| Page::read(&path))
        .collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder of sources") {
        let path = folder.join(entry.unwrap().file_name());
        if root().join(&path).is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
