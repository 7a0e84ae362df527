"""What can be held against the account's tools without an account."""

import io
import json
import os
import subprocess
import sys
import unittest
import unittest.mock
from typing import Any

from account import session, table, trial_templates
from account.undeploy import RefusedError, farewell, undeploy
from account.verify import judge
from rehearsal.options import PROJECT
from rehearsal.traffic import CLOSED, OPEN, Sample

START, END = 1000.0, 1300.0


def visits(*spans: tuple[int, int, str]) -> list[Sample]:
    """One request a second."""
    return [
        Sample(sent=float(second), answered=second + 0.1, met=met)
        for begins, ends, met in spans
        for second in range(begins, ends)
    ]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One of the tools, with no way to reach an account."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class Verify(unittest.TestCase):
    """The trial in a real account."""

    def test_it_does_nothing_unless_it_is_understood_and_never_in_ci(self) -> None:
        for environment in ({}, {"I_UNDERSTAND": "yes"}, {"I_UNDERSTAND": "1", "CI": "true"}):
            with self.subTest(environment=environment):
                refused = run("account.verify", **environment)
                self.assertEqual(refused.returncode, 2)
                self.assertIn("Nothing was done", refused.stderr)
                self.assertEqual(refused.stdout, "")

    def test_a_window_as_promised_is_told_from_one_that_was_not(self) -> None:
        tester = visits((980, 1400, OPEN))
        good = visits((980, 1008, OPEN), (1008, 1309, CLOSED), (1309, 1400, OPEN))
        self.assertTrue(judge(good, tester, START, END)[1])
        for name, visitor in (
            ("never closed", visits((980, 1400, OPEN))),
            ("never reopened", visits((980, 1008, OPEN), (1008, 1400, CLOSED))),
            ("early", visits((980, 990, OPEN), (990, 1300, CLOSED), (1300, 1400, OPEN))),
        ):
            with self.subTest(name):
                self.assertFalse(judge(visitor, tester, START, END)[1])
        self.assertFalse(judge(good, visits((980, 1400, CLOSED)), START, END)[1])

    def test_its_own_stacks_leave_nothing_and_may_do_little(self) -> None:
        for template in map(json.loads, (trial_templates.site(), trial_templates.laboratory())):
            for name, resource in template["Resources"].items():
                with self.subTest(resource=name):
                    self.assertNotIn("DeletionPolicy", resource)
                    self.assertNotIn('"Resource": "*"', json.dumps(resource))


RULES = ("arn:rule/1", "arn:rule/2")


class Account:
    """An account with one stack in it, that remembers what it was asked to change."""

    def __init__(
        self,
        held: tuple[str, ...] = (),
        booked_meanwhile: tuple[str, ...] = (),
        states: tuple[str, ...] = ("open", "open"),
        site: str = "open",
        *,
        broken: bool = False,
    ) -> None:
        self.changes = unittest.mock.MagicMock()
        self._held = (held, held + booked_meanwhile)
        rules = [{"arn": arn, "state": state} for arn, state in zip(RULES, states, strict=False)]
        status = {"rules": rules, "site": site, "message": f"The site is {site}."}
        self._status: dict[str, Any] = {"Payload": io.BytesIO(json.dumps(status).encode())}
        if broken:
            self._status["FunctionError"] = "Unhandled"

    def client(self, service: str) -> unittest.mock.MagicMock:
        """The client of a service; all are one."""
        one = self.changes
        if service == "cloudformation":
            outputs = {"FunctionName": "shop", "TableName": "shop"}
            one.describe_stacks.return_value = {
                "Stacks": [
                    {
                        "Outputs": [
                            {"OutputKey": key, "OutputValue": value}
                            for key, value in outputs.items()
                        ],
                        "Parameters": [
                            {"ParameterKey": "RuleArns", "ParameterValue": ",".join(RULES)}
                        ],
                    }
                ]
            }
        one.invoke.return_value = self._status
        one.get_paginator.return_value.paginate.side_effect = self._query
        return one

    def _query(self, **question: Any) -> list[dict[str, Any]]:
        gone = self.changes.delete_stack.called
        prefix = question["ExpressionAttributeValues"][":prefix"]["S"]
        here = [name for name in self._held[gone] if name.startswith(prefix)]
        mutes = {"L": [{"M": {}}]}
        items = [{"scope": {"S": "now"}, "id": {"S": name}, "mutes": mutes} for name in here]
        return [{"Items": items}]

    def deleted(self) -> list[str]:
        """What was deleted or unprotected, in order."""
        kinds = ("delete_stack", "delete_table", "update_table", "update_termination_protection")
        return [call[0] for call in self.changes.method_calls if call[0] in kinds]


