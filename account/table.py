"""The stack's table, read as plain values: what is booked, what rules had, what is over."""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

NOW, PAST = "now", "past"
# What keeps a stack from being taken down; saved rules and findings do not.
WINDOW, SERIES = "window#", "series#"
# What is left to do of a window that is over.
AFTER = "after#"


def items(dynamodb: Any, table: str, scope: str, prefix: str = "") -> list[dict[str, Any]]:
    """Every item of one scope whose id begins so, in the order of the ids."""
    question: dict[str, Any] = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "#scope = :scope",
        "ExpressionAttributeNames": {"#scope": "scope"},
        "ExpressionAttributeValues": {":scope": {"S": scope}},
    }
    if prefix:
        question["KeyConditionExpression"] += " AND begins_with(#id, :prefix)"
        question["ExpressionAttributeNames"]["#id"] = "id"
        question["ExpressionAttributeValues"][":prefix"] = {"S": prefix}
    pages = dynamodb.get_paginator("query").paginate(**question)
    return [plain(item) for page in pages for item in page["Items"]]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """An item without DynamoDB's types around its values."""
    read = TypeDeserializer()
    return {name: untyped(read.deserialize(value)) for name, value in item.items()}


def untyped(value: Any) -> Any:
    """A value that can be compared and printed: with Python's own numbers, and lists for sets."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set):
        return sorted(untyped(member) for member in value)
    if isinstance(value, list):
        return [untyped(member) for member in value]
    if isinstance(value, dict):
        return {name: untyped(member) for name, member in value.items()}
    return value


def current(dynamodb: Any, table: str) -> list[str]:
    """The ids of all windows and series that are not over, such as `window#database-move`."""
    return [
        item["id"] for prefix in (WINDOW, SERIES) for item in items(dynamodb, table, NOW, prefix)
    ]


def still_muting(dynamodb: Any, table: str) -> list[str]:
    """The names of windows that are over, and whose mute rules are still to be deleted."""
    return [
        one["id"].split("#")[1] for one in items(dynamodb, table, NOW, AFTER) if one.get("mutes")
    ]


def delete(dynamodb: Any, table: str, wait: dict[str, int]) -> None:
    """Deletes the table with all that it holds, its protection first."""
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    # The change takes a moment, and a table that is being changed cannot be deleted.
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig=wait)
    dynamodb.delete_table(TableName=table)
    dynamodb.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig=wait)
