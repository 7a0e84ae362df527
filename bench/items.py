"""How large an item of the table is, and how large it were with its contents as one JSON string."""

import json
from decimal import Decimal

# An attribute's value as DynamoDB's API has it, such as `{"S": "bench"}`, and an item of them.
Value = dict
Item = dict[str, Value]

# What a condition, an update or the table's TTL must be able to name, so it is no part of the JSON.
NAMED = {
    "scope",
    "id",
    "uid",
    "version",
    "revision",
    "expires",
    "told",
    "wakeups",
    "started_at",
    "reopened_at",
}


def size(item: Item) -> int:
    """The bytes of an item by the developer guide, "DynamoDB item sizes and formats"."""
    return sum(len(name.encode()) + size_of_value(value) for name, value in item.items())


def size_of_value(value: Value) -> int:
    """The bytes of a value without its name. The guide is silent on sets: their members' bytes."""
    [(kind, held)] = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            digits = Decimal(held).normalize().as_tuple().digits
            return (len(digits) + 1) // 2 + 1
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(member.encode()) for member in held)
        case "L":
            return 3 + sum(1 + size_of_value(member) for member in held)
        case "M":
            return 3 + size(held) + len(held)
    raise ValueError(f"no attribute of the function is of the type {kind}")


def as_json(item: Item) -> Item:
    """The item with all that need not be an attribute in one string."""
    named = {name: value for name, value in item.items() if name in NAMED}
    rest = {name: plain(value) for name, value in item.items() if name not in NAMED}
    text = json.dumps(rest, separators=(",", ":"), ensure_ascii=False)
    return {**named, "json": {"S": text}}


def plain(value: Value) -> object:
    """A value without DynamoDB's types around it."""
    [(kind, held)] = value.items()
    match kind:
        case "N":
            number = Decimal(held)
            return int(number) if number == number.to_integral_value() else float(number)
        case "NULL":
            return None
        case "L":
            return [plain(member) for member in held]
        case "M":
            return {name: plain(member) for name, member in held.items()}
    return held
