"""A stack's life with a window in it: updated, protected, deleted, deployed again, taken down."""

import dataclasses
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.exceptions

from account.undeploy import RefusedError, undeploy
from rehearsal import drill, permissions
from rehearsal.deployment import deploy
from rehearsal.options import PROJECT

WAIT = {"Delay": 1, "MaxAttempts": 60}

Claim = tuple[str, list[str]]


def prove(site: drill.Site, bootstrap: Path) -> Iterator[Claim]:
    """Claims, each with what was found against it; the stack is gone afterwards."""
    before = site.rule()
    yield from refused_while_booked(site)
    site.invoke(action="on", id=drill.NOW, duration="PT10M")
    demanded = header_values(site)
    site = redeploy(
        site,
        bootstrap,
        BypassHeaderValue=secrets.token_hex(24),
        LogRetentionDays="30",
        HistoryDays="30",
        MaxDuration="PT12H",
        Tracing="Active",
    )
    yield from updated(site, demanded)
    yield from protected(site)

    booked, wake_ups = site.windows(), site.wake_ups()
    site.aws.client("cloudformation").delete_stack(StackName=site.stack)
    gone = site.aws.client("cloudformation").get_waiter("stack_delete_complete")
    gone.wait(StackName=site.stack, WaiterConfig=WAIT)
    found = [] if site.windows() == booked else [f"the table holds {site.windows()}"]
    if site.stack in groups(site):
        found.append("its schedule group is left, with the wake-ups in it")
    yield "a stack deleted all the same leaves its windows in the table", found

    site = redeploy(site, bootstrap, edit=with_another_role, TableIs="left")
    yield from taken_up(site, wake_ups, before)
    yield from taken_down(site, bootstrap)


def refused_while_booked(site: drill.Site) -> Iterator[Claim]:
    """One window for later, which stays."""
    site.invoke(action="book", id=drill.LATER, start=drill.soon(1), duration="PT1H")
    yield "a stack is not taken down while a window is booked", refusal(site, drill.LATER)


def updated(site: drill.Site, demanded: list[str]) -> Iterator[Claim]:
    """After an update that changed the bypass value, among others."""
    found = [] if f"window#{drill.NOW}" in site.windows() else ["the window is gone"]
    swept = site.invoke(action="sweep")
    if swept.failed or not site.in_maintenance():
        found.append(f"the site is no longer in maintenance: {swept.text}")
    if header_values(site) == demanded:
        found.append("the rule still takes the old bypass value")
    yield "an update during a window keeps it, and its rule follows the new bypass value", found


def protected(site: drill.Site) -> Iterator[Claim]:
    """Two ways to take down a stack by a slip; afterwards AWS's own protection is off."""
    cloudformation = site.aws.client("cloudformation")
    protect = cloudformation.update_termination_protection
    protect(StackName=site.stack, EnableTerminationProtection=True)
    try:
        cloudformation.delete_stack(StackName=site.stack)
    except botocore.exceptions.ClientError:
        found = []
    else:
        found = ["it was accepted"]
    yield "a protected stack is not deleted by a slip", found
    try:
        site.aws.client("dynamodb").delete_table(TableName=site.deployment.table)
    except botocore.exceptions.ClientError:
        found = []
    else:
        found = ["it was accepted"]
    yield "nor is its table", found
    yield "a stack is not taken down during a window", refusal(site, "in maintenance")
    protect(StackName=site.stack, EnableTerminationProtection=False)


def taken_up(site: drill.Site, wake_ups: list[str], before: dict[str, object]) -> Iterator[Claim]:
    """Deployed again over its table, under another role for Scheduler."""
    known = site.invoke(action="status")
    found = [
        f"{window} is forgotten: {known.text}"
        for window in (drill.NOW, drill.LATER)
        if window not in known.text
    ]
    swept = site.invoke(action="sweep")
    if swept.failed or not site.in_maintenance():
        found.append(f"the site is no longer in maintenance: {swept.text}")
    # The end of a wake-up's name tells its role.
    booked = [[name.rsplit("-", 1)[0] for name in names] for names in (wake_ups, site.wake_ups())]
    if booked[0] != booked[1]:
        found.append(f"of the wake-ups {wake_ups} there are {site.wake_ups()}")
    scheduler, group = site.aws.client("scheduler"), site.deployment.schedule_group
    sweeps = scheduler.get_schedule(GroupName=group, Name=f"{site.stack}-sweep")
    for name in site.wake_ups():
        role = scheduler.get_schedule(GroupName=group, Name=name)["Target"]["RoleArn"]
        if role != sweeps["Target"]["RoleArn"]:
            found.append(f"{name} is to be woken by {role}")
    yield "deployed again, it takes up its windows, and their wake-ups are booked anew", found

    ended = site.invoke(action="off", id=drill.NOW)
    found = []
    if ended.failed or site.rule() != before:
        found.append(f"the rule is not as it was: {ended.text}")
    if site.windows() != [f"window#{drill.LATER}"]:
        found.append(f"the table holds {site.windows()}")
    yield "and reopens the site exactly", found


