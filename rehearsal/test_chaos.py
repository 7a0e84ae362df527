"""Chaos that finds nothing proves nothing: each untruth is told once, and seen to be one."""

import dataclasses
import http.client
import json
import unittest
from collections.abc import Callable

from rehearsal import troubles, truths
from rehearsal.chaos import chosen, plan_of
from rehearsal.deployment import Answer
from rehearsal.door import PASSES, Door, Fate
from rehearsal.night import WINDOW_ID
from rehearsal.promises import GRACE_S, HISTORY_S
from rehearsal.reports import Report, read
from rehearsal.shop import Application
from rehearsal.test_promises import END, START, answer, good_night, over, report, visits
from rehearsal.traffic import CLOSED, OPEN
from rehearsal.troubles import Kind, Spell
from rehearsal.truths import judge
from rehearsal.witness import RECOVERY_S, Status, Witness, due_by, end_of

STARTED, ENDED = "1970-01-01T00:16:40.500Z", "1970-01-01T00:18:10.500Z"
ON_TIME = "Started   00:16 UTC, on time\nEnded     00:18 UTC, on time\n"
# As long as a trouble at the start of a window lasts.
AT_START = Spell(Kind.UNREACHABLE, START - 3, START + 13)
HEAD = (
    b"POST / HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 "
    b"Credential=AKIA/20261206/us-east-1/%s/aws4_request, SignedHeaders=host\r\n\r\n"
)


def told(event: str, at: str, site: str, text: str = ON_TIME, **actual: object) -> Report:
    """A report with what chaos looks at."""
    document = report(event).document | {"at": at, "site": site, "actual": actual, "text": text}
    return read(json.dumps(document | {"report_id": f"{event} {at}"}))


def started(
    at: str = STARTED, text: str = ON_TIME, late: int = 0, site: str = "maintenance"
) -> Report:
    """A report that the window began."""
    return told("started", at, site, text, started=at, start_late_secs=late)


def completed(at: str = ENDED, text: str = ON_TIME, late: int = 0, site: str = "open") -> Report:
    """A report that it is over."""
    return told("completed", at, site, text, ended=at, end_late_secs=late)


BOOKED = told("booked", "1970-01-01T00:16:21Z", "open")
EXTENDED = told("extended", "1970-01-01T00:17:30Z", "maintenance")


def status(sent: float, site: str, message: str = "") -> Status:
    """How the site stands, asked and answered within half a second."""
    return Status(sent, sent + 0.5, answer(site=site, message=message))


def failed(sent: float) -> Status:
    """An answer of Lambda in place of the function's."""
    return Status(sent, sent + 0.5, Answer(failed=True, document=None, text="TooManyRequests"))


# What is not of an ordinary night.
OWN = frozenset({"statuses", "page_left", "tries", "booked_end"})


def witness(spells: tuple[Spell, ...] = (), **changes: object) -> Witness:
    """A night on which all went well and was truly told, with changes."""
    night = {
        "reports": [BOOKED, started(), completed()],
        "visitor": visits((980, 1001, OPEN), (1001, 1091, CLOSED), (1091, 1100, OPEN)),
        **{name: value for name, value in changes.items() if name not in OWN},
    }
    statuses = [status(990, "open"), status(1050, "maintenance"), status(1096, "open")]
    return Witness(
        night=dataclasses.replace(good_night(), **night),
        spells=list(spells),
        statuses=changes.get("statuses", statuses),
        page_left=changes.get("page_left"),
        tries=changes.get("tries", []),
        booked_end=changes.get("booked_end", END),
    )


