//! Just enough XML to read, change and write what the query APIs of AWS answer. It knows nothing of
//! namespaces, mixed content or documents of others.

use anyhow::{Context, Result, bail};
use xmlparser::{ElementEnd, Token, Tokenizer};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    pub name: String,
    /// Their values are as written, escapes included.
    attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub fn with_text(name: &str, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::new(name)
        }
    }

    pub fn of(name: &str, children: Vec<Element>) -> Self {
        Self {
            children,
            ..Self::new(name)
        }
    }

    pub fn with(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    pub fn parse(document: &str) -> Result<Self> {
        // The elements that are not closed yet, the innermost last; the first one collects the root.
        let mut open = vec![Self::default()];
        for token in Tokenizer::from(document) {
            match token? {
                Token::ElementStart { local, .. } => open.push(Self::new(local.as_str())),
                Token::Attribute { local, value, .. } => {
                    let attribute = (local.as_str().to_owned(), value.as_str().to_owned());
                    open.last_mut()
                        .context("an attribute outside")?
                        .attributes
                        .push(attribute);
                }
                Token::Text { text } => {
                    open.last_mut()
                        .context("text outside")?
                        .text
                        .push_str(&unescape(text.as_str()));
                }
                Token::ElementEnd {
                    end: ElementEnd::Open,
                    ..
                } => {}
                Token::ElementEnd { .. } => {
                    let mut done = open.pop().context("an end without a start")?;
                    if !done.children.is_empty() {
                        done.text.clear();
                    }
                    open.last_mut()
                        .context("an end without a start")?
                        .children
                        .push(done);
                }
                _ => {}
            }
        }
        match open.pop().and_then(|mut all| all.children.pop()) {
            Some(root) if open.is_empty() => Ok(root),
            _ => bail!("not a whole XML document"),
        }
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn child_mut(&mut self, name: &str) -> Option<&mut Element> {
        self.children.iter_mut().find(|child| child.name == name)
    }

    /// The text of a child; it is empty if there is no such child.
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }

    /// The first element of that name at any depth.
    pub fn find(&self, name: &str) -> Option<&Element> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    pub fn find_mut(&mut self, name: &str) -> Option<&mut Element> {
        if self.name == name {
            return Some(self);
        }
        self.children
            .iter_mut()
            .find_map(|child| child.find_mut(name))
    }

    /// The members of the first list of that name.
    pub fn list(&self, name: &str) -> &[Element] {
        self.find(name).map_or(&[], |list| &list.children)
    }

    pub fn list_mut(&mut self, name: &str) -> Option<&mut Vec<Element>> {
        self.find_mut(name).map(|list| &mut list.children)
    }

    /// Replaces the child of the same name, or adds it at the end.
    pub fn set(&mut self, child: Element) {
        match self.child_mut(&child.name) {
            Some(old) => *old = child,
            None => self.children.push(child),
        }
    }

    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{value}\""));
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write_to(out);
        }
        out.push_str(&format!("</{}>", self.name));
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
