//! The files that visitors' browsers and calendars read: what they hold, and how it is written.

use jiff::Timestamp;
use serde::Serialize;

use super::calendar;
use crate::model::published::{Announcement, Content, Standing};

/// One file of the bucket, as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is in the bucket.
    pub key: &'static str,
    /// What it is for, to continue "could not be told".
    pub what: &'static str,
    /// What kind of text it is.
    pub content_type: &'static str,
    /// For how long it may be kept by who reads it.
    pub cache_control: &'static str,
    /// What it holds; none if it is not to be there.
    pub body: Option<String>,
}

/// What the feed of JSON holds.
#[derive(Serialize)]
struct Upcoming<'a> {
    windows: Vec<Ahead<'a>>,
}

/// A window that is ahead, or goes on.
#[derive(Serialize)]
struct Ahead<'a> {
    uid: &'a str,
    start: Timestamp,
    /// None while nobody knows.
    end: Option<Timestamp>,
    message: &'a str,
}

/// The files: what the pages read, then the two feeds.
#[must_use]
pub fn files(content: &Content) -> [File; 3] {
    let announced = content.announced.as_deref();
    [
        File {
            key: "errors/window.json",
            what: "the visitors' page could not be told when maintenance ends",
            content_type: "application/json",
            // Browsers must ask every time: an end that was moved counts at once.
            cache_control: "no-store",
            body: content.notice.as_ref().map(json),
        },
        File {
            key: "errors/upcoming.json",
            what: "visitors could not be told what is planned",
            content_type: "application/json",
            cache_control: "public, max-age=60",
            body: announced.map(upcoming),
        },
        File {
            key: "errors/maintenance.ics",
            what: "calendars could not be told what is planned",
            content_type: "text/calendar; charset=utf-8",
            cache_control: "public, max-age=60",
            body: announced.map(calendar::calendar),
        },
    ]
}

fn upcoming(announced: &[Announcement]) -> String {
    // A page that has nothing to say of a window says nothing; calendars still have its times.
    let ahead = announced.iter().filter(|one| one.standing.is_ahead() && !one.message.is_empty());
    let windows = ahead.map(|one| Ahead {
        uid: &one.uid,
        start: one.start,
        end: one.end.filter(|_| one.standing != Standing::Overrunning),
        message: &one.message,
    });
    json(&Upcoming { windows: windows.collect() })
}

fn json(what: &impl Serialize) -> String {
    // Texts and times only, which JSON can always hold.
    serde_json::to_string(what).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::published::{PageNotice, tests::announcement};

    fn bodies(content: &Content) -> [Option<String>; 3] {
        files(content).map(|file| file.body)
    }

    #[test]
    fn without_anything_to_tell_there_is_no_file() {
        assert_eq!(bodies(&Content::default()), [None, None, None]);
        let [page, upcoming, calendar] = bodies(&Content { announced: Some(vec![]), ..Content::default() });
        assert_eq!((page, upcoming.as_deref()), (None, Some(r#"{"windows":[]}"#)));
        assert!(calendar.is_some_and(|text| text.starts_with("BEGIN:VCALENDAR\r\n")));
    }

    #[test]
    fn the_feed_holds_what_is_ahead_and_nothing_internal() {
        let one = |standing| Announcement { standing, ..announcement() };
        let all = [Standing::Cancelled, Standing::Planned, Standing::Overrunning, Standing::Over].map(one);
        let silent = Announcement { message: String::new(), ..announcement() };
        let all = all.into_iter().chain([silent]).collect();
        let [_, upcoming, _] = bodies(&Content { announced: Some(all), ..Content::default() });
        let start = r#"{"uid":"u","start":"2026-12-06T02:00:00Z","end":"#;
        assert_eq!(
            upcoming.expect("a file"),
            format!(
                r#"{{"windows":[{start}"2026-12-06T04:00:00Z","message":"Back soon."}},{start}null,"message":"Back soon."}}]}}"#
            )
        );
    }

    #[test]
    fn the_pages_read_an_end_and_a_message_that_may_be_unknown() {
        let notice = Some(PageNotice { end: None, message: None });
        let [page, ..] = bodies(&Content { notice, announced: None });
        assert_eq!(page.as_deref(), Some(r#"{"end":null,"message":null}"#));
    }
}
