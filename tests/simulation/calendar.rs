//! Times of the simulated world, written as AWS writes them.
//!
//! The world begins at a fixed time, so that a trace is the same in every run.

/// The world's beginning: 2026-11-25T02:10:00Z, in milliseconds since 1970.
pub const BEGINNING: u64 = 1_795_572_600_000;

/// One minute in milliseconds.
pub const MINUTE_IN_MILLIS: u64 = 60_000;

/// `2026-11-25T02:10:00Z`, as EventBridge gives an event's time (EventBridge guide, "AWS service event
/// metadata").
pub fn rfc3339(millis: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(millis);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `20261125T021000Z`, as a signed URL has it (Signature Version 4, "X-Amz-Date").
pub fn signed(millis: u64) -> String {
    rfc3339(millis).replace(['-', ':'], "")
}

fn parts(millis: u64) -> [u64; 6] {
    let seconds = millis / 1000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut days = seconds / 86_400;
    let mut year = 1970;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    [year, month, days + 1, hour, minute, second]
}

#[test]
fn the_beginning_is_written_as_aws_writes_it() {
    assert_eq!(rfc3339(BEGINNING), "2026-11-25T02:10:00Z");
    assert_eq!(signed(BEGINNING), "20261125T021000Z");
}
