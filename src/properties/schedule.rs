//! `Schedule`: EventBridge's rate and cron expressions.
//!
//! A schedule is checked here so that nothing is made if it is wrong. EventBridge may still refuse a schedule that
//! passes. Source: EventBridge guide, "Rate expressions" and "Cron expressions"; if the guide does not say, the rules
//! are those of the Quartz scheduler.

use crate::reader::{self, digits};
use serde_json::Value;

/// The longest expression (EventBridge API, `PutRule`, `ScheduleExpression`).
const LONGEST_EXPRESSION: usize = 256;

const ALLOWED_SCHEDULES: &str = "rate(1 minute), rate(N minutes|hours|days) with N of 2 or more and a year at \
    most, or cron(minutes hours day-of-month month day-of-week year) with ? for one of the two days; \
    values, lists, ranges upwards and /steps (no steps of weekdays), no sign; L, LW or 15W alone as \
    day-of-month, L, 6L or 6#3 alone as day-of-week";

pub(super) fn parse(value: &Value) -> Result<String, String> {
    reader::text(value)
        .filter(|text| text.len() <= LONGEST_EXPRESSION && (is_rate(text) || is_cron(text)))
        .ok_or_else(|| ALLOWED_SCHEDULES.to_owned())
}

/// The text between the parentheses of `name(…)`.
fn inside<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?
        .strip_prefix('(')?
        .strip_suffix(')')
}

/// Each unit, its plural, and how many of it are a year. EventBridge's own limit is not documented.
const RATES: [(&str, &str, u32); 3] = [
    ("minute", "minutes", 366 * 24 * 60),
    ("hour", "hours", 366 * 24),
    ("day", "days", 366),
];

/// Whether a text is a rate. The unit of 1 is singular, that of more is plural: EventBridge refuses `rate(1 minutes)`.
fn is_rate(text: &str) -> bool {
    let Some((number, unit)) = inside(text, "rate").and_then(|inside| inside.split_once(' '))
    else {
        return false;
    };
    let number = digits(number).filter(|_| !number.starts_with('0'));
    number.is_some_and(|number| {
        RATES.iter().any(|(one, more, most)| {
            let named = if number == 1 { one } else { more };
            unit == *named && number <= *most
        })
    })
}

fn is_cron(text: &str) -> bool {
    let fields: Vec<_> = inside(text, "cron")
        .unwrap_or_default()
        .split(' ')
        .collect();
    let [minutes, hours, day_of_month, month, day_of_week, year] = fields.as_slice() else {
        return false;
    };
    let days = match (*day_of_month, *day_of_week) {
        ("?", day) => is_day_of_week(day),
        (day, "?") => is_day_of_month(day),
        _ => false,
    };
    days && MINUTES.is_list(minutes)
        && HOURS.is_list(hours)
        && MONTHS.is_list(month)
        && YEARS.is_list(year)
}

/// What one field of a cron expression may hold.
struct CronField {
    least: u32,
    most: u32,
    /// The longest step.
    step: u32,
    /// The other names of the values, from the least value on.
    names: &'static [&'static str],
    /// Whether a range may wrap around: an example of the guide has `20-2` as hours.
    wraps: bool,
}

const MINUTES: CronField = CronField::of(0, 59, 59, &[]);
const HOURS: CronField = CronField {
    wraps: true,
    ..CronField::of(0, 23, 23, &[])
};
const DAYS_OF_MONTH: CronField = CronField::of(1, 31, 31, &[]);
const MONTHS: CronField = CronField::of(
    1,
    12,
    12,
    &[
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ],
);
const DAYS_OF_WEEK: CronField =
    CronField::of(1, 7, 7, &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);
const YEARS: CronField = CronField::of(1970, 2199, 229, &[]);

impl CronField {
    const fn of(least: u32, most: u32, step: u32, names: &'static [&'static str]) -> Self {
        Self {
            least,
            most,
            step,
            names,
            wraps: false,
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = || {
            let is_named = |name: &&str| name.eq_ignore_ascii_case(text);
            let place = self.names.iter().position(is_named)?;
            Some(self.least + u32::try_from(place).ok()?)
        };
        let value = digits(text).or_else(named)?;
        (self.least..=self.most).contains(&value).then_some(value)
    }

    /// Whether a text has values, ranges and steps, with commas between them.
    fn is_list(&self, text: &str) -> bool {
        text.split(',').all(|part| {
            let (part, step) = part.split_once('/').unwrap_or((part, "1"));
            let has_step = digits(step).is_some_and(|step| (1..=self.step).contains(&step));
            has_step && (part == "*" || self.value(part).is_some() || self.is_range(part))
        })
    }

    fn is_range(&self, text: &str) -> bool {
        let ends = text.split_once('-');
        let ends = ends.and_then(|(from, to)| Some((self.value(from)?, self.value(to)?)));
        ends.is_some_and(|(from, to)| from <= to || self.wraps)
    }
}

/// Whether a text is a list, the last day (`L`), the last weekday (`LW`), or the weekday nearest to a day (`15W`).
fn is_day_of_month(text: &str) -> bool {
    let nearest = text.strip_suffix(['W', 'w']);
    let is_nearest = nearest.is_some_and(|day| DAYS_OF_MONTH.value(day).is_some());
    let is_last = ["L", "LW"]
        .iter()
        .any(|last| last.eq_ignore_ascii_case(text));
    is_last || is_nearest || DAYS_OF_MONTH.is_list(text)
}

/// Whether a text is a list, the last day of the week (`L`), the last Friday of the month (`6L`), or the third (`6#3`).
fn is_day_of_week(text: &str) -> bool {
    let is_day = |day: &str| DAYS_OF_WEEK.value(day).is_some();
    let last = text.strip_suffix(['L', 'l']);
    let is_last = last.is_some_and(|day| day.is_empty() || is_day(day));
    let is_nth = text.split_once('#').is_some_and(|(day, nth)| {
        is_day(day) && digits(nth).is_some_and(|nth| (1..=5).contains(&nth))
    });
    is_last || is_nth || (DAYS_OF_WEEK.is_list(text) && !text.contains('/'))
}
