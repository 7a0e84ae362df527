//! A cron expression's fields: reading them as EventBridge Scheduler does, and finding the next wall-clock time.
//!
//! Pure. Nothing here knows of zones: which instant a wall-clock time is, `recurrence` decides.

use std::{cmp::Ordering, collections::BTreeSet, str::FromStr};

use croner::{
    CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};
use jiff::{SignedDuration, civil};

/// A cron expression: minutes, hours, day-of-month, month, day-of-week, year.
///
/// Days of the week count from 1 = SUN to 7 = SAT, and exactly one of the two day fields is `?`.
#[derive(Clone, PartialEq, Eq)]
pub struct Expression(Box<Cron>);

impl Expression {
    /// The next wall-clock time after one; none where the years end.
    #[must_use]
    pub fn next(&self, after: civil::DateTime) -> Option<civil::DateTime> {
        self.0.find_next_occurrence(&Wall(after), false).ok().map(|wall| wall.0)
    }
}

impl FromStr for Expression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let shaped = shape(&fields).map_err(|why| format!("{why} in \"cron({text})\"{}", instead(&fields)))?;
        matcher(shaped).map_err(|why| match accepted(&[owned(&fields)]) {
            Some(reading) => format!("{why}; write cron({reading})"),
            None => why,
        })
    }
}

fn shape<'a>(fields: &[&'a str]) -> Result<[&'a str; 6], String> {
    let fields = <[&str; 6]>::try_from(fields).map_err(|_| {
        format!(
            "expected six fields, cron(minutes hours day-of-month month day-of-week year), but found {}",
            fields.len()
        )
    })?;
    let found = match (fields[2], fields[4]) {
        ("?", "?") => "both",
        ("?", _) | (_, "?") => return Ok(fields),
        (_, _) => "neither",
    };
    Err(format!("expected `?` in one of day-of-month and day-of-week, but found it in {found}"))
}

/// The fields as EventBridge Scheduler reads them, for a matcher that would read some otherwise: to it `5/10` is an
/// error, `L` as a day of the week is never, and `MON-FRI#2` and `1,L` are days that EventBridge does not document.
/// So it gets plain numbers only.
fn matcher(fields: [&str; 6]) -> Result<Expression, String> {
    let [minutes, hours, days, months, weekdays, years] = fields;
    let plain = format!(
        "0 {} {} {} {} {} {}",
        MINUTES.values(minutes)?,
        HOURS.values(hours)?,
        days_of_month(days)?,
        MONTHS.values(months)?,
        days_of_week(weekdays)?,
        YEARS.values(years)?,
    );
    let never = |_| {
        format!(
            "expected days that exist, but found {:?}, which is on no day from {} to {}",
            fields.join(" "),
            YEARS.first,
            YEARS.last
        )
    };
    let parser =
        CronParser::builder().seconds(Seconds::Required).year(Year::Required).alternative_weekdays(true).build();
    let cron = parser.parse(&plain).map_err(never)?;
    cron.find_next_occurrence(&Wall(civil::date(1970, 1, 1).at(0, 0, 0, 0)), true).map_err(never)?;
    Ok(Expression(Box::new(cron)))
}

fn days_of_month(text: &str) -> Result<String, String> {
    if text == "?" {
        return Ok("*".to_owned());
    }
    if text.eq_ignore_ascii_case("L") || text.eq_ignore_ascii_case("LW") {
        return Ok(text.to_ascii_uppercase());
    }
    if text.contains(['L', 'l', 'W', 'w']) && text.contains([',', '-', '/']) {
        return Err(format!(
            "expected `L`, `LW` or a day with `W` alone in day-of-month, but found {text:?}; book a series for each"
        ));
    }
    match text.strip_suffix(['W', 'w']) {
        Some(day) => Ok(format!("{}W", DAYS.value(day)?)),
        None => DAYS.values(text),
    }
}

fn days_of_week(text: &str) -> Result<String, String> {
    if text == "?" {
        return Ok("*".to_owned());
    }
    if text.eq_ignore_ascii_case("L") {
        return Ok(WEEKDAYS.last.to_string());
    }
    if text.contains('/') {
        return Err(format!(
            "expected day-of-week without a step, but found {text:?}; name the days, as in SUN,TUE,THU"
        ));
    }
    if text.contains(['L', 'l', '#']) && text.contains([',', '-']) {
        return Err(format!(
            "expected a day with `L` or `#` alone in day-of-week, but found {text:?}; book a series for each"
        ));
    }
    if let Some(day) = text.strip_suffix(['L', 'l']) {
        return Ok(format!("{}#L", WEEKDAYS.value(day)?));
    }
    let Some((day, nth)) = text.split_once('#') else {
        return WEEKDAYS.values(text);
    };
    match number::<u8>(nth) {
        Some(nth @ 1..=5) => Ok(format!("{}#{nth}", WEEKDAYS.value(day)?)),
        Some(_) | None => {
            Err(format!("expected the first to the fifth of a month, SUN#1 to SUN#5, but found {text:?}"))
        }
    }
}