class Undeploy(unittest.TestCase):
    """Taking a stack down."""

    def refused(self, account: Account, why: str, history: str = "delete") -> None:
        """It says why."""
        with self.assertRaisesRegex(RefusedError, why):
            undeploy(account.client, "shop", {}, history=history)

    def test_it_is_refused_while_there_is_anything_to_look_after(self) -> None:
        for why, account in (
            ("window night", Account(held=("rule#l/1", "window#night"))),
            ("series weekly", Account(held=("series#weekly",))),
            ("alarms that night muted may", Account(held=("after#night#abcde",))),
            ("in maintenance: arn:rule/2", Account(states=("open", "closed"))),
            (
                "keeps visitors out: The site is maint",
                Account(states=("open", "unsupported"), site="maintenance_unplanned"),
            ),
            ("cannot say how things stand", Account(broken=True)),
        ):
            with self.subTest(why):
                self.refused(account, why)
                self.assertEqual(account.deleted(), [])

    def test_a_rule_that_nobody_sees_is_not_taken_to_be_open(self) -> None:
        for states in (("open",), ("open", "unknown"), ()):
            account = Account(states=states)
            with self.subTest(states=states):
                self.refused(account, "nobody knows how these rules stand: .*arn:rule/2")
                self.assertEqual(account.deleted(), [])

    def test_what_was_saved_of_rules_does_not_keep_a_stack_and_neither_do_rules_that_are_gone(
        self,
    ) -> None:
        account = Account(held=("rule#l/1", "notice#x"), states=("missing", "unsupported"))
        self.assertEqual(undeploy(account.client, "shop", {}), "shop")

    def test_the_table_stays_unless_it_is_to_go(self) -> None:
        kept, gone = Account(), Account()
        self.assertEqual(undeploy(kept.client, "shop", {}), "shop")
        self.assertEqual(kept.deleted(), ["update_termination_protection", "delete_stack"])
        self.assertIn("TableIs=left", farewell("shop", "shop"))
        self.assertIsNone(undeploy(gone.client, "shop", {}, history="delete"))
        self.assertEqual(
            gone.deleted(),
            ["update_termination_protection", "delete_stack", "update_table", "delete_table"],
        )

    def test_a_window_booked_while_the_stack_goes_keeps_the_table(self) -> None:
        account = Account(booked_meanwhile=("window#night",))
        self.refused(account, "still holds window night; the stack is gone: .*TableIs=left")
        self.assertNotIn("delete_table", account.deleted())

    def test_another_projects_stack_is_left_alone(self) -> None:
        account = Account()
        account.client("cloudformation").describe_stacks.return_value = {"Stacks": [{}]}
        with self.assertRaises(RefusedError):
            undeploy(lambda _: account.changes, "shop", {})
        self.assertEqual(account.deleted(), [])

    def test_what_aws_does_not_do_is_told_without_a_traceback(self) -> None:
        failed = run("account.undeploy", "shop")
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr, r"^Refused: expected a Region, .*; expected credentials, ")

    def test_the_region_is_found_as_the_aws_cli_finds_it(self) -> None:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        for settings, expected in (
            ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
            ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
            ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
            ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ):
            environment = {**keys, **settings, "AWS_CONFIG_FILE": os.devnull}
            with (
                self.subTest(settings=settings),
                unittest.mock.patch.dict(os.environ, environment, clear=True),
            ):
                self.assertEqual(session().region_name, expected)

    def test_the_command_wants_a_name_and_knows_two_ways_with_history(self) -> None:
        for arguments in (("",), ("shop", "--history", "burn"), ()):
            with self.subTest(arguments=arguments):
                self.assertEqual(run("account.undeploy", *arguments).returncode, 2)


class Table(unittest.TestCase):
    """How the table is read."""

    def test_an_item_is_plain_values(self) -> None:
        item = {
            "id": {"S": "window#night"},
            "version": {"N": "3"},
            "late": {"N": "0.5"},
            "told": {"SS": ["started", "booked"]},
            "end": {"NULL": True},
            "ending": {"M": {"outcome": {"S": "completed"}, "count": {"N": "1"}}},
            "rules": {"L": [{"S": "r"}]},
        }
        self.assertEqual(
            table.plain(item),
            {
                "id": "window#night",
                "version": 3,
                "late": 0.5,
                "told": ["booked", "started"],
                "end": None,
                "ending": {"outcome": "completed", "count": 1},
                "rules": ["r"],
            },
        )


if __name__ == "__main__":
    unittest.main()
