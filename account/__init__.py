"""What is done to a real account besides deploying: taking a stack down, looking at AWS itself.

Each tool takes its clients as an argument, so that the tests play it on the local AWS.
"""

import os
from typing import Any


class RefusedError(Exception):
    """Nothing went on, and why: every problem that was found, one in each entry."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def session() -> Any:
    """The caller's own session; raises `RefusedError` without a Region or credentials."""
    # Only here: the tests bring clients of their own.
    import boto3

    # boto3 does not read AWS_REGION, but AWS CLI 2 does, first: both have to mean one Region.
    made = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    missing = []
    if made.region_name is None:
        missing.append("expected a Region, found none; set AWS_REGION, or name one in your profile")
    if made.get_credentials() is None:
        missing.append("expected credentials, found none; try `aws sts get-caller-identity`")
    if missing:
        raise RefusedError(*missing)
    return made
