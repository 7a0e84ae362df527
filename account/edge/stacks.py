"""One stack: how it stands, what an update would change in it, and the update itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions

from account import RefusedError
from account.edge.templates import Template

# It can be updated.
SETTLED = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
# What is left of a creation that failed: nothing is in it, and it has to go before the next.
REMAINS = "ROLLBACK_COMPLETE"
# What somebody has to decide first.
STUCK = {
    "REVIEW_IN_PROGRESS": (
        "somebody's change set waits there for its review and nothing is made yet; execute it, or "
        "delete it: aws cloudformation delete-stack --stack-name {name}"
    ),
    "CREATE_FAILED": (
        "its creation failed and what was made is still there; look at its events, then: "
        "aws cloudformation delete-stack --stack-name {name}"
    ),
    "ROLLBACK_FAILED": (
        "its creation failed and so did the removal; look at its events, then: "
        "aws cloudformation delete-stack --stack-name {name}"
    ),
    "DELETE_FAILED": (
        "somebody deleted it and that failed; look at its events, then: "
        "aws cloudformation delete-stack --stack-name {name}"
    ),
    "UPDATE_FAILED": (
        "an update failed and was not rolled back; "
        "aws cloudformation rollback-stack --stack-name {name}"
    ),
    "UPDATE_ROLLBACK_FAILED": (
        "an update failed and so did the way back; look at its events, mend what they name, then: "
        "aws cloudformation continue-update-rollback --stack-name {name}"
    ),
    "IMPORT_ROLLBACK_FAILED": "an import failed; look at its events and mend what they name",
}
BEGINNINGS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
# What CloudFormation tells of a parameter that is not shown.
NOT_SHOWN = "****"
# Every ten seconds, for an hour: a distribution takes some minutes.
LOOKS = 360


@dataclass(frozen=True)
class Stack:
    """A stack that is there."""

    name: str
    status: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether something is under way in it."""
        return self.status.endswith("_IN_PROGRESS") and self.status not in STUCK

    def problem(self) -> str | None:
        """Why nothing can be done with it now."""
        why = STUCK.get(self.status)
        return why and f"the stack {self.name} is {self.status}: {why.format(name=self.name)}"


@dataclass(frozen=True)
class Wanted:
    """What a stack should be; a parameter that is None keeps the value that the stack has."""

    name: str
    template: Template
    parameters: Mapping[str, str | None]
    capabilities: tuple[str, ...] = ()

    def request(self) -> dict[str, Any]:
        """What CloudFormation is asked for."""
        return {
            "StackName": self.name,
            "TemplateBody": self.template.body,
            "Parameters": [
                {"ParameterKey": name, "UsePreviousValue": True}
                if value is None
                else {"ParameterKey": name, "ParameterValue": value}
                for name, value in self.parameters.items()
            ],
            "Capabilities": list(self.capabilities),
        }


def look(cloudformation: Any, name: str) -> Stack | None:
    """The stack; None if there is none."""
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except botocore.exceptions.ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return Stack(
        name,
        found["StackStatus"],
        {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
        {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
    )


def changes(cloudformation: Any, stack: Stack, wanted: Wanted) -> list[str]:
    """What an update would change, in words; of a value that is not shown only that it is given."""
    told = []
    now = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")
    if now["TemplateBody"] != wanted.template.body:
        told.append("the template")
    for name, value in wanted.parameters.items():
        if value is None:
            continue
        before = stack.parameters.get(name)
        if not wanted.template.shows(name):
            # An empty one is shown as it is.
            if (before or "") != value:
                told.append(f"{name}, if it is another one")
        elif before != value:
            told.append(f"{name} from {before!r} to {value!r}")
    return told


def deploy(cloudformation: Any, wanted: Wanted, pause: Callable[[], None]) -> str:
    """Creates the stack, or updates it, and waits for it; returns what was done."""
    stack = look(cloudformation, wanted.name)
    if stack and stack.status == REMAINS:
        cloudformation.delete_stack(StackName=wanted.name)
        stack = settle(cloudformation, wanted.name, pause)
        if stack:
            raise RefusedError(
                f"the stack {wanted.name} should be gone and is {stack.status}: "
                + reasons(cloudformation, wanted.name)
            )
    if stack is None:
        cloudformation.create_stack(**wanted.request())
        done, good = "created", "CREATE_COMPLETE"
    else:
        if not changes(cloudformation, stack, wanted):
            return "already so"
        try:
            cloudformation.update_stack(**wanted.request())
        except botocore.exceptions.ClientError as error:
            if "No updates are to be performed" in error.response["Error"]["Message"]:
                return "already so"
            raise
        done, good = "updated", "UPDATE_COMPLETE"
    stack = settle(cloudformation, wanted.name, pause)
    if stack is None or stack.status != good:
        found = f"it is {stack.status}" if stack else "it is gone"
        raise RefusedError(
            f"the stack {wanted.name} should be {done}, and {found}: "
            f"{reasons(cloudformation, wanted.name)}; CloudFormation has undone its changes unless"
            " the status says otherwise"
        )
    return done


def settle(cloudformation: Any, name: str, pause: Callable[[], None]) -> Stack | None:
    """The stack once nothing is under way in it any more; None if it is gone then."""
    for _ in range(LOOKS):
        stack = look(cloudformation, name)
        if stack is None or not stack.busy:
            return stack
        pause()
    raise RefusedError(
        f"the stack {name} is still {stack.status} after an hour; look at its events"
    )


def reasons(cloudformation: Any, name: str) -> str:
    """Why resources failed, as far as CloudFormation says so."""
    try:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    except botocore.exceptions.ClientError as error:
        return f"its events cannot be read: {error}"
    why = []
    for event in events:
        what, reason = event["LogicalResourceId"], event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason:
            why.append(f"{what}: {reason or 'no reason given'}")
        # The newest come first; what lies before the last operation's beginning is old.
        if what == name and event["ResourceStatus"] in BEGINNINGS:
            break
    return "; ".join(reversed(why)) or "no event says why"
