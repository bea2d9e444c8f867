//! CBOR, which CloudWatch speaks: decoding a body to JSON, so that tests can read what metric was
//! put, and writing an error.

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use serde_json::Value;

pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    json(ciborium::from_reader(bytes).ok()?)
}

/// A map of texts.
pub(super) fn encode_texts(entries: &[(&str, &str)]) -> Vec<u8> {
    let map: BTreeMap<_, _> = entries.iter().copied().collect();
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    ciborium::into_writer(&map, &mut out).expect("texts are CBOR");
    out
}

/// A tag tells what kind a value is, such as a time. Tests do not need it, so it is left out.
fn json(value: Cbor) -> Option<Value> {
    Some(match value {
        Cbor::Tag(_, value) => json(*value)?,
        Cbor::Array(values) => values.into_iter().map(json).collect::<Option<_>>()?,
        Cbor::Map(entries) => {
            let entry = |(key, value): (Cbor, Cbor)| Some((key.into_text().ok()?, json(value)?));
            Value::Object(entries.into_iter().map(entry).collect::<Option<_>>()?)
        }
        value => value.deserialized().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(
            decode(&encode_texts(&[("__type", "AccessDenied")])),
            Some(json!({"__type": "AccessDenied"}))
        );
    }

    #[test]
    fn numbers_lists_tags_and_open_lengths_are_read() {
        // {_ "a": [1, -2, 1.5], "t": 1(0)}
        let bytes = [
            0xbf, 0x61, b'a', 0x83, 0x01, 0x21, 0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0x61, b't',
            0xc1, 0x00, 0xff,
        ];
        assert_eq!(decode(&bytes), Some(json!({"a": [1, -2, 1.5], "t": 0})));
    }

    #[test]
    fn a_broken_body_is_no_value() {
        assert_eq!(decode(&[0x83, 0x01]), None);
    }
}