/// One field's numbers, and the names that stand for them.
struct Field {
    name: &'static str,
    first: u16,
    last: u16,
    names: &'static [&'static str],
}

const MINUTES: Field = Field { name: "minutes", first: 0, last: 59, names: &[] };
const HOURS: Field = Field { name: "hours", first: 0, last: 23, names: &[] };
const DAYS: Field = Field { name: "day-of-month", first: 1, last: 31, names: &[] };
const MONTHS: Field = Field {
    name: "month",
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const WEEKDAYS: Field =
    Field { name: "day-of-week", first: 1, last: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const YEARS: Field = Field { name: "year", first: 1970, last: 2199, names: &[] };

impl Field {
    /// Every number that the field's text stands for, in order, separated by commas.
    fn values(&self, text: &str) -> Result<String, String> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, part)?)),
                None => (part, None),
            };
            let (from, to) = if range == "*" && part == text {
                (self.first, self.last)
            } else if let Some((from, to)) = range.split_once('-') {
                let ends = (self.value(from)?, self.value(to)?);
                if ends.0 > ends.1 {
                    return Err(self.backwards(from, to));
                }
                ends
            } else {
                let from = self.value(range)?;
                (from, if step.is_some() { self.last } else { from })
            };
            values.extend((from..=to).step_by(step.unwrap_or(1)));
        }
        Ok(values.iter().map(u16::to_string).collect::<Vec<_>>().join(","))
    }

    fn value(&self, text: &str) -> Result<u16, String> {
        let by_name = (self.first..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(text));
        by_name
            .map(|(value, _)| value)
            .or_else(|| number(text))
            .filter(|value| (self.first..=self.last).contains(value))
            .ok_or_else(|| {
                let names = match self.names {
                    [first, .., last] => format!(" or {first}-{last}, where {} is {first}", self.first),
                    _ => String::new(),
                };
                format!("expected {} of {}-{}{names}, but found {text:?}", self.name, self.first, self.last)
            })
    }

    fn step(&self, text: &str, part: &str) -> Result<usize, String> {
        let longest = self.last - self.first;
        number(text).filter(|step| (1..=longest).contains(step)).map(usize::from).ok_or_else(|| {
            format!("expected a step of 1 to {longest} in {}, but found {text:?} in {part:?}", self.name)
        })
    }

    fn backwards(&self, from: &str, to: &str) -> String {
        format!("expected a range that goes up in {}, but found \"{from}-{to}\"", self.name)
    }

    /// The same with each range over the end, such as `FRI-MON`, as values that go up.
    fn upward(&self, text: &str) -> String {
        let parts = text.split(',').map(|part| self.part_upward(part).unwrap_or_else(|| part.to_owned()));
        parts.collect::<Vec<_>>().join(",")
    }

    fn part_upward(&self, part: &str) -> Option<String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, part).ok()?)),
            None => (part, None),
        };
        let (from, to) = range.split_once('-')?;
        let (start, end) = (self.value(from).ok()?, self.value(to).ok()?);
        // Years alone do not come round again.
        if start <= end || self.last == YEARS.last {
            return None;
        }
        if let Some(step) = step {
            let values = (start..=self.last).chain(self.first..=end).step_by(step);
            return Some(values.map(|value| value.to_string()).collect::<Vec<_>>().join(","));
        }
        let (first, last) = match self.names {
            [first, .., last] if number::<u16>(from).is_none() => ((*first).to_owned(), (*last).to_owned()),
            _ => (self.first.to_string(), self.last.to_string()),
        };
        let range =
            |from: &str, to: &str| if from.eq_ignore_ascii_case(to) { from.to_owned() } else { format!("{from}-{to}") };
        Some(format!("{},{}", range(from, &last), range(&first, to)))
    }
}

