"""Takes a stack down, unless a window would lose the function that ends it.

`python -m account.undeploy STACK` refuses while a window or a series is in the table, a rule is in
maintenance, or alarms may still be muted. The table stays, with the history; `--history delete`
deletes it as well.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import botocore.exceptions

from account import RefusedError, session, table
from account.function import ask

# An account is asked for slowly; deleting the stack takes a minute or two.
WAIT = {"Delay": 5, "MaxAttempts": 120}
# How a rule may stand when the function that would reopen it goes, unless it keeps visitors out.
HARMLESS = ("open", "missing", "unsupported")
# How the site stands while a rule keeps visitors out.
CLOSED = ("maintenance", "mixed", "maintenance_unplanned")


def main() -> int:
    """Exit code 0 if all that should go is gone."""
    parser = argparse.ArgumentParser(
        prog="account.undeploy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stack", help="the stack's name")
    parser.add_argument(
        "--history",
        choices=("keep", "delete"),
        default="keep",
        help="whether the table stays with the history (default: keep)",
    )
    given = parser.parse_args()
    if not given.stack:
        parser.error("give the stack's name, with make as STACK=name")
    try:
        kept = undeploy(session().client, given.stack, WAIT, history=given.history)
    except RefusedError as refused:
        print(f"Refused: {'; '.join(refused.problems)}.", file=sys.stderr)
        return 1
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        print(f"Failed: {error} The stack's events tell how far it came.", file=sys.stderr)
        return 1
    print(farewell(given.stack, kept))
    return 0


def farewell(stack: str, kept: str | None) -> str:
    """What is gone, what stays, and how to go on from there."""
    if kept is None:
        return f"{stack} is gone, and its table with the history."
    return (
        f"{stack} is gone. Its table {kept} stays, with the history. To deploy the stack again "
        "over it, give the parameter TableIs=left; docs/RUNBOOK.md says how to delete it."
    )


def undeploy(
    client: Callable[[str], Any], stack: str, wait: dict[str, int], *, history: str = "keep"
) -> str | None:
    """Deletes the stack, or raises `RefusedError`; returns the table's name if that stays."""
    cloudformation = client("cloudformation")
    try:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except botocore.exceptions.ClientError as error:
        raise RefusedError(f"the stack cannot be looked at: {error}") from error
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
    if not {"FunctionName", "TableName"} <= outputs.keys():
        raise RefusedError(f"{stack} is not a stack of this project, or of an older version of it")
    parameters = {
        one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])
    }
    name = outputs["TableName"]
    refuse_while_closed(client, outputs["FunctionName"], parameters["RuleArns"].split(","))
    refuse_while_booked(client, name, "cancel or end them first")
    muting = table.still_muting(client("dynamodb"), name)
    if muting:
        raise RefusedError(
            f"alarms that {', '.join(muting)} muted may still be muted: the function hands them "
            "back some minutes after a window's end; wait for that, or see what `check` says"
        )

    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=wait)
    # Looked at again: someone may have booked a window while the stack was going.
    refuse_while_booked(
        client,
        name,
        "the stack is gone: deploy it again with TableIs=left, or reopen the rules by hand",
    )
    if history == "keep":
        return name
    table.delete(client("dynamodb"), name, wait)
    return None


def refuse_while_closed(client: Callable[[str], Any], function: str, rules: list[str]) -> None:
    """Raises `RefusedError` unless the function sees each rule, and none of them in maintenance."""
    text, failed = ask(client, function, "status")
    if failed:
        raise RefusedError(f"the function cannot say how things stand: {text}")
    status = json.loads(text)
    states = {rule["arn"]: rule["state"] for rule in status.get("rules", [])}
    closed = [arn for arn, state in states.items() if state == "closed"]
    if closed:
        raise RefusedError(
            f'these rules are in maintenance: {", ".join(closed)}; end it with {{"action":"off"}}'
        )
    # An unsupported rule may be closed too, which the site's state tells.
    if status.get("site") in CLOSED:
        raise RefusedError(f"a rule keeps visitors out: {status['message']}")
    # A status that could not read the rules lists none, which does not mean that all are open.
    unseen = [arn.strip() for arn in rules if states.get(arn.strip()) not in HARMLESS]
    if unseen:
        raise RefusedError(f"nobody knows how these rules stand: {', '.join(unseen)}: {text}")


def refuse_while_booked(client: Callable[[str], Any], name: str, remedy: str) -> None:
    """Raises `RefusedError` while a window or a series is not over."""
    held = table.current(client("dynamodb"), name)
    if held:
        shown = ", ".join(one.replace("#", " ") for one in held)
        raise RefusedError(f"the table {name} still holds {shown}; {remedy}")


if __name__ == "__main__":
    sys.exit(main())
