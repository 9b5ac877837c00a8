//! When a `CronJob` runs.

use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
};

const WORDS: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// `spec.schedule` of a `CronJob`.
pub(super) fn of_cron_job(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let Some(schedule) = spot.field("schedule") else { return };
    let Some(text) = schedule.text() else { return };
    if text.contains("TZ=") {
        let message = format!("`{}` names a time zone", schedule.path());
        found.push(
            schedule.error(Code::OutOfRange, message).help("write it as `timeZone:` beside the schedule"),
        );
    } else if let Some(wrong) = wrong(text) {
        let message = format!("`{}` is no schedule: {wrong}", schedule.path());
        found.push(
            schedule.error(Code::OutOfRange, message).help("write it as cron does, as in `*/5 * * * *`"),
        );
    }
}

fn wrong(text: &str) -> Option<String> {
    if text.starts_with('@') {
        let known = WORDS.contains(&text) || text.starts_with("@every ");
        return (!known).then(|| "there is no such word".to_owned());
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return Some(format!("it has {} fields, not 5", fields.len()));
    };
    let checks: [(&str, &str, u32, u32, &[&str]); 5] = [
        ("minute", minute, 0, 59, &[]),
        ("hour", hour, 0, 23, &[]),
        ("day", day, 1, 31, &[]),
        ("month", month, 1, 12, &MONTHS),
        ("weekday", weekday, 0, 6, &DAYS),
    ];
    let bad =
        checks.into_iter().find(|(_, field, least, most, words)| !is_field(field, *least, *most, words));
    bad.map(|(name, _, least, most, _)| format!("its {name} is not from {least} to {most}"))
}

/// `*`, `1-5`, `*/15`, `mon,wed`.
fn is_field(field: &str, least: u32, most: u32, words: &[&str]) -> bool {
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| step.parse::<u32>().map_or(true, |step| step == 0)) {
            return false;
        }
        let value = |text: &str| {
            let first = u32::from(words.len() == 12);
            let named = words.iter().position(|word| word.eq_ignore_ascii_case(text));
            let number = named
                .and_then(|at| u32::try_from(at).ok())
                .map_or_else(|| text.parse().ok(), |at| Some(at + first));
            number.filter(|number| (least..=most).contains(number))
        };
        match range.split_once('-') {
            _ if matches!(range, "*" | "?") => true,
            None => value(range).is_some(),
            Some((from, to)) => matches!((value(from), value(to)), (Some(from), Some(to)) if from <= to),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn schedules_are_read_as_cron_does() {
        for good in
            ["* * * * *", "*/5 0-6,12 1 jan-MAR ?", "0 0 * * 0", "@daily", "@every 1h", " 1  2 3 4 5 "]
        {
            assert_eq!(wrong(good), None, "{good}");
        }
        for bad in [
            "",
            "schedule",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "*/0 * * * *",
            "* * * * 7",
            "5-1 * * * *",
            "@often",
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }
}
