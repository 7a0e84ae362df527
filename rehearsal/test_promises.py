"""A verdict that cannot fail is worth nothing: each promise is broken once, and seen to be."""

import dataclasses
import json
import unittest

from rehearsal.deployment import Answer
from rehearsal.night import WINDOW_ID, Announced, Night
from rehearsal.promises import HISTORY_S, judge
from rehearsal.reports import Report, read
from rehearsal.traffic import CLOSED, OPEN, Sample

START, END = 1000.0, 1090.0
SECRET = "5ecre7" * 4
AHEAD = {"start": "1970-01-01T00:16:40Z", "end": "1970-01-01T00:18:10Z", "message": "Soon."}


def visits(*spans: tuple[float, float, str]) -> list[Sample]:
    """One request each second of each span."""
    return [
        Sample(sent=float(second), answered=second + 0.1, met=met)
        for begins, ends, met in spans
        for second in range(int(begins), int(ends))
    ]


def answer(**fields: object) -> Answer:
    """A response of the function."""
    return Answer(failed=False, document=fields, text=json.dumps(fields))


def report(event: str, text: str = "All is well.") -> Report:
    """A report with all its fields."""
    fields = ("version", "at", "window", "rules", "report_id")
    return read(json.dumps({"event": event, "text": text} | dict.fromkeys(fields, "")))


def over(**changes: object) -> dict[str, object]:
    """The window as the table has it afterwards."""
    return {
        "id": f"1970-01-01T00:18:10Z#{WINDOW_ID}#abcde",
        "ending": {"outcome": "completed"},
        "decisions": [{"action": "book"}],
        "started_at": "1970-01-01T00:16:40Z",
        "reopened_at": "1970-01-01T00:18:10Z",
        "expires": int(END) + HISTORY_S,
        **changes,
    }


def good_night() -> Night:
    """A night on which every promise was kept."""
    return Night(
        start=START,
        end=END,
        secret=SECRET,
        booking=answer(outcome="booked"),
        visitor=visits((980, 1001, OPEN), (1001, 1091, CLOSED), (1091, 1100, OPEN)),
        tester=visits((980, 1100, OPEN)),
        reports=[report("booked"), report("started"), report("completed")],
        rule_before={"conditions": ["*"], "actions": ["forward"]},
        rule_after={"conditions": ["*"], "actions": ["forward"]},
        sweep=answer(outcome="unchanged", rules=[{"arn": "r", "changed": False}]),
        wake_ups_left=[],
        now=[{"id": "rule#l/r", "owner": [{"field": "path-pattern", "values": ["*"]}]}],
        past=[over()],
        dead_letters=0,
        log=["START 1", '{"message":"a line"}', "END 1"],
        announced=Announced([AHEAD], "BEGIN:VEVENT\r\nDTSTART:19700101T001640Z\r\nEND:VEVENT"),
        announced_after=Announced([], "BEGIN:VEVENT\r\nEND:VEVENT"),
    )


