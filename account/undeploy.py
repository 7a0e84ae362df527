"""Takes a stack down, unless that would strand a site in maintenance.

`python -m account.undeploy STACK` refuses while a window is booked or active or a rule is in
maintenance; then it deletes the stack, and after it the schedule group that the stack leaves.
"""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import botocore.exceptions

# An account is asked for slowly; deleting the stack takes a minute or two.
WAIT = {"Delay": 5, "MaxAttempts": 120}
# What a window leaves that was ended early; it goes by itself within hours.
TOMBSTONE = re.compile(r"\.over-\d+$")


class RefusedError(Exception):
    """Nothing was deleted, or not all of it, and why."""


def main() -> int:
    """Exit code 0 if everything is gone."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    # Only here, with the caller's own settings: the tests bring clients of their own.
    import boto3

    try:
        undeploy(boto3.client, sys.argv[1], WAIT)
    except RefusedError as refused:
        print(f"Refused: {refused}.", file=sys.stderr)
        return 1
    print(f"{sys.argv[1]} is gone.")
    return 0


def undeploy(client: Callable[[str], Any], stack: str, wait: dict[str, int]) -> None:
    """Deletes the stack and its group, or raises `RefusedError`."""
    cloudformation = client("cloudformation")
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for output in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    }
    group = outputs["ScheduleGroup"]
    refuse_if_needed(client, outputs["FunctionName"], group)

    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=wait)
    # Looked at again: someone may have booked a window while the stack was going.
    left = schedules(client, group)
    if left:
        raise RefusedError(
            f"the stack is gone, but its group {group} still holds {', '.join(left)}; deploy the "
            "stack again with WindowGroupIs=left, or reopen the rules by hand"
        )
    client("scheduler").delete_schedule_group(Name=group)


def refuse_if_needed(client: Callable[[str], Any], function: str, group: str) -> None:
    """Raises `RefusedError` while the function has anything to look after."""
    answer = client("lambda").invoke(
        FunctionName=function, Payload=json.dumps({"action": "status"}).encode()
    )
    text = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise RefusedError(f"the function cannot say how things stand: {text}")
    status = json.loads(text)
    dark = [rule["arn"] for rule in status["rules"] if rule["state"] == "header_only"]
    if dark:
        raise RefusedError(
            f"these rules are in maintenance: {', '.join(dark)}; end it with " + '{"action":"off"}'
        )
    booked = schedules(client, group)
    if booked:
        raise RefusedError(
            f"the group {group} still holds {', '.join(booked)}; cancel those windows first"
        )


def schedules(client: Callable[[str], Any], group: str) -> list[str]:
    """The names of a group's schedules, but for tombstones: those go with the group."""
    pages = client("scheduler").get_paginator("list_schedules").paginate(GroupName=group)
    try:
        names = [schedule["Name"] for page in pages for schedule in page["Schedules"]]
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return [name for name in names if not TOMBSTONE.search(name)]


if __name__ == "__main__":
    sys.exit(main())