/// Digits only: the standard library would take a plus sign too.
pub(super) fn number<N: FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// What the author of these fields most likely meant, as an end to the sentence that refuses them: crontab's five
/// fields, commas between the fields, a leading field for seconds, or the wrong number of question marks.
pub(super) fn instead(fields: &[&str]) -> String {
    let separate: Vec<&str> = match fields {
        [all] => all.split(',').collect(),
        _ => fields.iter().map(|field| field.trim_end_matches(',')).collect(),
    };
    let readings = match separate.as_slice() {
        [_, _, _, _, _] => vec![crontab(&separate)],
        [_, quartz @ ..] if quartz.len() == 5 => {
            vec![owned(&separate), one_mark(&separate), owned(&[quartz, &["*"]].concat()), crontab(quartz)]
        }
        // Seven between commas may be a list in one field, and nobody knows in which.
        [_, quartz @ ..] if quartz.len() == 6 && fields.len() == 7 => vec![owned(quartz), one_mark(quartz)],
        _ => vec![],
    };
    match accepted(&readings) {
        Some(reading) => format!("; write cron({reading})"),
        None => "; write cron(0 2 ? * SUN *), for example".to_owned(),
    }
}

/// The first of these readings that is an expression, with its ranges written so that they go up.
fn accepted(readings: &[Vec<String>]) -> Option<String> {
    let all = [&MINUTES, &HOURS, &DAYS, &MONTHS, &WEEKDAYS, &YEARS];
    let upward = |reading: &Vec<String>| -> Vec<String> {
        all.iter().zip(reading).map(|(field, text)| field.upward(text)).collect()
    };
    let fits = |reading: &Vec<String>| {
        let fields: Vec<&str> = reading.iter().map(String::as_str).collect();
        shape(&fields).and_then(matcher).is_ok()
    };
    readings.iter().filter(|reading| reading.len() == all.len()).map(upward).find(fits).map(|reading| reading.join(" "))
}

fn owned(fields: &[&str]) -> Vec<String> {
    fields.iter().map(ToString::to_string).collect()
}

fn crontab(fields: &[&str]) -> Vec<String> {
    let mut fields = owned(&[fields, &["*"]].concat());
    if let [_, _, days, _, weekdays, _] = &mut fields[..] {
        *weekdays = named(weekdays, 0);
        mark(days, weekdays);
    }
    fields
}

fn one_mark(fields: &[&str]) -> Vec<String> {
    let mut fields = owned(fields);
    if let [_, _, days, _, weekdays, _] = &mut fields[..] {
        *weekdays = named(weekdays, WEEKDAYS.first);
        mark(days, weekdays);
    }
    fields
}

fn mark(days: &mut String, weekdays: &mut String) {
    if *days == "?" && *weekdays == "?" {
        "*".clone_into(days);
    } else if *weekdays == "*" {
        "?".clone_into(weekdays);
    } else if *days == "*" {
        "?".clone_into(days);
    }
}

/// Weekdays by name, because a number means another day in crontab than here.
fn named(weekdays: &str, sunday: u16) -> String {
    let name = |day: &str| {
        let index = number::<u16>(day).and_then(|day| day.checked_sub(sunday)).map(|index| usize::from(index % 7));
        index.and_then(|index| WEEKDAYS.names.get(index)).map_or_else(|| day.to_owned(), ToString::to_string)
    };
    let range = |part: &str| part.split('-').map(name).collect::<Vec<_>>().join("-");
    weekdays.split(',').map(range).collect::<Vec<_>>().join(",")
}

/// A wall-clock time, for a matcher that is to know nothing of zones.
#[derive(Clone)]
struct Wall(civil::DateTime);

