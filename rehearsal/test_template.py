"""What the local AWS cannot enforce, held against AWS's own tables, from the templates' text.

The tables are those of cfn-lint: for each IAM action the kinds of resources that it can be limited
to, and for each type of resource the properties that cannot change without making another.
"""

import json
import re
import tomllib
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
# What AWS shows in full only to who may see all: of alarms, the composite ones.
SHOWN_IN_FULL_ONLY = {"cloudwatch:DescribeAlarms"}
# Types that take no tags at all.
UNTAGGABLE = {
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
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


ALARMS = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
# What the function measures, in the namespace MaintenanceWindow.
FIGURES = {
    "MaintenanceActive",
    "StartLateSeconds",
    "EndLateSeconds",
    "SeenAfterSeconds",
    "OverrunSeconds",
    "Drift",
    "RefusedEvents",
}


def resolved(metrics: list[list[Any]]) -> Iterator[tuple[str, ...]]:
    """A widget's metrics with their dots replaced: each stands for what is above it."""
    above: list[str] = []
    for metric in metrics:
        parts = [part for part in metric if isinstance(part, str)]
        if parts:
            above = [above[at] if part == "." else part for at, part in enumerate(parts)]
            yield tuple(above)


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
                        self.assertEqual(wildcard, not any(kinds) or action in SHOWN_IN_FULL_ONLY)

    def test_no_resource_is_wider_than_this_stack(self) -> None:
        # What the owner names, and what the stack makes, by reference or by a name it derives.
        own = re.compile(
            r'\{"Ref": "(KmsKeyArn|Topic)"\}'
            r'|\{"Fn::Split": \[",", \{"Ref": "RuleArns"\}\]\}'
            r'|\{"Fn::GetAtt": \["(DeadLetterQueue|SchedulerRole)", "Arn"\]\}'
            r'|\[(\{"Fn::Sub": "arn:\$\{AWS::Partition\}:s3:::\$\{ErrorBucket\}/errors/'
            r'(window\.json|upcoming\.json|maintenance\.ics)"\}(, )?){3}\]'
            r'|\{"Fn::Sub": "arn:\$\{AWS::Partition\}:\w+:\$\{AWS::Region\}:\$\{AWS::AccountId\}:'
            r"(schedule/\$\{AWS::StackName\}/\*|(function:|table/)\$\{AWS::StackName\}"
            r"|alarm-mute-rule:\$\{AWS::StackName\}\.\*"
            r'|log-group:/aws/lambda/\$\{AWS::StackName\}:\*)"\}'
            # The alarms that the owner names; the rules that mute them are limited above.
            r'|\{"Fn::Split": \[",", \{"Fn::Sub": '
            r'\["arn:\$\{AWS::Partition\}:cloudwatch:\$\{AWS::Region\}:\$\{AWS::AccountId\}'
            r':alarm:\$\{Names\}", '
            r'\{"Names": \{"Fn::Join": \[",arn:\*:cloudwatch:\*:\*:alarm:", '
            r'\{"Fn::Split": \[",", \{"Ref": "MuteAlarms"\}\]\}\]\}\}\]\}\]\}'
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

    def test_only_alarms_of_this_stack_publish_without_a_permission(self) -> None:
        for name in ("TopicPolicy", "AlarmTopicPolicy"):
            policy = TEMPLATE["Resources"][name]["Properties"]["PolicyDocument"]
            (statement,) = policy["Statement"]
            with self.subTest(policy=name):
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
            if name in ("NotificationSubscription", "AlarmSubscription"):
                # Another address is another subscription, which its owner has to confirm.
                continue
            if name in ("ConsoleLooks", "ConsoleActs"):
                # Permission for another account is another permission.
                continue
            kind = resource["Type"].replace("AWS::Serverless::", "AWS::Lambda::")
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
            for path in schema.get("createOnlyProperties", []):
                value = text(resource["Properties"].get(path.split("/")[2], ""))
                for parameter in TEMPLATE["Parameters"]:
                    with self.subTest(resource=name, path=path, parameter=parameter):
                        self.assertNotIn(f'"{parameter}"', value)
                        self.assertNotIn(f"${{{parameter}}}", value)

    def test_the_table_and_a_log_that_is_to_be_kept_outlive_the_stack(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            with self.subTest(resource=name):
                stays = name in ("Table", "KeptLogGroup")
                self.assertEqual(
                    resource.get("DeletionPolicy"), "RetainExceptOnCreate" if stays else None
                )
                self.assertEqual(resource.get("UpdateReplacePolicy"), "Retain" if stays else None)

    def test_the_two_log_groups_differ_in_what_a_deletion_does_alone(self) -> None:
        resources, conditions = TEMPLATE["Resources"], TEMPLATE["Conditions"]
        usual, kept = resources["LogGroup"], resources["KeptLogGroup"]
        self.assertEqual(usual["Properties"], kept["Properties"])
        for group, value in ((usual, "new"), (kept, "kept")):
            self.assertEqual(
                conditions[group["Condition"]], {"Fn::Equals": [{"Ref": "LogGroupIs"}, value]}
            )
        name = {"Fn::Sub": "/aws/lambda/${AWS::StackName}"}
        self.assertEqual(usual["Properties"]["LogGroupName"], name)
        # The function waits for whichever is made, and writes to that name if none is.
        self.assertEqual(
            resources["Function"]["Properties"]["LoggingConfig"]["LogGroup"],
            {
                "Fn::If": [
                    "MakesLogGroup",
                    {"Ref": "LogGroup"},
                    {"Fn::If": ["MakesKeptLogGroup", {"Ref": "KeptLogGroup"}, name]},
                ]
            },
        )
        self.assertEqual(TEMPLATE["Outputs"]["LogGroupName"]["Value"], name)

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
        # What is a part of the function is named within it.
        parts = ("AWS::Lambda::Alias", "AWS::Lambda::Permission")
        for template in (TEMPLATE, SITE_TEMPLATE):
            for name, resource in template["Resources"].items():
                if resource["Type"] in parts:
                    continue
                for key in NAMES & set(resource["Properties"]):
                    with self.subTest(resource=name, property=key):
                        self.assertIn("AWS::StackName", text(resource["Properties"][key]))

    def test_everything_that_takes_tags_has_the_sites(self) -> None:
        for name, resource in TEMPLATE["Resources"].items():
            if resource["Type"] not in UNTAGGABLE:
                with self.subTest(resource=name):
                    self.assertIn('"Site"', text(resource["Properties"].get("Tags", "")))


class Console(unittest.TestCase):
    """Who may see the console of another account's dashboards."""

    def test_another_account_may_invoke_nothing_unless_it_is_named_and_only_the_alias_by_itself(
        self,
    ) -> None:
        permissions = {
            name: resource
            for name, resource in TEMPLATE["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Permission"
        }
        given = {
            name: (one["Condition"], one["Properties"]["FunctionName"])
            for name, one in permissions.items()
        }
        self.assertEqual(
            given,
            {
                "ConsoleLooks": ("LetsConsoleLook", {"Ref": "LookAlias"}),
                "ConsoleActs": ("LetsConsoleAct", {"Fn::GetAtt": ["Function", "Arn"]}),
            },
        )
        for one in permissions.values():
            self.assertEqual(one["Properties"]["Principal"], {"Ref": "ConsoleAccount"})
            self.assertEqual(one["Properties"]["Action"], "lambda:InvokeFunction")
        conditions = TEMPLATE["Conditions"]
        unset = {"Fn::Equals": [{"Ref": "ConsoleAccount"}, ""]}
        self.assertEqual(conditions["LetsConsoleLook"], {"Fn::Not": [unset]})
        acts = {"Fn::Equals": [{"Ref": "ConsoleMay"}, "act"]}
        looks = {"Condition": "LetsConsoleLook"}
        self.assertEqual(conditions["LetsConsoleAct"], {"Fn::And": [looks, acts]})


class Operations(unittest.TestCase):
    """Who hears of what goes wrong."""

    def test_every_alarm_reaches_the_chosen_topic_and_is_on_the_dashboard(self) -> None:
        dashboard = text(TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"])
        chosen = {
            "Fn::If": [
                "AlarmsWithReports",
                {"Ref": "Topic"},
                {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmsTo"}]},
            ]
        }
        self.assertEqual(TEMPLATE["Outputs"]["AlarmTopicArn"]["Value"], chosen)
        self.assertEqual(len(ALARMS), 10)
        for name, alarm in ALARMS.items():
            with self.subTest(alarm=name):
                self.assertEqual(alarm["AlarmActions"], [chosen])
                self.assertIn(alarm.get("OKActions"), (None, [chosen]))
                self.assertIn(f"${{{name}.Arn}}", dashboard)

    def test_what_gets_lost_on_the_way_is_an_alarm(self) -> None:
        function = ("FunctionName", {"Ref": "Function"})
        group = ("ScheduleGroup", {"Ref": "Group"})
        for name, namespace, metric, (dimension, value) in (
            ("DroppedEventAlarm", "AWS/Lambda", "AsyncEventsDropped", function),
            ("LostDeadLetterAlarm", "AWS/Lambda", "DestinationDeliveryFailures", function),
            ("ScheduleErrorAlarm", "AWS/Scheduler", "TargetErrorCount", group),
            ("ScheduleDroppedAlarm", "AWS/Scheduler", "InvocationDroppedCount", group),
            (
                "UndeliveredReportAlarm",
                "AWS/SNS",
                "NumberOfNotificationsFailed",
                ("TopicName", {"Fn::GetAtt": ["Topic", "TopicName"]}),
            ),
        ):
            alarm = ALARMS[name]
            with self.subTest(alarm=name):
                self.assertEqual((alarm["Namespace"], alarm["MetricName"]), (namespace, metric))
                self.assertEqual(alarm["Dimensions"], [{"Name": dimension, "Value": value}])
                self.assertEqual((alarm["Statistic"], alarm["Threshold"]), ("Sum", 0))

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

    def test_the_dashboard_shows_metrics_that_exist(self) -> None:
        body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = json.loads(re.sub(r"\$\{([^}]+)\}", r"<\1>", body))["widgets"]
        self.assertEqual(len(widgets), 6)
        shown = {
            metric
            for widget in widgets
            for metric in resolved(widget["properties"].get("metrics", []))
        }
        ours = ("Stack", "<AWS::StackName>")
        function = ("FunctionName", "<Function>")
        self.assertEqual(
            shown,
            {("MaintenanceWindow", name, *ours) for name in FIGURES - {"MaintenanceActive"}}
            | {("AWS/Lambda", name, *function) for name in ("Invocations", "Errors", "Throttles")}
            | {
                (
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    "QueueName",
                    "<DeadLetterQueue.QueueName>",
                )
            },
        )
        # The one figure with a dimension whose values nobody knows beforehand is searched for.
        self.assertIn('MetricName=\\"MaintenanceActive\\"', body)

    def test_the_dashboard_begins_with_the_console_and_nothing_overlaps(self) -> None:
        body = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = json.loads(re.sub(r"\$\{([^}]+)\}", r"<\1>", body))["widgets"]
        console, alarms = widgets[:2]
        self.assertEqual((console["type"], console["x"], console["y"]), ("custom", 0, 0))
        self.assertEqual(console["properties"]["endpoint"], "<Function.Arn>")
        self.assertEqual((alarms["type"], alarms["x"], alarms["y"]), ("alarm", console["width"], 0))
        taken = [
            (x, y)
            for one in widgets
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        ]
        self.assertEqual(len(taken), len(set(taken)))
        self.assertEqual(max(x for x, _ in taken), 23)

    def test_the_figures_are_those_that_the_function_writes(self) -> None:
        sources = [*(PROJECT / "src").rglob("*.rs")]
        written = "\n".join(source.read_text(encoding="utf-8") for source in sources)
        for figure in FIGURES:
            with self.subTest(figure=figure):
                self.assertIn(f'"{figure}"', written)

    def test_the_outputs_tell_the_version_and_the_console(self) -> None:
        cargo = tomllib.loads((PROJECT / "Cargo.toml").read_text(encoding="utf-8"))
        outputs = TEMPLATE["Outputs"]
        self.assertEqual(outputs["Version"]["Value"], cargo["package"]["version"])
        for name, page in (("FunctionConsole", "/lambda/"), ("DashboardConsole", "/cloudwatch/")):
            link, values = outputs[name]["Value"]["Fn::Sub"]
            with self.subTest(output=name):
                self.assertTrue(link.startswith(f"https://${{Console}}{page}home?region="))
                for host in ("aws.amazon.com", "amazonaws.cn", "amazonaws-us-gov.com"):
                    self.assertIn(f'"console.{host}"', text(values))

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
