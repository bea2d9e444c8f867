//! The part of Logs Insights' language that our queries are written in.

use serde_json::Value;

/// Whether a query finds a line, given as text and as JSON.
pub fn finds(query: &str, text: &str, line: &Value) -> bool {
    let filters = query.split(" | ").filter_map(|c| c.strip_prefix("filter "));
    filters.into_iter().all(|filter| {
        let mut terms = filter.split(" or ");
        terms.any(|term| holds(term, text, line))
    })
}

fn holds(term: &str, text: &str, line: &Value) -> bool {
    if let Some(field) = term.strip_prefix("ispresent(") {
        return field_of(line, field.trim_end_matches(')')).is_some();
    }
    if let Some(pattern) = term.strip_prefix("@message like /") {
        let pattern = pattern.trim_end_matches('/').as_bytes();
        let fits = |part: &[u8]| part.iter().zip(pattern).all(|(c, p)| *p == b'.' || c == p);
        return text.as_bytes().windows(pattern.len()).any(fits);
    }
    let (field, value) = term.split_once(" = ").expect("a comparison");
    let value = value.trim_matches('\'');
    field_of(line, field).is_some_and(|found| found == value)
}

/// A field as CloudWatch Logs discovers it: `span.request`, or `added.0` of a list.
pub fn field_of<'a>(line: &'a Value, field: &str) -> Option<&'a Value> {
    line.pointer(&format!("/{}", field.replace('.', "/")))
}

/// The fields of a line that a query shows; those that begin with `@` are CloudWatch's own.
pub fn fields(query: &str) -> impl Iterator<Item = &str> {
    let fields = query.split(" | ").next().unwrap_or_default();
    let fields = fields.strip_prefix("fields ").expect("fields come first");
    fields.split(", ").filter(|field| !field.starts_with('@'))
}
