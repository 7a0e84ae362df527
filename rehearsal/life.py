"""A stack's life with a window in it: updated, protected, deleted, deployed again, taken down."""

import dataclasses
import secrets
from collections.abc import Iterator
from pathlib import Path

import botocore.exceptions

from account.undeploy import RefusedError, undeploy
from rehearsal import drill, permissions
from rehearsal.deployment import deploy
from rehearsal.options import PROJECT

WAIT = {"Delay": 1, "MaxAttempts": 60}


def prove(site: drill.Site, bootstrap: Path) -> Iterator[tuple[str, list[str]]]:
    """Claims, each with what was found against it; the stack is gone afterwards."""
    cloudformation = site.aws.client("cloudformation")
    before = site.rule()

    site.invoke(action="on", id=drill.NOW, duration="PT10M")
    demanded = header_values(site)
    site = redeploy(
        site,
        bootstrap,
        BypassHeaderValue=secrets.token_hex(24),
        LogRetentionDays="30",
        MaxDuration="PT12H",
        Tracing="Active",
    )
    found = [] if site.schedules() else ["the window's record is gone"]
    swept = site.invoke(action="sweep")
    if swept.failed or not site.in_maintenance():
        found.append(f"the site is no longer in maintenance: {swept.text}")
    if header_values(site) == demanded:
        found.append("the rule still takes the old bypass value")
    yield "an update during a window keeps it, and its rule follows the new bypass value", found

    cloudformation.update_termination_protection(
        StackName=site.stack, EnableTerminationProtection=True
    )
    try:
        cloudformation.delete_stack(StackName=site.stack)
    except botocore.exceptions.ClientError:
        found = []
    else:
        found = ["it was accepted"]
    yield "a protected stack is not deleted by a slip", found

    try:
        undeploy(site.aws.client, site.stack, WAIT)
    except RefusedError as refused:
        found = [] if "in maintenance" in str(refused) else [str(refused)]
    else:
        found = ["it was taken down"]
    if site.invoke(action="status").failed:
        found.append("the function is gone")
    yield "a stack is not taken down during a window", found

    cloudformation.update_termination_protection(
        StackName=site.stack, EnableTerminationProtection=False
    )
    cloudformation.delete_stack(StackName=site.stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=site.stack, WaiterConfig=WAIT)
    found = [] if site.schedules() else ["the records are gone"]
    yield "a stack deleted all the same leaves its windows' records", found

    site = redeploy(site, bootstrap, WindowGroupIs="left")
    known = site.invoke(action="status")
    found = [] if drill.NOW in known.text else [f"the window is forgotten: {known.text}"]
    ended = site.invoke(action="off")
    if ended.failed or site.rule() != before:
        found.append(f"the rule is not as it was: {ended.text}")
    yield "deployed again, it takes up its windows and reopens the site exactly", found

    undeploy(site.aws.client, site.stack, WAIT)
    groups = site.aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]
    left = [group["Name"] for group in groups if group["Name"].startswith(site.stack)]
    yield "and is taken down without a trace", [f"{name} is left" for name in left]


def redeploy(site: drill.Site, bootstrap: Path, **changes: str) -> drill.Site:
    """The site with its stack deployed anew, its role as wide as the local AWS needs it."""
    given = site.parameters | changes
    deployed = deploy(site.aws, PROJECT, bootstrap, given, site.stack)
    site = dataclasses.replace(site, deployment=deployed, parameters=given)
    permissions.widen(site.aws, deployed.function_role)
    return site


def header_values(site: drill.Site) -> list[str]:
    """The values of headers that the rule takes now."""
    rules = site.aws.client("elbv2").describe_rules(RuleArns=[site.balancer.rule_arn])["Rules"]
    return [
        value
        for condition in rules[0]["Conditions"]
        for value in condition.get("HttpHeaderConfig", {}).get("Values", [])
    ]
