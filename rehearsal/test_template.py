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

from rehearsal.deployment import TEMPLATE_PATH
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
            r'(schedule/\$\{AWS::StackName\}/\*|function:\$\{AWS::StackName\})"\}'
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

    def test_scheduler_assumes_its_role_for_the_two_groups_of_this_account_only(self) -> None:
        trust = TEMPLATE["Resources"]["SchedulerRole"]["Properties"]["AssumeRolePolicyDocument"]
        (statement,) = trust["Statement"]
        self.assertEqual(statement["Principal"], {"Service": "scheduler.amazonaws.com"})
        (operator,) = statement["Condition"]
        self.assertEqual(operator, "StringEquals")
        condition = statement["Condition"][operator]
        self.assertEqual(condition["aws:SourceAccount"], {"Ref": "AWS::AccountId"})
        windows, sweep = condition["aws:SourceArn"]
        self.assertTrue(windows["Fn::Sub"].endswith(":schedule-group/${AWS::StackName}"))
        self.assertEqual(sweep, {"Fn::GetAtt": ["SweepGroup", "Arn"]})

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

    def test_the_windows_outlive_the_stack(self) -> None:
        group = TEMPLATE["Resources"]["WindowGroup"]
        self.assertEqual(group["DeletionPolicy"], "RetainExceptOnCreate")
        self.assertEqual(group["UpdateReplacePolicy"], "Retain")

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
            "Action": ["scheduler:GetSchedule", "scheduler:ListSchedules"],
            "Resource": "g",
        },
    ]
}


class Policies(unittest.TestCase):
    """How the drill takes permissions away."""

    def test_one_action_is_taken_out_and_nothing_else(self) -> None:
        self.assertEqual(
            actions(without(POLICY, "scheduler:GetSchedule")),
            ["sns:Publish", "scheduler:ListSchedules"],
        )
        self.assertEqual(len(without(POLICY, "sns:Publish")["Statement"]), 1)

    def test_only_what_cannot_be_matched_is_widened(self) -> None:
        resources_now = [one["Resource"] for one in widened(POLICY)["Statement"]]
        self.assertEqual(resources_now, ["t", "*"])
        self.assertEqual(actions(widened(POLICY)), actions(POLICY))


if __name__ == "__main__":
    unittest.main()
