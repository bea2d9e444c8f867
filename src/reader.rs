//! Reads JSON objects whose scalars may be strings: a resource's properties, a person's question, and environment
//! variables.
//!
//! Never stops at the first problem, and never ignores a property that it does not know. No I/O.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// One property that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub property: String,
    pub given: String,
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            property,
            given,
            allowed,
        } = self;
        write!(f, "{property}: given {given}, allowed is {allowed}")
    }
}

/// Everything that is wrong with one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems(Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl Problems {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    pub(crate) fn add(
        &mut self,
        property: impl Into<String>,
        given: impl fmt::Display,
        allowed: impl Into<String>,
    ) {
        self.0.push(Problem {
            property: property.into(),
            given: shorten(&given.to_string()),
            allowed: allowed.into(),
        });
    }
}

/// A response has 4096 bytes for all problems, so one long value must not leave the others out.
fn shorten(given: &str) -> String {
    const MOST: usize = 120;
    if given.chars().count() <= MOST {
        return given.to_owned();
    }
    given.chars().take(MOST).chain(['…']).collect()
}

/// One JSON object, its place in the outermost object, and the names of the properties that were read so far.
pub(crate) struct Reader<'a, 'p> {
    path: String,
    object: &'a Map<String, Value>,
    known: BTreeSet<&'static str>,
    ignored: BTreeSet<&'static str>,
    problems: &'p mut Problems,
}

impl<'a, 'p> Reader<'a, 'p> {
    /// `path` is the object's place, such as `Listeners[0]`; it is empty for the outermost object.
    pub(crate) fn open(path: String, value: &'a Value, problems: &'p mut Problems) -> Option<Self> {
        let Some(object) = value.as_object() else {
            let place = if path.is_empty() {
                "ResourceProperties".to_owned()
            } else {
                path
            };
            problems.add(place, value, "an object");
            return None;
        };
        Some(Self {
            path,
            object,
            known: BTreeSet::new(),
            ignored: BTreeSet::new(),
            problems,
        })
    }

    /// Accepts a property, and names it in no problem.
    pub(crate) fn ignore(&mut self, name: &'static str) {
        self.ignored.insert(name);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| !value.is_null())
    }

    /// The value of a property with its place, for the caller to read.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<(String, &'a Value)> {
        self.known.insert(name);
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        Some((self.place(name), value))
    }

    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        let (path, value) = self.take(name)?;
        self.element(path, value, parse)
    }

    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&Value) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(name) {
            self.known.insert(name);
            // No property may be null, so the parser's error says what is allowed.
            let allowed = parse(&Value::Null).err().unwrap_or_default();
            self.missing(name, allowed);
            return None;
        }
        self.optional(name, parse)
    }

    /// Adds the problem that a property is missing.
    pub(crate) fn missing(&mut self, name: &'static str, allowed: impl Into<String>) {
        let place = self.place(name);
        self.problems.add(place, "nothing", allowed);
    }

    /// Adds a problem if a property is given.
    pub(crate) fn forbid(&mut self, name: &'static str, allowed: &str) {
        if let Some((place, value)) = self.take(name) {
            self.problems.add(place, value, allowed);
        }
    }

    /// The elements of a list with `least` to `most` of them, each with its place.
    pub(crate) fn elements(
        &mut self,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Option<Vec<(String, &'a Value)>> {
        let (path, value) = self.take(name)?;
        match value.as_array() {
            Some(list) if (least..=most).contains(&list.len()) => Some(
                list.iter()
                    .enumerate()
                    .map(|(index, element)| (format!("{path}[{index}]"), element))
                    .collect(),
            ),
            Some(list) => {
                let given = format!("a list of {}", list.len());
                self.problems
                    .add(path, given, format!("a list of {least} to {most}"));
                None
            }
            None => {
                self.problems
                    .add(path, value, format!("a list of {least} to {most}"));
                None
            }
        }
    }

    /// Parses one value at a place.
    pub(crate) fn element<T>(
        &mut self,
        path: String,
        value: &Value,
        parse: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Option<T> {
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(allowed) => {
                self.problems.add(path, value, allowed);
                None
            }
        }
    }

    /// Adds a problem for each property that was neither read nor ignored.
    pub(crate) fn close(self) {
        for (name, value) in self.object {
            let name_str = name.as_str();
            if !self.known.contains(name_str) && !self.ignored.contains(name_str) {
                let known: Vec<_> = self.known.iter().copied().collect();
                let place = self.place(name);
                let allowed = format!("no such property; there are {}", known.join(", "));
                self.problems.add(place, value, allowed);
            }
        }
    }

    fn place(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

/// A scalar as text: CloudFormation makes strings of numbers and booleans.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// The number that a text of digits alone means: a sign is not allowed.
pub(crate) fn digits(text: &str) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

pub(crate) fn number(least: u32, most: u32) -> impl Fn(&Value) -> Result<u32, String> {
    move |value| {
        text(value)
            .and_then(|text| digits(&text))
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| format!("a whole number from {least} to {most}"))
    }
}

pub(crate) fn port(value: &Value) -> Result<u16, String> {
    let allowed = "a port from 1 to 65535";
    let number = number(1, 65_535)(value).map_err(|_| allowed.to_owned())?;
    u16::try_from(number).map_err(|_| allowed.to_owned())
}

pub(crate) fn boolean(value: &Value) -> Result<bool, String> {
    match text(value).map(|text| text.to_ascii_lowercase()).as_deref() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

/// One of a few words, in AWS's own spelling.
pub(crate) fn word(allowed: &'static [&'static str]) -> impl Fn(&Value) -> Result<String, String> {
    move |value| {
        text(value)
            .filter(|text| allowed.contains(&text.as_str()))
            .ok_or_else(|| format!("one of {}", allowed.join(", ")))
    }
}