def taken_down(site: drill.Site, bootstrap: Path) -> Iterator[Claim]:
    """First with the history left, then without a trace."""
    site.invoke(action="cancel", id=drill.LATER)
    history = site.history()
    found = [] if undeploy(site.aws.client, site.stack, WAIT) else ["it says that nothing is left"]
    if site.history() != history:
        found.append("the history is not as it was")
    if traces(site) != [f"table {site.deployment.table}"]:
        found.append(f"left are {traces(site)}")
    yield "taken down, it leaves its table with the history, and nothing else", found

    site = redeploy(site, bootstrap, TableIs="left")
    told = site.invoke(action="history")
    found = [] if not told.failed and drill.NOW in told.text else [told.text]
    yield "deployed over that table once more, it tells the history", found

    undeploy(site.aws.client, site.stack, WAIT, history="delete")
    yield "and is taken down without a trace", [f"{one} is left" for one in traces(site)]


def refusal(site: drill.Site, why: str) -> list[str]:
    """What is wrong with how taking the stack down is refused."""
    try:
        undeploy(site.aws.client, site.stack, WAIT, history="delete")
    except RefusedError as refused:
        found = [] if why in str(refused) else [str(refused)]
    else:
        found = ["it was taken down"]
    if site.invoke(action="status").failed:
        found.append("the function is gone")
    return found


def redeploy(
    site: drill.Site, bootstrap: Path, edit: Callable[[str], str] = str, **changes: str
) -> drill.Site:
    """The site with its stack deployed anew, its role as wide as the local AWS needs it."""
    given = site.parameters | changes
    deployed = deploy(site.aws, PROJECT, bootstrap, given, site.stack, edit)
    site = dataclasses.replace(site, deployment=deployed, parameters=given)
    permissions.widen(site.aws, deployed.function_role)
    return site


def with_another_role(template: str) -> str:
    """The template with Scheduler's role under another logical name.

    AWS gives a role another name each time it is made; the local AWS makes the same one of the same
    logical name.
    """
    return re.sub(r"\bSchedulerRole\b", "SchedulerRoleMadeAnew", template)


def header_values(site: drill.Site) -> list[str]:
    """The values of headers that the rule takes now."""
    rules = site.aws.client("elbv2").describe_rules(RuleArns=[site.balancer.rule_arn])["Rules"]
    return [
        value
        for condition in rules[0]["Conditions"]
        for value in condition.get("HttpHeaderConfig", {}).get("Values", [])
    ]


def groups(site: drill.Site) -> list[str]:
    """The names of all schedule groups."""
    found = site.aws.client("scheduler").list_schedule_groups()["ScheduleGroups"]
    return [group["Name"] for group in found]


def traces(site: drill.Site) -> list[str]:
    """All that the stack made and that is still there."""
    client = site.aws.client
    functions = client("lambda").list_functions()["Functions"]
    roles = client("iam").list_roles()["Roles"]
    topics = client("sns").list_topics()["Topics"]
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{site.stack}-")
    logs = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    names = {
        "schedule group": groups(site),
        "table": client("dynamodb").list_tables()["TableNames"],
        "function": [function["FunctionName"] for function in functions],
        "role": [role["RoleName"] for role in roles],
        "topic": [topic["TopicArn"].rpartition(":")[2] for topic in topics],
        "alarm": [alarm["AlarmName"] for alarm in alarms["MetricAlarms"]],
        "log group": [group["logGroupName"].rpartition("/")[2] for group in logs],
    }
    return [
        f"{kind} {name}"
        for kind, found in names.items()
        for name in found
        if name == site.stack or name.startswith(f"{site.stack}-")
    ]
