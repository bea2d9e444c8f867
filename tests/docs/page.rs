//! The pages that people read: their lines, tables, headings and links, and the tests and paths that they name.

use crate::code::{files, read, root};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A row of a table that has more characters than this says something of its own.
const LONG_ROW: usize = 60;
/// How the paths begin or end by which pages name files and folders.
const FOLDERS: [&str; 7] = [
    "src/",
    "tests/",
    "cfn/",
    "docs/",
    "release/",
    "cdk-example/",
    ".github/",
];
const ENDS: [&str; 4] = [".rs", ".yaml", ".py", ".sh"];
/// The pages that are not in `docs`: those in the root, and the construct's.
const OUTSIDE_DOCS: [&str; 6] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "cdk-example/README.md",
];

/// The pages that people read.
pub fn pages() -> Vec<Page> {
    let outside = OUTSIDE_DOCS.map(str::to_owned).into_iter();
    outside
        .chain(files("docs", "md"))
        .map(|path| Page::read(&path))
        .collect()
}

/// A page, by its path in the repository.
pub struct Page {
    pub path: String,
    text: String,
}

impl Page {
    pub fn read(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: read(path),
        }
    }

    /// The lines that are not code, with their numbers.
    pub fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_code = false;
        (1..).zip(self.text.lines()).filter(move |(_, line)| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
    }

    /// The long rows of tables, without heads and without the spaces that align them.
    pub fn rows(&self) -> Vec<(usize, String)> {
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
        let mut anchors = Vec::new();
        for (_, line) in self.prose().filter(|(_, line)| line.starts_with('#')) {
            let anchor = anchor(line.trim_start_matches('#'));
            let before = times.entry(anchor.clone()).or_default();
            anchors.push(match *before {
                0 => anchor,
                again => format!("{anchor}-{again}"),
            });
            *before += 1;
        }
        anchors
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

pub fn follow(page: &Page, target: &str) -> Result<(), &'static str> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(&page.path).parent().unwrap();
    let path = match path {
        "" => PathBuf::from(&page.path),
        path => folder.join(path),
    };
    if !root().join(&path).exists() {
        return Err("no such file");
    }
    let anchors = || Page::read(path.to_str().unwrap()).anchors();
    match heading.is_empty() || anchors().iter().any(|anchor| anchor == heading) {
        true => Ok(()),
        false => Err("no such heading"),
    }
}

/// What the links of a line lead to, but those to other sites.
pub fn links(line: &str) -> Vec<String> {
    // What stands between backticks is no link.
    let text: String = line.split('`').step_by(2).collect();
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let here = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    here.map(str::to_owned).collect()
}

/// The tests that a line names, each with where it is: `name` (`folder`), or end to end.
pub fn named_tests(line: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = line.split('`').collect();
    let names = (1..parts.len())
        .step_by(2)
        .filter(|at| is_test_name(parts[*at]));
    names
        .map(|at| match parts.get(at + 1..at + 3) {
            Some([" (", place]) => (parts[at], *place),
            _ => (parts[at], "tests/e2e"),
        })
        .collect()
}

/// The paths in the repository that a line names.
pub fn named_paths(line: &str) -> impl Iterator<Item = &str> {
    let codes = line.split('`').skip(1).step_by(2);
    let whole = codes.filter(|code| !code.contains([' ', '<', '*', '$']));
    whole.filter(|code| {
        FOLDERS.iter().any(|start| code.starts_with(start))
            || ENDS.iter().any(|end| code.ends_with(end))
    })
}

/// A path of modules that ends in a test's name, or the name alone, which is a sentence.
fn is_test_name(code: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_word = |word: &str| !word.is_empty() && word.chars().all(is_allowed);
    let is_sentence = code.matches('_').count() >= 5;
    code.split("::").all(is_word) && (code.contains("::") || is_sentence)
}
