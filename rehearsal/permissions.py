"""Every permission of the function, proven both ways.

With what template.yaml grants, the drill succeeds; without any one action of it, the drill fails,
and says that it was for want of that action.
"""

import json
from collections.abc import Iterator
from typing import Any

from rehearsal import drill, night
from rehearsal.local_aws import LocalAws

POLICY = "maintenance"
# Services whose resources the local AWS does not tell apart as AWS does: it matches no listener
# rule, and takes every schedule to be in the group "default".
WIDENED = frozenset({"elasticloadbalancing", "scheduler"})
# What AWS does in the role's name by itself; the local AWS asks nobody before it does the same.
# test_template.py holds these to AWS's own rules instead.
ON_BEHALF = frozenset(
    {
        "iam:PassRole",
        "sqs:SendMessage",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "kms:GenerateDataKey*",
        "kms:Decrypt",
    }
)
# What the local AWS has nothing like, or what is asked only once a drill is over: it knows no mute
# rules, no drill mutes alarms, and visitors are counted five minutes after a window's end. The
# suite's own world refuses these, and test_template.py holds them to AWS's own tables.
NOT_IN_A_DRILL = frozenset(
    {
        "cloudwatch:PutAlarmMuteRule",
        "cloudwatch:DeleteAlarmMuteRule",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricStatistics",
    }
)


def prove(site: drill.Site) -> Iterator[tuple[str, list[str]]]:
    """Claims, each with what was found against it."""
    iam = site.aws.client("iam")
    role = site.deployment.function_role
    granted = iam.get_role_policy(RoleName=role, PolicyName=POLICY)["PolicyDocument"]

    def allow(policy: dict[str, Any]) -> None:
        iam.put_role_policy(
            RoleName=role, PolicyName=POLICY, PolicyDocument=json.dumps(widened(policy))
        )

    allow(granted)
    yield "a window works with what the template grants", drill.run(site)
    for action in actions(granted):
        if action in ON_BEHALF | NOT_IN_A_DRILL:
            continue
        allow(without(granted, action))
        logged = len(night.read_log(site.aws, site.deployment.log_group))
        failures = drill.run(site)
        said = "\n".join(failures + night.read_log(site.aws, site.deployment.log_group)[logged:])
        found = []
        if not failures:
            found.append("it works all the same, so the permission is not needed")
        elif not names(said, action):
            found.append(f"it fails, but nothing names the action: {failures[0]}")
        allow(granted)
        site.forget()
        yield f"it fails without {action}", found
    yield "and works again with all of them", drill.run(site)


def names(said: str, action: str) -> bool:
    """Whether what was said puts it down to the action; S3 refuses without naming any."""
    return action in said or (action.startswith("s3:") and "S3 answered 403" in said)


def widen(aws: LocalAws, role: str) -> None:
    """Lets a function work here under its own role."""
    iam = aws.client("iam")
    name = {"RoleName": role, "PolicyName": POLICY}
    granted = iam.get_role_policy(**name)["PolicyDocument"]
    iam.put_role_policy(**name, PolicyDocument=json.dumps(widened(granted)))


def actions(policy: dict[str, Any]) -> list[str]:
    """Every action that a policy allows, in its order."""
    return [action for statement in policy["Statement"] for action in listed(statement["Action"])]


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """The policy with one action taken out."""
    statements = []
    for statement in policy["Statement"]:
        left = [one for one in listed(statement["Action"]) if one != action]
        if left:
            statements.append(statement | {"Action": left})
    return policy | {"Statement": statements}


def widened(policy: dict[str, Any]) -> dict[str, Any]:
    """The policy as the local AWS can apply it: the same actions, some of them on everything."""
    return policy | {
        "Statement": [
            statement | {"Resource": "*"}
            if {action.partition(":")[0] for action in listed(statement["Action"])} <= WIDENED
            else statement
            for statement in policy["Statement"]
        ]
    }


def listed(one_or_more: Any) -> list[str]:
    """IAM writes a list of one as its member."""
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)
