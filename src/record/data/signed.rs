//! Rule 4: when CloudFormation signed a request's response address.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// The time in a response address. Times of the two forms cannot be compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signed {
    /// `X-Amz-Date`: when the address was signed (Signature Version 4).
    At(Timestamp),
    /// `Expires`: when the address expires, hours after it was signed (Signature Version 2).
    Until(Timestamp),
}

/// Reads the time in a response address: `X-Amz-Date` of Signature Version 4, or `Expires` of Version 2 (S3 guide,
/// "Authenticating requests"). The address as a whole is a secret. That CloudFormation signs it when it sends the
/// request is assumed, not documented.
pub fn signature_time(response_url: &str) -> Option<Signed> {
    let (_, query) = response_url.split_once('?')?;
    let parameter = |wanted: &str| {
        query.split('&').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.eq_ignore_ascii_case(wanted).then_some(value)
        })
    };
    let at = parameter("X-Amz-Date").and_then(Timestamp::parse);
    at.map(Signed::At).or_else(|| {
        let seconds: u64 = parameter("Expires")?.parse().ok()?;
        let millis = seconds.checked_mul(1000)?;
        Some(Signed::Until(Timestamp::from_millis(millis)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_from_either_form_of_a_response_address() {
        let url =
            "https://bucket/key?X-Amz-Algorithm=A&X-Amz-Date=20261125T021000Z&X-Amz-Expires=7200";
        let time = Timestamp::parse("2026-11-25T02:10:00Z").expect("a time");
        assert_eq!(signature_time(url), Some(Signed::At(time)));
        let url = "https://bucket/key?AWSAccessKeyId=K&Expires=1795572600&Signature=S";
        assert_eq!(signature_time(url), Some(Signed::Until(time)));
        for url in [
            "",
            "https://bucket/key",
            "https://bucket/key?X-Amz-Date=soon&Expires=x",
        ] {
            assert_eq!(signature_time(url), None, "{url}");
        }
    }
}