impl CronDateTime for Wall {
    fn to_civil(&self) -> CivilDateTime {
        let part = |part: i8| u32::from(part.unsigned_abs());
        let (date, time) = (self.0.date(), self.0.time());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(date.year().into(), part(date.month()), part(date.day())),
            CivilTime::from_parts_unchecked(part(time.hour()), part(time.minute()), part(time.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let date = civil::Date::new(year, part(civil.month())?, part(civil.day())?);
        let time = civil::Time::new(part(civil.hour())?, part(civil.minute())?, part(civil.second())?, 0);
        match (date, time) {
            (Ok(date), Ok(time)) => Ok(Resolution::Single(Self(date.to_datetime(time)))),
            (Err(_), _) | (_, Err(_)) => Err(CronError::InvalidDate),
        }
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(text: &str, parts: &[&str]) {
        let problem = text.parse::<Expression>().err().expect(text);
        for part in parts {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn ranges_may_be_of_one_and_steps_as_long_as_their_field() {
        assert!("5-5 2 ? * SUN *".parse::<Expression>().is_ok());
        assert!("0 2 */30 * ? *".parse::<Expression>().is_ok());
        refuses("0 2 */31 * ? *", &["a step of 1 to 30 in day-of-month"]);
        let backwards = "0 2 ? * SUN 2030-2029".parse::<Expression>().err().expect("backwards");
        assert!(backwards.contains("goes up in year") && !backwards.contains("write 2030"), "{backwards}");
    }

    #[test]
    fn fields_that_mean_nothing_are_refused() {
        refuses("60 2 * * ? *", &["minutes of 0-59", "\"60\""]);
        refuses("0 24 * * ? *", &["hours of 0-23", "\"24\""]);
        refuses("+5 2 * * ? *", &["minutes of 0-59", "\"+5\""]);
        refuses(",5 2 * * ? *", &["minutes of 0-59", "\"\""]);
        refuses("*,5 2 * * ? *", &["minutes of 0-59", "\"*\""]);
        refuses("0 2 0 * ? *", &["day-of-month of 1-31"]);
        refuses("0 2 32W * ? *", &["day-of-month of 1-31"]);
        refuses("0 2 1 13 ? *", &["month of 1-12 or JAN-DEC"]);
        refuses("0 2 1 JANUARY ? *", &["JAN-DEC", "\"JANUARY\""]);
        refuses("0 2 ? * 0 *", &["day-of-week of 1-7 or SUN-SAT, where 1 is SUN", "\"0\""]);
        refuses("0 2 ? * 8 *", &["SUN-SAT"]);
        refuses("0 2 ? * SUNDAY *", &["SUN-SAT", "\"SUNDAY\""]);
        refuses("0 2 ? * SNU *", &["SUN-SAT", "\"SNU\""]);
        refuses("0 2 ? * JAN *", &["SUN-SAT"]);
        refuses("0 2 1 * ? 1969", &["year of 1970-2199"]);
        refuses("0 2 1 * ? ?", &["year of 1970-2199"]);
        refuses("0/0 2 * * ? *", &["a step of 1 to 59 in minutes", "\"0\" in \"0/0\""]);
        refuses("*/60 2 * * ? *", &["a step of 1 to 59 in minutes"]);
        refuses("0/x 2 * * ? *", &["a step of 1 to 59 in minutes"]);
        refuses("/5 2 * * ? *", &["minutes of 0-59"]);
        refuses("0 22-2 * * ? *", &["goes up in hours", "\"22-2\"", "write cron(0 22-23,0-2 * * ? *)"]);
        refuses("0 2 ? * FRI-MON *", &["goes up in day-of-week", "write cron(0 2 ? * FRI-SAT,SUN-MON *)"]);
        refuses("0 2 1 * ? 2030-2026", &["goes up in year, but found \"2030-2026\""]);
        refuses("0 2 1,L * ? *", &["alone in day-of-month", "a series for each"]);
        refuses("0 2 L-3 * ? *", &["alone in day-of-month"]);
        refuses("0 2 1-5W * ? *", &["alone in day-of-month"]);
        refuses("0 2 ? * MON-FRI#2 *", &["alone in day-of-week"]);
        refuses("0 2 ? * 3#1,6#3 *", &["alone in day-of-week"]);
        refuses("0 2 ? * SUN#6 *", &["SUN#1 to SUN#5", "\"SUN#6\""]);
        refuses("0 2 ? * */2 *", &["without a step", "SUN,TUE,THU"]);
    }

    /// Cron lines as people bring them from elsewhere.
    #[test]
    fn every_suggestion_is_itself_accepted() {
        for (text, meant) in [
            ("0 2 ? * FRI-MON *", "0 2 ? * FRI-SAT,SUN-MON *"),
            ("0 2 ? * 6-2 *", "0 2 ? * 6-7,1-2 *"),
            ("0 2 ? * SAT-MON *", "0 2 ? * SAT,SUN-MON *"),
            ("0 2 ? * FRI-SUN *", "0 2 ? * FRI-SAT,SUN *"),
            ("0 2 ? * WED,fri-mon *", "0 2 ? * WED,fri-SAT,SUN-mon *"),
            ("0 22-2/2 * * ? *", "0 22,0,2 * * ? *"),
            ("0 2 1 NOV-FEB ? *", "0 2 1 NOV-DEC,JAN-FEB ? *"),
            ("0 2 25-5 * ? *", "0 2 25-31,1-5 * ? *"),
            ("0,2,?,*,SUN,*", "0 2 ? * SUN *"),
            ("0, 2, ?, *, SUN, *", "0 2 ? * SUN *"),
            ("0,2,*,*,SUN,*", "0 2 ? * SUN *"),
            ("0,2,?,*,FRI-MON,*", "0 2 ? * FRI-SAT,SUN-MON *"),
            ("0,2,*,*,0", "0 2 ? * SUN *"),
            ("0 2 * * 0", "0 2 ? * SUN *"),
            ("0 2 * * 7", "0 2 ? * SUN *"),
            ("0 2 * * 5-1", "0 2 ? * FRI-SAT,SUN-MON *"),
            ("0 2 * * 1-5", "0 2 ? * MON-FRI *"),
            ("*/5 * * * *", "*/5 * * * ? *"),
            ("0 2 1 * *", "0 2 1 * ? *"),
            ("0 0 2 ? * SUN *", "0 2 ? * SUN *"),
            ("0,30,2,?,*,SUN,*", "0 2 ? * SUN *"),
            ("0 2 1 * 1", "0 2 ? * SUN *"),
        ] {
            let problem = text.parse::<Expression>().err().expect(text);
            let (_, rest) = problem.split_once("; write cron(").unwrap_or_else(|| panic!("{problem}"));
            let (suggestion, _) = rest.split_once(')').expect("a whole expression");
            assert_eq!(suggestion, meant, "{text}");
            assert!(suggestion.parse::<Expression>().is_ok(), "{suggestion}");
        }
        let years = "0 2 ? * SUN 2030-2029".parse::<Expression>().err().expect("backwards");
        assert!(!years.contains("write"), "{years}");
    }

    #[test]
    fn days_that_never_come_are_refused() {
        for text in ["0 0 31 2 ? *", "0 0 31W 4,6 ? *", "0 0 29 2 ? 2027", "0 0 ? 2 SUN#5 2026"] {
            refuses(text, &["expected days that exist", "on no day from 1970 to 2199"]);
        }
        // These are rare, but they do come.
        for text in ["0 0 29 2 ? *", "0 0 31 2,3 ? *", "0 0 ? 2 SUN#5 *", "0 0 1 1 ? 1970"] {
            assert!(text.parse::<Expression>().is_ok(), "{text}");
        }
    }

    /// Pins what the matcher would make of these fields if it were handed them as they are, which is why it is not.
    #[test]
    fn the_matcher_alone_reads_another_dialect() {
        let parser =
            CronParser::builder().seconds(Seconds::Required).year(Year::Required).alternative_weekdays(true).build();
        let reads = |fields: &str| {
            let cron = parser.parse(fields).ok()?;
            let found = cron.find_next_occurrence(&Wall(civil::date(2026, 7, 1).at(0, 0, 0, 0)), true);
            Some(found.ok().map(|found| found.0.date().to_string()))
        };
        assert_eq!(reads("0 5/10 2 * * ? *"), None, "a step from a number is an error");
        assert_eq!(reads("0 0 2 ? * L *"), Some(None), "the last day of the week never comes");
        assert_eq!(reads("0 0 2 * * SUN *"), Some(Some("2026-07-05".to_owned())), "question marks are not required");
        assert_eq!(reads("0 0 2 15 * MON *"), Some(Some("2026-07-06".to_owned())), "either day will do");
        assert_eq!(reads("0 0 2 ? * MON-FRI#2 *"), Some(Some("2026-07-08".to_owned())), "a range with an nth");
        assert_eq!(reads("0 0 2 1,,L * ? *"), Some(Some("2026-07-01".to_owned())), "an empty part is nothing");
        assert_eq!(reads("0 0 2 ? * 6L *"), Some(Some("2026-07-31".to_owned())), "and here they agree");
    }

    #[test]
    fn the_next_time_is_after_the_last_and_none_comes_where_years_end() {
        let nightly: Expression = "0 2 * * ? *".parse().expect("valid");
        let next =
            |year, month, day| nightly.next(civil::date(year, month, day).at(2, 0, 0, 0)).map(|at| at.to_string());
        assert_eq!(next(2026, 7, 1).as_deref(), Some("2026-07-02T02:00:00"));
        assert_eq!(next(2026, 12, 31).as_deref(), Some("2027-01-01T02:00:00"));
        assert_eq!(next(2199, 12, 30).as_deref(), Some("2199-12-31T02:00:00"));
        assert_eq!(next(2199, 12, 31), None);
        assert_eq!(nightly.next(civil::DateTime::MAX), None);
    }
}
