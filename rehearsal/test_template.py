"""What the local AWS cannot enforce, held against AWS's own tables, from the templates' text.

The tables are those of cfn-lint: for each IAM action the kinds of resources that it can be limited
to, and for each type of resource the properties that cannot change without making another.
"""

import json
import re
import unittest
from collections.abc import Iterator
from importlib import resources
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samtranslator.yaml_helper import yaml_parse

from rehearsal.deployment import TEMPLATE_PATH, without_metric_math
from rehearsal.options import PROJECT
from rehearsal.permissions import ON_BEHALF, actions, listed, widened, without

TEMPLATE = yaml_parse((PROJECT / TEMPLATE_PATH).read_text(encoding="utf-8"))
SITE_TEMPLATE = yaml_parse((PROJECT / "site/template.yaml").read_text(encoding="utf-8"))
SERVICES = json.loads(
    (resources.files("cfnlint.data.AdditionalSpecs") / "Policies.json").read_text(encoding="utf-8")
)
ROLES = ("FunctionRole", "SchedulerRole")
# Types that take no tags at all.
UNTAGGABLE = {
    "AWS::CloudWatch::Dashboard",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::Scheduler::Schedule",
}
# The properties by which people and other stacks know a resource.
NAMES = {
    "FunctionName",
    "LogGroupName",
    "TableName",
    "TopicName",
    "QueueName",
    "AlarmName",
    "DashboardName",
    "Name",
}


def statements(role: str) -> Iterator[dict[str, Any]]:
    """All of a role's statements, those under a condition too."""
    for policy in TEMPLATE["Resources"][role]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def limits(action: str) -> list[list[str]]:
    """For each action that the text stands for, the kinds of resources it can be limited to."""
    service, _, name = action.partition(":")
    pattern = re.escape(name.lower()).replace(r"\*", ".*")
    known = SERVICES[service]["Actions"]
    return [known[one].get("Resources", []) for one in known if re.fullmatch(pattern, one)]


def text(value: Any) -> str:
    """A value of the template as text, to look for references in."""
    return json.dumps(value)