class Verdict(unittest.TestCase):
    """Names are claims."""

    def broken(self, **changes: object) -> list[str]:
        """The promises broken by a good night so changed."""
        night = dataclasses.replace(good_night(), **changes)
        return [promise.text for promise in judge(night) if not promise.kept]

    def test_a_good_night_breaks_nothing(self) -> None:
        self.assertEqual(self.broken(), [])

    def test_a_report_delivered_twice_breaks_nothing(self) -> None:
        self.assertEqual(self.broken(reports=[*good_night().reports, report("started")]), [])

    def test_a_change_some_seconds_late_breaks_nothing(self) -> None:
        late = visits((980, 1004, OPEN), (1004, 1094, CLOSED), (1094, 1100, OPEN))
        self.assertEqual(self.broken(visitor=late), [])

    def test_a_refused_booking_is_seen(self) -> None:
        refused = Answer(failed=True, document={"errorType": "InvalidEvent"}, text="no")
        self.assertEqual(self.broken(booking=refused), ["the booking was accepted"])
        self.assertEqual(
            self.broken(booking=answer(outcome="unchanged")), ["the booking was accepted"]
        )

    def test_an_early_start_is_seen(self) -> None:
        early = visits((980, 998, OPEN), (998, 1090, CLOSED), (1090, 1100, OPEN))
        self.assertEqual(
            self.broken(visitor=early), ["no visitor was turned away before the start"]
        )

    def test_a_window_that_never_starts_is_seen(self) -> None:
        self.assertEqual(
            self.broken(visitor=visits((980, 1100, OPEN))),
            [
                "no visitor got in between the start and the end",
                "for visitors the site closed once and opened once",
            ],
        )

    def test_an_early_end_is_seen(self) -> None:
        early = visits((980, 1001, OPEN), (1001, 1088, CLOSED), (1088, 1100, OPEN))
        self.assertEqual(
            self.broken(visitor=early), ["no visitor got in between the start and the end"]
        )

    def test_a_window_that_never_ends_is_seen(self) -> None:
        self.assertEqual(
            self.broken(visitor=visits((980, 1001, OPEN), (1001, 1100, CLOSED))),
            [
                "no visitor was turned away after the end",
                "for visitors the site closed once and opened once",
            ],
        )

    def test_flapping_within_the_grace_is_seen(self) -> None:
        flapping = visits(
            (980, 1001, OPEN),
            (1001, 1002, CLOSED),
            (1002, 1003, OPEN),
            (1003, 1090, CLOSED),
            (1090, 1100, OPEN),
        )
        self.assertEqual(
            self.broken(visitor=flapping), ["for visitors the site closed once and opened once"]
        )

    def test_a_broken_site_is_not_a_maintenance_page(self) -> None:
        broken = visits((980, 1001, OPEN), (1001, 1090, "status 502"), (1090, 1100, OPEN))
        self.assertEqual(
            self.broken(visitor=broken),
            [
                "no visitor got in between the start and the end",
                "for visitors the site closed once and opened once",
            ],
        )

    def test_a_tester_turned_away_is_seen(self) -> None:
        self.assertEqual(
            self.broken(tester=visits((980, 1050, OPEN), (1050, 1051, CLOSED))),
            ["a tester with the header was served throughout"],
        )

    def test_a_night_without_clients_proves_nothing(self) -> None:
        self.assertEqual(len(self.broken(visitor=[], tester=[])), 5)

    def test_a_missing_and_an_unexpected_report_are_seen(self) -> None:
        promise = ["booked, started and completed were each reported"]
        reports = good_night().reports
        self.assertEqual(self.broken(reports=reports[:2]), promise)
        self.assertEqual(self.broken(reports=[*reports, report("failed")]), promise)

    def test_an_unreadable_report_is_seen(self) -> None:
        promise = "every report is valid JSON with all its fields"
        reports = good_night().reports
        self.assertIn(promise, self.broken(reports=[*reports, read("oh no")]))
        self.assertIn(promise, self.broken(reports=[*reports, read('{"event":"started"}')]))

    def test_a_rule_left_changed_is_seen(self) -> None:
        self.assertEqual(
            self.broken(rule_after={"conditions": ["*", "header"], "actions": ["forward"]}),
            ["the rule is again exactly as its owner wrote it"],
        )

    def test_a_wake_up_left_over_is_seen(self) -> None:
        self.assertEqual(
            self.broken(wake_ups_left=["night.end-abcde-1"]), ["no wake-up of the window is left"]
        )

    def test_a_window_that_is_not_history_or_not_whole_is_seen(self) -> None:
        promise = ["the window is history, with who asked for it and how it went"]
        left = [{"id": f"window#{WINDOW_ID}"}]
        for name, changes in (
            ("still there", {"now": left}),
            ("lost", {"past": []}),
            ("another one", {"past": [over(id="1970-01-01T00:18:10Z#another#abcde")]}),
            ("twice", {"past": [over(), over()]}),
            ("missed", {"past": [over(ending={"outcome": "missed"})]}),
            ("nobody's decision", {"past": [over(decisions=[])]}),
            ("never started", {"past": [over(started_at=None)]}),
            ("for good", {"past": [over(expires=0)]}),
        ):
            with self.subTest(name):
                self.assertEqual(self.broken(**changes), promise)

    def test_a_rule_that_only_the_sweep_restored_is_seen(self) -> None:
        swept = answer(outcome="completed", rules=[{"arn": "r", "changed": True}])
        self.assertEqual(self.broken(sweep=swept), ["a sweep afterwards found nothing to change"])

    def test_a_lost_wake_up_is_seen(self) -> None:
        self.assertEqual(self.broken(dead_letters=1), ["no wake-up was lost"])

    def test_a_log_line_that_is_not_json_is_seen(self) -> None:
        promise = ["the function's log is one JSON object a line"]
        self.assertEqual(self.broken(log=["INFO all is well"]), promise)
        self.assertEqual(self.broken(log=["START 1", "END 1"]), promise)

    def test_a_window_that_nobody_was_told_of_or_still_is_told_of_is_seen(self) -> None:
        promise = ["visitors and calendars knew of the window beforehand, and no longer"]
        night = good_night()
        calendar, ahead = night.announced.calendar, night.announced.upcoming
        for name, changes in (
            ("untold", {"announced": Announced([], calendar)}),
            ("at another time", {"announced": Announced([AHEAD | {"end": None}], calendar)}),
            ("in no calendar", {"announced": Announced(ahead, "")}),
            ("by its name", {"announced": Announced(ahead, f"{calendar}{WINDOW_ID}")}),
            ("still told", {"announced_after": Announced(ahead, calendar)}),
            ("forgotten", {"announced_after": Announced([], "")}),
        ):
            with self.subTest(name):
                self.assertEqual(self.broken(**changes), promise)

    def test_the_secret_is_found_wherever_it_is_and_in_any_case(self) -> None:
        promise = ["the bypass value is in no report, response, log line or item"]
        reports = good_night().reports
        self.assertEqual(
            self.broken(reports=[*reports[:2], report("completed", SECRET.upper())]), promise
        )
        self.assertEqual(self.broken(log=[json.dumps({"header": SECRET})]), promise)
        self.assertEqual(self.broken(booking=answer(outcome="booked", message=SECRET)), promise)
        self.assertEqual(self.broken(past=[over(reason=SECRET.title())]), promise)


if __name__ == "__main__":
    unittest.main()