class Truth(unittest.TestCase):
    """Names are claims."""

    def broken(self, spells: tuple[Spell, ...] = (), **changes: object) -> list[str]:
        """What is found against a night so changed."""
        return [found for _, all_found in judge(witness(spells, **changes)) for found in all_found]

    def assert_found(self, words: str, *spells: Spell, **changes: object) -> None:
        """One thing is found at least, and it says this."""
        found = self.broken(spells, **changes)
        self.assertTrue(any(words in one for one in found), found)

    def test_a_night_that_went_well_breaks_nothing(self) -> None:
        self.assertEqual(self.broken(), [])
        self.assertEqual(self.broken((AT_START,)), [])

    def late_by(self, seconds: int) -> dict[str, object]:
        """A start that is so late, and told as it was."""
        at = f"1970-01-01T00:{16 + (40 + seconds) // 60}:{(40 + seconds) % 60:02}Z"
        text = ON_TIME.replace("on time", f"{seconds}s late", 1)
        visitor = visits(
            (980, 1000 + seconds, OPEN), (1000 + seconds, 1091, CLOSED), (1091, 1100, OPEN)
        )
        statuses = [
            status(990, "open"),
            status(1003, "open_unplanned"),
            status(1080, "maintenance"),
        ]
        reports = [BOOKED, started(at, text, seconds), completed()]
        return {"visitor": visitor, "statuses": statuses, "reports": reports}

    def test_a_late_start_is_excused_by_a_trouble_alone(self) -> None:
        self.assertEqual(self.broken((AT_START,), **self.late_by(15)), [])
        self.assert_found("it closed at", **self.late_by(15))
        self.assert_found("it closed at", AT_START, **self.late_by(36))

    def test_a_late_start_that_is_told_otherwise_is_seen(self) -> None:
        night = self.late_by(15)
        for words, untrue in (
            ("started says T+0.5s, and visitors saw it at", started()),
            ("which is not 15.0", started("1970-01-01T00:16:55Z", "Started   now, 9s late\n", 9)),
            ("and in words", started("1970-01-01T00:16:55Z", ON_TIME, 15)),
            ("started does not say when", told("started", STARTED, "maintenance")),
        ):
            with self.subTest(words):
                reports = [BOOKED, untrue, completed()]
                self.assert_found(words, AT_START, **night | {"reports": reports})

    def test_a_time_that_is_later_than_what_visitors_saw_is_excused_by_its_note_alone(self) -> None:
        for note, found in ((f"Note: {truths.FOUND_MADE}", 0), ("", 1)):
            text = ON_TIME.replace("on time", "20s late", 1) + note
            reports = [BOOKED, started("1970-01-01T00:17:00Z", text, 20), completed()]
            self.assertEqual(len(self.broken((AT_START,), reports=reports)), found)

    def test_a_site_that_stays_closed_or_opens_early_is_seen(self) -> None:
        self.assert_found("never opened", visitor=visits((980, 1001, OPEN), (1001, 1100, CLOSED)))
        early = visits((980, 1001, OPEN), (1001, 1080, CLOSED), (1080, 1100, OPEN))
        self.assert_found("before the end", visitor=early)
        late = visits((980, 1001, OPEN), (1001, 1097, CLOSED), (1097, 1100, OPEN))
        self.assert_found("s after the end", visitor=late)
        early = visits((980, 996, OPEN), (996, 1091, CLOSED), (1091, 1100, OPEN))
        self.assert_found("before the start", visitor=early)

    def test_a_site_that_never_closes_is_seen_unless_there_was_no_time(self) -> None:
        never = {
            "visitor": visits((980, 1100, OPEN)),
            "reports": [BOOKED, told("missed", "1970-01-01T00:18:11Z", "open")],
            "statuses": [status(1050, "open_unplanned")],
            "past": [over(ending={"outcome": "missed"})],
        }
        whole = Spell(Kind.NO_MODIFY_RULE, START - 3, END - 25)
        self.assert_found("it never closed", AT_START, **never)
        self.assertEqual(
            self.broken((whole,), **never),
            ["nobody was told that the start failed for want of ModifyRule"],
        )
        self.assert_found("missed came 0 times", whole, **never | {"reports": [BOOKED]})
        self.assert_found("it ended as ['completed']", whole, **never | {"past": [over()]})
        # It is not missed if visitors were shut out.
        self.assert_found("missed was not expected", whole, reports=[*never["reports"], started()])

    def test_flapping_and_odd_answers_are_seen(self) -> None:
        flaps = visits(
            (980, 1001, OPEN),
            (1001, 1030, CLOSED),
            (1030, 1032, OPEN),
            (1032, 1091, CLOSED),
            (1091, 1100, OPEN),
        )
        self.assert_found("turn closed, open, closed, open", visitor=flaps)
        gone = visits(
            (980, 1001, OPEN),
            (1001, 1040, CLOSED),
            (1040, 1050, "no answer (X)"),
            (1050, 1091, CLOSED),
            (1091, 1100, OPEN),
        )
        self.assert_found("no answer", visitor=gone)
        self.assert_found("no answer", Spell(Kind.UNREACHABLE, 1040, 1050), visitor=gone)
        self.assertEqual(self.broken((Spell(Kind.RESTARTED, 1040, 1050),), visitor=gone), [])

    def test_a_tester_who_is_shut_out_is_seen(self) -> None:
        self.assert_found(
            "one was shut out", tester=visits((980, 1050, OPEN), (1050, 1051, CLOSED))
        )
        self.assert_found("no tester got in", tester=visits((980, 999, OPEN)))

    def test_a_report_that_is_missing_or_not_due_is_seen(self) -> None:
        self.assert_found("completed came 0 times", reports=[BOOKED, started()])
        drift = told("drift", ENDED, "open")
        self.assert_found(
            "drift was not expected", AT_START, reports=[BOOKED, started(), completed(), drift]
        )
        failure = told("failed", STARTED, "maintenance")
        reports = [BOOKED, started(), completed(), failure]
        self.assert_found("failed was not expected", reports=reports)
        self.assertEqual(self.broken((AT_START,), reports=reports), [])
        # Twice under one id is once.
        self.assertEqual(self.broken(reports=[BOOKED, started(), started(), completed()]), [])
        again = told("started", ENDED, "open", started=STARTED, start_late_secs=0)
        self.assert_found("started came 2 times", reports=[BOOKED, started(), again, completed()])

    def test_a_report_that_is_not_what_visitors_met_is_seen(self) -> None:
        at = "1970-01-01T00:17:00Z"
        untrue = told("failed", at, "open")
        self.assert_found(
            "failed at T+20.0s says open",
            AT_START,
            reports=[BOOKED, started(), untrue, completed()],
        )

    def test_a_failure_that_is_not_told_is_seen(self) -> None:
        lacking = Spell(Kind.NO_MODIFY_RULE, START - 3, START + 13)
        night = self.late_by(15)
        self.assert_found("nobody was told that the start failed", lacking, **night)
        text = "Note: cannot modify: AccessDenied: not authorized to perform ModifyRule"
        failure = told("failed", "1970-01-01T00:16:41Z", "open_unplanned", text)
        failure = dataclasses.replace(failure, received=START + 1)
        reports = [*night["reports"], failure]
        self.assertEqual(self.broken((lacking,), **night | {"reports": reports}), [])

    def test_a_status_that_is_not_what_visitors_met_is_seen(self) -> None:
        for sent, site, words in (
            (1050, "open", "visitors met closed"),
            (990, "maintenance", "visitors met open"),
            (1050, "maintenance_unplanned", "the window is on, and visitors met closed"),
            (990, "open_unplanned", "no window is on, visitors met open"),
            (1050, "unknown", "it is not known"),
        ):
            with self.subTest(site):
                self.assert_found(words, statuses=[status(sent, site)])

    def test_a_window_that_runs_open_unsaid_is_seen(self) -> None:
        night = self.late_by(15)
        unsaid = night | {"statuses": [status(1005, "open")]}
        self.assert_found("the window is on, and visitors met open", AT_START, **unsaid)
        self.assertEqual(
            self.broken((AT_START,), **night | {"statuses": [status(1005, "unknown")]}), []
        )

    def test_a_window_that_is_overdue_unsaid_is_seen(self) -> None:
        late = visits((980, 1001, OPEN), (1001, 1100, CLOSED), (1100, 1110, OPEN))
        night = {
            "visitor": late,
            "reports": [
                BOOKED,
                started(),
                completed(
                    "1970-01-01T00:18:20Z",
                    ON_TIME.replace("00:18 UTC, on time", "00:18 UTC, 10s late"),
                    10,
                ),
            ],
        }
        trouble = Spell(Kind.NO_TABLE, END - 2, END + 5)
        unsaid = night | {"statuses": [status(1095, "maintenance", "It ends soon.")]}
        self.assert_found("no window is on, visitors met closed", trouble, **unsaid)
        for said in (
            status(1095, "maintenance", "its end has passed"),
            status(1095, "maintenance_unplanned"),
        ):
            self.assertEqual(self.broken((trouble,), **night | {"statuses": [said]}), [])

    def test_a_status_may_fail_only_where_nothing_runs(self) -> None:
        self.assert_found("it failed", statuses=[failed(1050)])
        self.assert_found("it failed", Spell(Kind.UNREACHABLE, 1045, 1055), statuses=[failed(1050)])
        self.assertEqual(
            self.broken((Spell(Kind.ASLEEP, 1045, 1055),), statuses=[failed(1050)]), []
        )
        self.assert_found("nobody asked", statuses=[])

    def more(self, *answers: Answer) -> dict[str, object]:
        """A night in which a person got half a minute more, and was answered so."""
        later = {"decisions": [{"action": "book"}, {"action": "extend"}]}
        at, text = "1970-01-01T00:18:40.500Z", ON_TIME
        return {
            "end": END + 30,
            "booked_end": END,
            "past": [over(**later, expires=int(END) + 30 + HISTORY_S)],
            "visitor": visits((980, 1001, OPEN), (1001, 1121, CLOSED), (1121, 1130, OPEN)),
            "reports": [
                BOOKED,
                started(),
                told("extended", ENDED, "maintenance"),
                completed(at, text),
            ],
            "statuses": [status(1100, "maintenance")],
            "tries": [Status(1050, 1051, one) for one in answers],
        }

    def test_more_time_is_given_and_told_once(self) -> None:
        lost = Answer(failed=True, document=None, text="ReadTimeout")
        yes, no = answer(outcome="extended"), Answer(True, {"errorType": "InvalidEvent"}, "no")
        self.assertEqual(self.broken((AT_START,), **self.more(lost, yes)), [])
        self.assert_found("it was answered: no", **self.more(no))
        self.assert_found("extended came 0 times", **self.more(yes) | {"reports": [BOOKED]})
        twice = [over(decisions=[{"action": "book"}, {"action": "extend"}, {"action": "extend"}])]
        self.assert_found("decided was ['extend', 'extend']", **self.more(yes) | {"past": twice})
        self.assert_found("the end moved by 0", **self.more(yes) | {"end": END})
        self.assert_found("it was not answered", **self.more(lost))
        tries = [Status(1050, 1051, yes)]
        self.assert_found(
            'decided was [], and it was answered: {"outcome": "extended"}', tries=tries
        )
        stands = Answer(True, {"errorType": "Incomplete"}, "the new end is taken, and that stands")
        self.assert_found("decided was []", tries=[Status(1050, 1051, stands)])
        self.assertEqual(self.broken(tries=[Status(1050, 1051, no)]), [])
        night = dataclasses.replace(good_night(), past=[{"end": ENDED}])
        self.assertEqual(end_of(night), END + 0.5)

    def test_what_is_left_is_seen(self) -> None:
        left = [*good_night().now, {"id": f"window#{WINDOW_ID}"}]
        self.assert_found(f"window#{WINDOW_ID} is left", now=left)
        self.assert_found("notice#1 is left", now=[{"id": "notice#1"}])
        self.assertEqual(self.broken(now=[{"id": "after#x#y"}, {"id": "published#visitors"}]), [])
        self.assert_found("1970", page_left='{"end":"1970-01-01T00:18:10Z"}')