class Permissions(unittest.TestCase):
    """What the roles may do, and who may have them."""

    def test_only_what_aws_cannot_narrow_is_granted_on_everything(self) -> None:
        for role in ROLES:
            for statement in statements(role):
                for action in listed(statement["Action"]):
                    kinds = limits(action)
                    with self.subTest(role=role, action=action):
                        self.assertTrue(kinds, "AWS knows no such action")
                        wildcard = statement["Resource"] == "*"
                        self.assertEqual(wildcard, not any(kinds))

    def test_no_resource_is_wider_than_this_stack(self) -> None:
        # What the owner names, and what the stack makes, by reference or by a name it derives.
        own = re.compile(
            r'\{"Ref": "(RuleArns|KmsKeyArn|Topic)"\}'
            r'|\{"Fn::GetAtt": \["(DeadLetterQueue|LogGroup|SchedulerRole)", "Arn"\]\}'
            r'|\{"Fn::Sub": "arn:\$\{AWS::Partition\}:s3:::\$\{ErrorBucket\}/errors/window\.json"\}'
            r'|\{"Fn::Sub": "arn:\$\{AWS::Partition\}:\w+:\$\{AWS::Region\}:\$\{AWS::AccountId\}:'
            r'(schedule/\$\{AWS::StackName\}/\*|(function:|table/)\$\{AWS::StackName\})"\}'
        )
        for role in ROLES:
            for statement in statements(role):
                if statement["Resource"] != "*":
                    with self.subTest(role=role, sid=statement["Sid"]):
                        self.assertRegex(text(statement["Resource"]), rf"^({own.pattern})$")

    def test_the_role_is_handed_to_scheduler_alone(self) -> None:
        passing = [
            one for role in ROLES for one in statements(role) if "iam:" in text(one["Action"])
        ]
        self.assertEqual(len(passing), 1)
        self.assertEqual(passing[0]["Action"], "iam:PassRole")
        self.assertEqual(passing[0]["Resource"], {"Fn::GetAtt": ["SchedulerRole", "Arn"]})
        self.assertEqual(
            passing[0]["Condition"],
            {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )

    def test_scheduler_assumes_its_role_for_the_stacks_group_only(self) -> None:
        trust = TEMPLATE["Resources"]["SchedulerRole"]["Properties"]["AssumeRolePolicyDocument"]
        (statement,) = trust["Statement"]
        self.assertEqual(statement["Principal"], {"Service": "scheduler.amazonaws.com"})
        (operator,) = statement["Condition"]
        self.assertEqual(operator, "StringEquals")
        condition = statement["Condition"][operator]
        self.assertEqual(condition["aws:SourceAccount"], {"Ref": "AWS::AccountId"})
        self.assertEqual(condition["aws:SourceArn"], {"Fn::GetAtt": ["Group", "Arn"]})

    def test_lambda_alone_assumes_the_functions_role(self) -> None:
        trust = TEMPLATE["Resources"]["FunctionRole"]["Properties"]["AssumeRolePolicyDocument"]
        (statement,) = trust["Statement"]
        self.assertEqual(statement["Principal"], {"Service": "lambda.amazonaws.com"})
        self.assertEqual(statement["Action"], "sts:AssumeRole")

    def test_the_rules_are_rules_of_application_load_balancers(self) -> None:
        pattern = TEMPLATE["Parameters"]["RuleArns"]["AllowedPattern"]
        rule = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/"
        self.assertRegex(
            rule + "app/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee", pattern
        )
        for other in ("net/web/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee", "*", "app/*"):
            self.assertNotRegex(rule + other, pattern)

    def test_only_alarms_of_this_stack_publish_without_a_permission(self) -> None:
        policy = TEMPLATE["Resources"]["TopicPolicy"]["Properties"]["PolicyDocument"]
        (statement,) = policy["Statement"]
        self.assertEqual(statement["Principal"], {"Service": "cloudwatch.amazonaws.com"})
        self.assertEqual(statement["Action"], "sns:Publish")
        self.assertIn("${AWS::StackName}-*", text(statement["Condition"]["ArnLike"]))
        self.assertIn("aws:SourceAccount", statement["Condition"]["StringEquals"])

    def test_what_the_drill_cannot_take_away_is_granted_here(self) -> None:
        granted = {action for one in statements("FunctionRole") for action in listed(one["Action"])}
        self.assertEqual(ON_BEHALF - granted, set())


class Life(unittest.TestCase):
    """What an update or a deletion does to what is there."""

    def test_no_parameter_makes_another_resource_in_an_old_ones_place(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            if name == "NotificationSubscription":
                # Another address is another subscription, which its owner has to confirm.
                continue
            kind = resource["Type"].replace("AWS::Serverless::", "AWS::Lambda::")
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
            for path in schema.get("createOnlyProperties", []):
                value = text(resource["Properties"].get(path.split("/")[2], ""))
                for parameter in TEMPLATE["Parameters"]:
                    with self.subTest(resource=name, path=path, parameter=parameter):
                        self.assertNotIn(f'"{parameter}"', value)
                        self.assertNotIn(f"${{{parameter}}}", value)

    def test_the_table_alone_outlives_the_stack(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            with self.subTest(resource=name):
                table = name == "Table"
                self.assertEqual(
                    resource.get("DeletionPolicy"), "RetainExceptOnCreate" if table else None
                )
                self.assertEqual(resource.get("UpdateReplacePolicy"), "Retain" if table else None)

    def test_what_the_table_holds_is_not_lost_by_a_slip(self) -> None:
        table = TEMPLATE["Resources"]["Table"]["Properties"]
        self.assertTrue(table["DeletionProtectionEnabled"])
        self.assertTrue(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
        self.assertEqual(
            table["TimeToLiveSpecification"], {"AttributeName": "expires", "Enabled": True}
        )
        # What DynamoDB expires must not be what it finds items by.
        self.assertEqual(
            {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]},
            {"scope": "HASH", "id": "RANGE"},
        )
        # With AWS's own key, and paid by what is used.
        self.assertEqual(table["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual({"SSESpecification", "WarmThroughput"} & table.keys(), set())

    def test_a_table_that_was_left_is_named_by_nothing_that_needs_it_made(self) -> None:
        environment = TEMPLATE["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
        for value in (environment["TABLE_NAME"], TEMPLATE["Outputs"]["TableName"]["Value"]):
            self.assertEqual(value, {"Ref": "AWS::StackName"})
        references = re.compile(r'"Table"|\$\{Table[}.]|"Table\.')
        for name, resource in TEMPLATE["Resources"].items():
            bare = text(resource).replace(
                text({"Fn::If": ["MakesTable", {"Ref": "Table"}, {"Ref": "AWS::StackName"}]}), ""
            )
            with self.subTest(resource=name):
                self.assertNotRegex(bare, references)

    def test_the_first_sweep_finds_the_table(self) -> None:
        self.assertIn('"Ref": "Table"', text(TEMPLATE["Resources"]["Sweep"]))

    def test_everything_is_named_after_the_stack(self) -> None:
        for template in (TEMPLATE, SITE_TEMPLATE):
            for name, resource in template["Resources"].items():
                for key in NAMES & set(resource["Properties"]):
                    with self.subTest(resource=name, property=key):
                        self.assertIn("AWS::StackName", text(resource["Properties"][key]))

    def test_everything_that_takes_tags_has_the_sites(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            if resource["Type"] not in UNTAGGABLE:
                with self.subTest(resource=name):
                    self.assertIn('"Site"', text(resource["Properties"].get("Tags", "")))


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

    def test_durations_are_those_that_the_function_reads(self) -> None:
        for parameter in ("WarnBeforeEnd", "MaxDuration", "RemindBefore"):
            self.check(parameter, ("", *DURATIONS), NO_DURATIONS)
            self.assertTrue(self.takes(parameter, TEMPLATE["Parameters"][parameter]["Default"]))

    def test_only_reminders_take_several_durations_each_as_good_as_one(self) -> None:
        several = ",".join(DURATIONS)
        self.assertTrue(self.takes("RemindBefore", several))
        for parameter in ("WarnBeforeEnd", "MaxDuration"):
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
            ("", value, value * 8, f"{value},{value}0"),
            ("short", f"{value}*", value * 9, f"{value},", f"{value},{value},{value}"),
        )


class Operations(unittest.TestCase):
    """Who hears of what goes wrong."""

    def test_every_alarm_reaches_the_topic_and_is_on_the_dashboard(self) -> None:
        dashboard = text(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"])
        alarms = {
            name: resource["Properties"]
            for name, resource in TEMPLATE["Resources"].items()
            if resource["Type"] == "AWS::CloudWatch::Alarm"
        }
        self.assertEqual(len(alarms), 5)
        for name, alarm in alarms.items():
            with self.subTest(alarm=name):
                self.assertEqual(alarm["AlarmActions"], [{"Ref": "Topic"}])
                self.assertIn(f"${{{name}.Arn}}", dashboard)

    def test_errors_are_told_without_the_events_that_were_refused(self) -> None:
        metrics = {
            one["Id"]: one for one in TEMPLATE["Resources"]["ErrorAlarm"]["Properties"]["Metrics"]
        }
        self.assertEqual(metrics["failed"]["Expression"], "errors - FILL(refused, 0)")
        shown = [name for name, one in metrics.items() if one["ReturnData"]]
        self.assertEqual(shown, ["failed"])
        errors, refused = (metrics[name]["MetricStat"] for name in ("errors", "refused"))
        self.assertEqual(
            errors["Metric"],
            {
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": "Function"}}],
            },
        )
        # The figures' dimension is the table's name, which is the stack's.
        self.assertEqual(
            refused["Metric"],
            {
                "Namespace": "MaintenanceWindow",
                "MetricName": "RefusedEvents",
                "Dimensions": [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}],
            },
        )
        # One is subtracted from the other, minute by minute.
        for metric in (errors, refused):
            self.assertEqual((metric["Stat"], metric["Period"]), ("Sum", 60))

    def test_the_local_aws_gets_the_same_alarm_without_an_expression(self) -> None:
        template = (PROJECT / TEMPLATE_PATH).read_text(encoding="utf-8")
        local = yaml_parse(without_metric_math(template))
        alarm = local["Resources"]["ErrorAlarm"]["Properties"]
        self.assertEqual((alarm["Namespace"], alarm["MetricName"]), ("AWS/Lambda", "Errors"))
        ours = dict(TEMPLATE["Resources"]["ErrorAlarm"]["Properties"])
        self.assertEqual(ours.keys() - alarm.keys(), {"Metrics"})
        ours = {name: value for name, value in ours.items() if name != "Metrics"}
        self.assertEqual({name: alarm[name] for name in ours}, ours)
        other = set(TEMPLATE["Resources"]) - {"ErrorAlarm"}
        for name in other:
            self.assertEqual(local["Resources"][name], TEMPLATE["Resources"][name])

    def test_what_fails_unwatched_reaches_people_through_the_queue(self) -> None:
        # Schedules wait for no answer: Lambda sends what failed three times on, refused events too.
        function = TEMPLATE["Resources"]["Function"]["Properties"]
        queue = {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
        self.assertEqual(
            function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"],
            {"Type": "SQS", "Destination": queue},
        )
        self.assertIn("sqs:SendMessage", text(list(statements("FunctionRole"))))
        alarm = TEMPLATE["Resources"]["DeadLetterAlarm"]["Properties"]
        self.assertEqual(
            alarm["Dimensions"],
            [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}}],
        )
        self.assertEqual(alarm["Threshold"], 0)
        self.assertEqual(alarm["AlarmActions"], [{"Ref": "Topic"}])

    def test_the_dashboard_is_json(self) -> None:
        body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        self.assertEqual(len(json.loads(re.sub(r"\$\{[^}]+\}", "x", body))["widgets"]), 5)

    def test_silence_of_the_sweep_is_an_alarm_after_a_quarter_of_an_hour(self) -> None:
        alarm = TEMPLATE["Resources"]["SweepAlarm"]["Properties"]
        self.assertEqual(alarm["Period"] * alarm["EvaluationPeriods"], 15 * 60)
        self.assertEqual(alarm["TreatMissingData"], "breaching")


POLICY = {
    "Statement": [
        {"Sid": "A", "Action": "sns:Publish", "Resource": "t"},
        {
            "Sid": "B",
            "Action": ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"],
            "Resource": "g",
        },
    ]
}


class Policies(unittest.TestCase):
    """How the drill takes permissions away."""

    def test_one_action_is_taken_out_and_nothing_else(self) -> None:
        self.assertEqual(
            actions(without(POLICY, "scheduler:CreateSchedule")),
            ["sns:Publish", "scheduler:DeleteSchedule"],
        )
        self.assertEqual(len(without(POLICY, "sns:Publish")["Statement"]), 1)

    def test_only_what_cannot_be_matched_is_widened(self) -> None:
        resources_now = [one["Resource"] for one in widened(POLICY)["Statement"]]
        self.assertEqual(resources_now, ["t", "*"])
        self.assertEqual(actions(widened(POLICY)), actions(POLICY))


if __name__ == "__main__":
    unittest.main()
