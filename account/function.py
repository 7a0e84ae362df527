"""The function, asked by an event."""

import json
from collections.abc import Callable
from typing import Any


def ask(client: Callable[[str], Any], name: str, action: str) -> tuple[str, bool]:
    """What the function answers to an action, as it came, and whether it failed."""
    answer = client("lambda").invoke(
        FunctionName=name, Payload=json.dumps({"action": action}).encode()
    )
    return answer["Payload"].read().decode(), "FunctionError" in answer
