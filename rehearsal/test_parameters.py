"""What the template refuses at deployment, since the function could not use it."""

import re
import unittest
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from rehearsal.deployment import TEMPLATE_PATH
from rehearsal.options import PROJECT

TEMPLATE = yaml_parse((PROJECT / TEMPLATE_PATH).read_text(encoding="utf-8"))


def holds(condition: Any, given: dict[str, str]) -> bool:
    """Whether a rule's assertion holds for these parameters."""
    if "Ref" in condition:
        return given[condition["Ref"]]
    ((function, arguments),) = condition.items()
    if function == "Fn::Equals":
        one, other = (holds(each, given) if isinstance(each, dict) else each for each in arguments)
        return one == other
    if function == "Fn::Contains":
        return holds(arguments[1], given) in arguments[0]
    results = [holds(each, given) for each in arguments]
    return {"Fn::Or": any, "Fn::And": all, "Fn::Not": lambda all_: not all_[0]}[function](results)


DURATIONS = ("PT10M", "P1D", "P2W", "P1W2DT3H4M5S", "PT24H", "PT90S", "PT0H30M", "P0DT1H")
NO_DURATIONS = (
    # Months, which people write who forget the T, and years.
    *("P10M", "P1Y", "P1M", "P1DT1H1M1Y"),
    # Nothing, and zero.
    *("P", "PT", "P1DT", "PT0S", "P0D", "P0DT0H", "T1H", "PT1", "P1"),
    # Not in this order, not whole, not alone.
    *("PT1M1H", "P1D1W", "PT1.5H", "-PT1H", "+PT1H", "PT-1H", "pt1h", "1h", "60", "PT1H PT2H"),
    # More than a clock takes.
    *("P1000W", "P99999D", "PT9999999S", "P999999999999D"),
)