class Due(unittest.TestCase):
    """When something has to be done at the latest."""

    def test_without_a_trouble_it_is_due_at_once(self) -> None:
        self.assertEqual(due_by([], 100), 100 + GRACE_S)
        self.assertEqual(due_by([Spell(Kind.DEAF, 50, 98)], 100), 100 + GRACE_S)
        self.assertEqual(due_by([Spell(Kind.DEAF, 106, 120)], 100), 100 + GRACE_S)

    def test_a_trouble_that_loses_runs_counts_from_when_they_wait(self) -> None:
        self.assertEqual(due_by([Spell(Kind.KILLED, 50, 98)], 100), 100 + RECOVERY_S)
        self.assertEqual(due_by([Spell(Kind.KILLED, 20, 39)], 100), 100 + GRACE_S)

    def test_the_next_trouble_before_all_is_well_counts_too(self) -> None:
        spells = [Spell(Kind.DEAF, 99, 110), Spell(Kind.SLOW, 120, 125), Spell(Kind.SLOW, 150, 160)]
        self.assertEqual(due_by(spells, 100), 125 + RECOVERY_S)


class Troubles(unittest.TestCase):
    """What is brought about."""

    def test_a_seed_brings_its_night_back(self) -> None:
        self.assertEqual(troubles.draw(7), troubles.draw(7))
        self.assertNotEqual(troubles.draw(7).troubles, troubles.draw(8).troubles)
        self.assertEqual(chosen("7", None), ["seed-7"])
        self.assertEqual(plan_of("seed-7"), troubles.draw(7))

    def test_of_nights_at_random_each_trouble_is_over_before_the_next(self) -> None:
        met = set()
        for seed in range(200):
            plan = troubles.draw(seed)
            self.assertTrue(60 <= plan.window_s <= 90)
            before = -11.0
            for one in plan.troubles:
                self.assertTrue(before < one.begins < one.ends < plan.window_s + 25)
                before = one.ends
                met.add(one.kind)
        self.assertEqual(met, set(Kind))

    def test_every_trouble_has_a_night_at_its_start_and_at_its_end(self) -> None:
        self.assertEqual([plan.name for plan in troubles.nights()], [str(kind) for kind in Kind])
        for plan in troubles.nights():
            self.assertTrue(any(one.begins < 0 < one.ends for one in plan.troubles))
            self.assertTrue(any(one.begins < plan.window_s < one.ends for one in plan.troubles))
            self.assertEqual(chosen(None, plan.name), [plan.name])

    def test_only_the_table_is_throttled_and_in_both_ways(self) -> None:
        for odd, name in (
            (False, b"ProvisionedThroughputExceeded"),
            (True, b"ThrottlingException"),
        ):
            fate = troubles.fate_of(Kind.THROTTLED, HEAD % b"dynamodb", odd=odd)
            self.assertFalse(fate.arrives)
            head, _, body = fate.instead.partition(b"\r\n\r\n")
            self.assertIn(name, body)
            self.assertIn(b"Content-Length: %d\r\n" % len(body), head)
        self.assertEqual(troubles.fate_of(Kind.THROTTLED, HEAD % b"sns"), PASSES)
        self.assertEqual(troubles.fate_of(Kind.THROTTLED, b"GET / HTTP/1.1\r\n\r\n"), PASSES)

    def test_a_lost_answer_is_one_of_a_call_that_took_effect(self) -> None:
        fates = {kind: troubles.fate_of(kind, HEAD % b"dynamodb") for kind in Kind}
        self.assertTrue(fates[Kind.DEAF].arrives)
        self.assertFalse(fates[Kind.UNREACHABLE].arrives)
        self.assertEqual((fates[Kind.DEAF].instead, fates[Kind.UNREACHABLE].instead), (b"", b""))
        self.assertGreater(fates[Kind.SILENT].after_s, 20)
        self.assertTrue(fates[Kind.SLOW].arrives and fates[Kind.SLOW].instead is None)
        for kind in (Kind.NO_TABLE, Kind.KILLED, None):
            self.assertEqual(troubles.fate_of(kind, HEAD % b"dynamodb"), PASSES)

    def test_a_role_loses_what_it_is_to_lack_and_nothing_else(self) -> None:
        policy = {
            "Statement": [
                {"Action": ["dynamodb:Query", "dynamodb:UpdateItem"], "Resource": "a"},
                {"Action": "sns:Publish", "Resource": "b"},
            ]
        }
        self.assertEqual(
            troubles.lacking(policy, "dynamodb:"),
            {"Statement": [{"Action": ["sns:Publish"], "Resource": "b"}]},
        )
        self.assertEqual(len(troubles.lacking(policy, "sns:Publish")["Statement"]), 1)

    def test_the_proxy_does_to_a_call_what_is_decided(self) -> None:
        refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
        asked: list[str] = []
        fates: list[Fate] = []
        with (
            Application(feeds_noting(asked)) as behind,
            Door(behind.port, fate=lambda _head: fates[-1]) as door,
        ):
            for fate, expected, arrived in (
                (PASSES, 200, 1),
                (Fate(after_s=0.01), 200, 1),
                (Fate(arrives=False, instead=refused), 400, 0),
                (Fate(arrives=False, instead=b""), None, 0),
                (Fate(arrives=True, instead=b""), None, 1),
            ):
                with self.subTest(fate):
                    fates.append(fate)
                    asked.clear()
                    self.assertEqual(code_of(door.port), expected)
                    self.assertEqual(len(asked), arrived)


def feeds_noting(asked: list[str]) -> Callable[[str], bytes | None]:
    """Feeds that note each time they are asked for."""

    def feed(key: str) -> bytes:
        asked.append(key)
        return b"{}"

    return feed


def code_of(port: int) -> int | None:
    """The status that a request is answered with; none if the connection breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/errors/upcoming.json", body=b"x" * 100)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


if __name__ == "__main__":
    unittest.main()
