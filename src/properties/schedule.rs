//! `Schedule`: EventBridge's rate and cron expressions.
//!
//! Checked here because everything else is checked before anything is made. What the check lets
//! through, EventBridge may still refuse. Source: EventBridge guide, "Schedule expressions".

use super::reader;
use serde_json::Value;

const ALLOWED: &str = "rate(1 minute), rate(N minutes|hours|days) with N of 2 or more, or \
    cron(minutes hours day-of-month month day-of-week year) with ? for one of the two days";

pub(super) fn parse(value: &Value) -> Result<String, String> {
    reader::text(value)
        .filter(|text| is_rate(text) || is_cron(text))
        .ok_or_else(|| ALLOWED.to_owned())
}

fn inside<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?
        .strip_prefix('(')?
        .strip_suffix(')')
}

/// One takes the singular, more the plural: EventBridge refuses `rate(1 minutes)`.
fn is_rate(text: &str) -> bool {
    let Some((number, unit)) = inside(text, "rate").and_then(|inside| inside.split_once(' '))
    else {
        return false;
    };
    if number.starts_with('0') || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    match number.parse::<u32>() {
        Ok(1) => ["minute", "hour", "day"].contains(&unit),
        Ok(_) => ["minutes", "hours", "days"].contains(&unit),
        Err(_) => false,
    }
}

fn is_cron(text: &str) -> bool {
    let fields: Vec<_> = inside(text, "cron")
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let [minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
        return false;
    };
    const MONTHS: &str = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC";
    const DAYS: &str = "SUN MON TUE WED THU FRI SAT";
    is_field(minutes, 0, 59, "", "")
        && is_field(hours, 0, 23, "", "")
        && is_field(month, 1, 12, MONTHS, "")
        && is_field(year, 1970, 2199, "", "")
        && ((*day_of_week == "?" && is_field(day_of_month, 1, 31, "", "LW"))
            || (*day_of_month == "?" && is_field(day_of_week, 1, 7, DAYS, "L#")))
}

/// A list of values, ranges and steps; `wild` are the letters that only this field knows.
fn is_field(field: &str, least: u32, most: u32, names: &str, wild: &str) -> bool {
    let is_value = |text: &str| {
        text.parse::<u32>()
            .is_ok_and(|number| (least..=most).contains(&number))
            || names
                .split(' ')
                .any(|name| !name.is_empty() && name.eq_ignore_ascii_case(text))
    };
    field.split(',').all(|part| {
        let (part, step) = part.split_once('/').unwrap_or((part, "1"));
        if !step
            .parse::<u32>()
            .is_ok_and(|step| (1..=most).contains(&step))
        {
            return false;
        }
        if part == "*" || is_value(part) {
            return true;
        }
        if let Some((from, to)) = part.split_once('-') {
            return is_value(from) && is_value(to);
        }
        is_wild(part, wild, is_value)
    })
}

/// `L` (last), `5L` (last Thursday), `15W` (weekday nearest the 15th), `LW`, `3#2` (second
/// Tuesday).
fn is_wild(part: &str, wild: &str, is_value: impl Fn(&str) -> bool) -> bool {
    if wild.contains('#')
        && let Some((day, nth)) = part.split_once('#')
    {
        return is_value(day) && nth.parse::<u32>().is_ok_and(|nth| (1..=5).contains(&nth));
    }
    let rest = part.trim_end_matches(|letter| letter != '#' && wild.contains(letter));
    rest.len() < part.len() && (rest.is_empty() || is_value(rest))
}
