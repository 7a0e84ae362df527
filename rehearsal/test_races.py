"""A race that nobody can lose proves nothing: each way to lose one is seen."""

import json
import unittest

from rehearsal.deployment import Answer
from rehearsal.races import Sent, Window, told_truly


def sent(
    outcome: str, action: str = "extend", reason: str = "own", ended: str | None = None
) -> Sent:
    """A request that was answered so; an outcome with a capital is an error."""
    failed = outcome[0].isupper()
    shown = {"reason": "booked", "outcome": ended or outcome}
    document = {"errorType": outcome} if failed else {"outcome": outcome, "window": shown}
    event = {"action": action, "reason": reason}
    return Sent(event, Answer(failed=failed, document=document, text=json.dumps(document)))


def window(*decisions: tuple[str, str]) -> Window:
    """A window that was booked and then decided about: each time an action and its reason."""
    return {
        "decisions": [
            {"action": action, "reason": reason}
            for action, reason in (("on", "booked"), *decisions)
        ]
    }


class ToldTruly(unittest.TestCase):
    """Names are claims."""

    def found(self, one: Sent, times: int) -> list[str]:
        """What is found if the decisions hold the request so many times."""
        return list(told_truly([one], [window(*[(one.event["action"], one.reason)] * times)]))

    def test_what_was_taken_stands_once_and_what_was_refused_never(self) -> None:
        self.assertEqual(self.found(sent("extended"), 1), [])
        self.assertEqual(self.found(sent("InvalidEvent"), 0), [])
        self.assertEqual(self.found(sent("unchanged"), 0), [])

    def test_a_decision_that_was_lost_is_seen(self) -> None:
        self.assertEqual(len(self.found(sent("extended"), 0)), 1)

    def test_a_decision_that_was_taken_twice_is_seen(self) -> None:
        self.assertEqual(len(self.found(sent("extended"), 2)), 1)

    def test_a_refusal_of_what_was_decided_is_seen(self) -> None:
        self.assertEqual(len(self.found(sent("InvalidEvent"), 1)), 1)
        self.assertEqual(len(self.found(sent("unchanged"), 1)), 1)

    def test_any_other_failure_is_seen_decided_or_not(self) -> None:
        for error in ("TableFailed", "Incomplete", "OutOfTime"):
            for times in (0, 1):
                with self.subTest(error=error, times=times):
                    self.assertEqual(len(self.found(sent(error), times)), 1)

    def test_one_actions_outcome_is_no_others(self) -> None:
        # The window was over by another's doing.
        self.assertEqual(self.found(sent("completed", action="extend"), 0), [])
        self.assertEqual(len(self.found(sent("completed", action="off"), 0)), 1)

    def test_a_window_that_another_ended_is_over_for_both(self) -> None:
        for action in ("off", "cancel"):
            with self.subTest(action=action):
                one = sent("completed", action=action)
                self.assertEqual(list(told_truly([one], [window(("off", "another's"))])), [])
                # Nor can somebody's `off` stand for two.
                twice = window((action, one.reason), (action, one.reason))
                self.assertEqual(len(list(told_truly([one], [twice]))), 1)

    def test_a_start_may_be_answered_by_its_end(self) -> None:
        one = sent("completed", action="on", reason="booked")
        self.assertEqual(list(told_truly([one], [window(("off", "another's"))])), [])
        # But not while nobody ended it.
        self.assertEqual(len(list(told_truly([one], [window()]))), 1)

    def test_another_windows_end_is_none_of_this_ones(self) -> None:
        elsewhere = window(("off", "another's"))
        elsewhere["decisions"][0]["reason"] = "booked elsewhere"
        one = sent("completed", action="off")
        self.assertEqual(len(list(told_truly([one], [window(), elsewhere]))), 1)

    def test_an_end_told_otherwise_than_it_was_is_seen(self) -> None:
        one = sent("completed", action="off", ended="cancelled")
        self.assertEqual(len(list(told_truly([one], [window(("cancel", "another's"))]))), 1)


if __name__ == "__main__":
    unittest.main()
