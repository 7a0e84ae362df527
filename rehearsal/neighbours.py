"""Two stacks in one account and Region: neither notices the other."""

from collections.abc import Iterator

from rehearsal import drill
from rehearsal.permissions import POLICY, listed
from rehearsal.reports import Mailbox


def prove(ours: drill.Site, theirs: drill.Site) -> Iterator[tuple[str, list[str]]]:
    """Claims, each with what was found against it."""
    before = theirs.rule()
    with (
        Mailbox(ours.aws, ours.deployment.topic_arn) as our_mail,
        Mailbox(theirs.aws, theirs.deployment.topic_arn) as their_mail,
    ):
        yield "a stack that is given every option can use each", unusable(theirs)

        started = ours.invoke(action="on", id=drill.NOW, duration="PT10M")
        theirs.invoke(action="sweep")
        status = theirs.invoke(action="status")
        found = []
        if started.failed or not ours.in_maintenance():
            found.append(f"it is not in maintenance: {started.text}")
        if theirs.rule() != before:
            found.append("the other stack's rule was changed")
        if theirs.windows() or theirs.wake_ups() or drill.NOW in status.text:
            found.append(f"the other stack knows of the window: {status.text}")
        if theirs.visitors_file() is not None:
            found.append("the other site's visitors were told of it")
        yield "a window of one stack is none of the other's", found

        refused = theirs.invoke(action="on", duration="PT10M", rules=[ours.balancer.rule_arn])
        yield (
            "a stack refuses another's rule",
            [] if refused.failed and "InvalidEvent" in refused.text else [refused.text],
        )

        theirs.invoke(action="on", id=drill.LATER, duration="PT10M")
        ended = ours.invoke(action="off")
        found = []
        if ended.failed or ours.in_maintenance():
            found.append(f"it is still in maintenance: {ended.text}")
        if not theirs.in_maintenance() or not theirs.windows():
            found.append("the other stack's window ended too")
        yield "ending one stack's windows leaves the other's alone", found

        theirs.invoke(action="off")
        found = []
        if theirs.rule() != before:
            found.append("the other stack's rule is not as it was")
        our_mail.wait_for("completed")
        their_mail.wait_for("completed")
        for mailbox, foreign in ((our_mail, drill.LATER), (their_mail, drill.NOW)):
            bodies = [report.body for report in mailbox.reports()]
            if not bodies:
                found.append("a stack reported nothing")
            found += [f"it reported the other's: {body}" for body in bodies if foreign in body]
        yield "each stack reports its own windows to its own topic", found

    found = [
        f"{resource} is granted to both"
        for resource in granted(ours) & granted(theirs)
        if resource != "*"
    ]
    yield "no permission of one stack names anything of the other's", found


def unusable(site: drill.Site) -> list[str]:
    """What the function says of its settings, which it names as Lambda has them."""
    function = site.aws.client("lambda").get_function_configuration(FunctionName=site.stack)
    said = site.invoke(action="check")
    settings = function["Environment"]["Variables"]
    if said.failed or any(name in said.text for name in settings):
        return [said.text]
    return []


def granted(site: drill.Site) -> set[str]:
    """Every resource that the function's role names."""
    policy = site.aws.client("iam").get_role_policy(
        RoleName=site.deployment.function_role, PolicyName=POLICY
    )["PolicyDocument"]
    return {
        resource for statement in policy["Statement"] for resource in listed(statement["Resource"])
    }
