//! An event's times, which may need the zone beside them.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::fields::Fields;
use crate::model::{time, written_time::WrittenTime};

impl Fields {
    /// A time, to the second; one without a place of its own is in `zone`.
    pub(super) fn time(&mut self, key: &str, zone: Option<&TimeZone>) -> Option<Timestamp> {
        self.read_time(key, zone, |text, zone| time::instant(text, zone).map(time::whole_second))
    }

    /// A time of day as well, or one whose zone the action knows.
    pub(super) fn written_time(&mut self, key: &str, zone: Option<&TimeZone>) -> Option<WrittenTime> {
        self.read_time(key, zone, WrittenTime::read)
    }

    /// A time, or a time of day: then the next one after `after`.
    pub(super) fn next_time(&mut self, key: &str, zone: Option<&TimeZone>, after: Timestamp) -> Option<Timestamp> {
        self.read_time(key, zone, |text, zone| WrittenTime::read(text, zone)?.resolve(zone, after))
    }

    /// What reading a time gives, in the event's zone, which was read before. Where that was refused, the time does not
    /// ask for one: it is refused only for what would be wrong in any zone.
    fn read_time<T>(
        &mut self,
        key: &str,
        zone: Option<&TimeZone>,
        read: impl Fn(&str, Option<&TimeZone>) -> Result<T, String>,
    ) -> Option<T> {
        self.number_as_text(key);
        let text = self.text(key)?;
        let problem = match read(&text, zone) {
            Ok(value) => return Some(value),
            Err(_) if self.has_problem("timezone") => read(&text, Some(&TimeZone::UTC)).err(),
            Err(problem) => Some(problem),
        };
        match problem {
            Some(problem) => self.problem(key, &problem),
            None => drop(self.without_zone.insert(key.to_owned())),
        }
        None
    }

    fn number_as_text(&mut self, key: &str) {
        if let Some(Value::Number(number)) = self.map.get(key) {
            // Most likely the seconds since 1970, which have no place of their own but mean one instant.
            let text = number.to_string();
            self.map.insert(key.to_owned(), Value::String(text));
        }
    }

    /// From when until when the history is told; times without a place of their own are in the zone beside them.
    ///
    /// To the fraction of a second that is written: the older ones are asked for by the moment at which the last that was
    /// told was over.
    pub(super) fn period(&mut self) -> (Option<Timestamp>, Option<Timestamp>) {
        let zone = self.zone();
        let [since, until] = ["since", "until"].map(|key| self.read_time(key, zone.as_ref(), time::instant));
        if let (Some(since), Some(until)) = (since, until)
            && until <= since
        {
            self.problem("until", &format!("expected a time after since ({since}), but found {until}"));
        }
        (since, until)
    }
}