class Parameters(unittest.TestCase):
    """What is refused at deployment, since the function could not use it."""

    def takes(self, parameter: str, value: str) -> bool:
        """Whether CloudFormation accepts the value."""
        return bool(re.search(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value))

    def check(self, parameter: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
        """Each of both."""
        for value in good + bad:
            with self.subTest(parameter=parameter, value=value):
                self.assertEqual(self.takes(parameter, value), value in good)

    def test_whoever_fills_in_the_form_finds_each_parameter_in_one_group(self) -> None:
        groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(TEMPLATE["Parameters"]))

    def test_the_rules_are_rules_of_application_load_balancers(self) -> None:
        pattern = TEMPLATE["Parameters"]["RuleArns"]["AllowedPattern"]
        rule = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/"
        self.assertRegex(
            rule + "app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee", pattern
        )
        for other in ("net/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee", "*", "app/*"):
            self.assertNotRegex(rule + other, pattern)

    def test_no_rule_is_named_twice(self) -> None:
        pattern = TEMPLATE["Parameters"]["RuleArns"]["AllowedPattern"]
        arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/web/5/f/9"
        first, second, third = (f"{arn}{sign}" for sign in "abc")
        for good in ([first], [first, second], [first, second, third], [first, first + "0"]):
            with self.subTest(good=good):
                self.assertRegex(",".join(good), pattern)
        for bad in (
            [first, first],
            [first, second, first],
            [second, first, first],
            [first, first, second],
            [first, ""],
            ["", first],
            [first, f" {second}"],
            [first + second],
            [],
        ):
            with self.subTest(bad=bad):
                self.assertNotRegex(",".join(bad), pattern)

    def test_durations_are_those_that_the_function_reads(self) -> None:
        for parameter in ("WarnBeforeEnd", "MaxDuration", "AnnounceBefore", "RemindBefore"):
            self.check(parameter, ("", *DURATIONS), NO_DURATIONS)
            self.assertTrue(self.takes(parameter, TEMPLATE["Parameters"][parameter]["Default"]))

    def test_only_reminders_take_several_durations_each_as_good_as_one(self) -> None:
        several = ",".join(DURATIONS)
        self.assertTrue(self.takes("RemindBefore", several))
        for parameter in ("WarnBeforeEnd", "MaxDuration", "AnnounceBefore"):
            self.assertFalse(self.takes(parameter, several))
        for bad in (*NO_DURATIONS, "", " PT1H"):
            with self.subTest(bad=bad):
                self.assertFalse(self.takes("RemindBefore", f"PT1H,{bad}"))
                self.assertFalse(self.takes("RemindBefore", f"{bad},PT1H"))

    def test_an_address_to_look_at_has_a_host_and_a_port_that_exist(self) -> None:
        self.check(
            "ProbeUrl",
            (
                "",
                "https://www.example.com",
                "https://www.example.com/",
                "http://shop:8080/health?deep=1",
                "https://xn--bcher-kva.example:65535/a/b",
            ),
            (
                "www.example.com",
                "ftp://www.example.com/",
                "https://",
                "https:///path",
                "http://[::1",
                "https://www.example.com:65536/",
                "https://www.example.com:/",
                "https://www.example.1/",
                "https://256.1.1.1/",
                "https://exam ple.com/",
                "https://www..example.com/",
            ),
        )

    def test_history_is_kept_for_whole_days(self) -> None:
        self.check("HistoryDays", ("1", "400", "9999"), ("", "0", "-1", "400.5", "10000", "1e3"))

    def test_the_bypass_header_and_its_value_are_such_as_a_rule_takes(self) -> None:
        self.check(
            "BypassHeaderName",
            ("X-Maintenance-Bypass", "a", "n" * 40),
            ("", "Host", "HOST", "under_score", "n" * 41, "a b"),
        )
        value = "0123456789abcdef"
        self.check(
            "BypassHeaderValue",
            ("", "none", value, value * 8, f"{value},{value}0"),
            ("short", f"{value}*", value * 9, f"{value},", f"{value},{value},{value}"),
        )

    def test_a_guide_that_takes_no_empty_answer_can_be_answered(self) -> None:
        # `sam deploy --guided` does not show what is typed for NoEcho, and insists on something.
        hidden = [name for name, one in TEMPLATE["Parameters"].items() if one.get("NoEcho")]
        self.assertEqual(hidden, ["BypassHeaderValue"])
        self.assertEqual(TEMPLATE["Parameters"]["BypassHeaderValue"]["Default"], "")
        (rule,) = TEMPLATE["Rules"].values()
        (assertion,) = rule["Assertions"]
        for value in ("", "none", "0123456789abcdef"):
            for secret in ("", "a/secret"):
                for parameter in ("", "a/parameter"):
                    given = {
                        "BypassHeaderValue": value,
                        "BypassHeaderSecret": secret,
                        "BypassHeaderParameter": parameter,
                    }
                    sources = (value not in ("", "none")) + bool(secret) + bool(parameter)
                    with self.subTest(given=given):
                        self.assertEqual(holds(assertion["Assert"], given), sources == 1)

    def test_the_processor_is_chosen_where_the_build_reads_it(self) -> None:
        # A parameter would be asked for by `sam deploy`, after `sam build` has compiled.
        architectures = TEMPLATE["Resources"]["Function"]["Properties"]["Architectures"]
        self.assertIn(architectures, (["arm64"], ["x86_64"]))
        self.assertNotIn("Architecture", TEMPLATE["Parameters"])

    def test_the_console_is_opened_to_one_account_and_to_none_by_itself(self) -> None:
        self.check("ConsoleAccount", ("", "123456789012"), ("12345678901", "*", "1234567890123"))
        self.assertEqual(TEMPLATE["Parameters"]["ConsoleAccount"]["Default"], "")
        self.assertEqual(TEMPLATE["Parameters"]["ConsoleMay"]["Default"], "look")

    def test_alarms_go_to_a_topic_that_can_be_named(self) -> None:
        self.check(
            "AlarmsTo",
            ("reports", "own", "arn:aws:sns:eu-west-1:123456789012:on-call"),
            ("", "Own", "on-call", "arn:aws:sns:eu-west-1:123456789012:on-call.fifo"),
        )


if __name__ == "__main__":
    unittest.main()
