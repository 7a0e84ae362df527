"""A DynamoDB table in memory: the calls and expressions that the function uses, and no others.

Whatever the function does not send today is refused, so that nothing is measured that DynamoDB
might refuse.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from bench.items import Item, Value, size

# A query ends its page once it holds this much.
PAGE_BYTES = 1024 * 1024
# What one transaction may hold.
TRANSACTION_MAX = 100
# What a request unit is good for, by the developer guide, "DynamoDB read and write operations".
READ_UNIT_BYTES, WRITE_UNIT_BYTES = 4096, 1024

PLACEHOLDERS = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
WRITE = {"TableName", "ConditionExpression"} | PLACEHOLDERS
FIELDS = {
    "Query": {
        "TableName",
        "ConsistentRead",
        "KeyConditionExpression",
        "Limit",
        "ScanIndexForward",
        "ExclusiveStartKey",
    }
    | PLACEHOLDERS,
    "GetItem": {"TableName", "Key", "ConsistentRead"},
    "PutItem": WRITE | {"Item"},
    "UpdateItem": WRITE | {"Key", "UpdateExpression"},
    "DeleteItem": WRITE | {"Key"},
    "TransactWriteItems": {"TransactItems", "ClientRequestToken"},
}
# The parts of a transaction, and the calls that do the same by themselves.
PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "DeleteItem",
}

EXISTS = re.compile(r"attribute_(not_)?exists\((#\w+)\)")
COMPARED = re.compile(r"(#\w+) ([=<]) (:\w+)")
ASSIGN = re.compile(r"(#\w+) = (?:if_not_exists\((#\w+), (:\w+)\)|(:\w+))")
SET = re.compile(rf"SET ({ASSIGN.pattern}(?:, {ASSIGN.pattern})*)")
ADDITION = re.compile(r"(#\w+) (:\w+)")
ADD = re.compile(rf"ADD ({ADDITION.pattern}(?:, {ADDITION.pattern})*)")
UPDATE = re.compile(rf"(?:{SET.pattern})?(?:(?:^| ){ADD.pattern})?")
BOUNDS = r"(#\w+) (?:>= (:\w+)|BETWEEN (:\w+) AND (:\w+))"
KEY = re.compile(rf"(#\w+) = (:\w+)(?: AND {BOUNDS})?")


class RefusedError(Exception):
    """What DynamoDB answers instead; `code` is its exception's name."""

    def __init__(self, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.answer = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
        self.answer.update(more)


def invalid(message: str) -> RefusedError:
    """A request that DynamoDB, or this table, does not take."""
    return RefusedError("ValidationException", message)


class Placeholders:
    """What `#names` and `:values` of a request stand for; each must be used."""

    def __init__(self, request: dict) -> None:
        self._names = request.get("ExpressionAttributeNames", {})
        self._values = request.get("ExpressionAttributeValues", {})
        self._unused = {*self._names, *self._values}

    def name(self, key: str) -> str:
        """The attribute that a `#name` stands for."""
        self._unused.discard(key)
        if key not in self._names:
            raise invalid(f"{key} stands for nothing")
        return self._names[key]

    def value(self, key: str) -> Value:
        """The value that a `:value` stands for."""
        self._unused.discard(key)
        if key not in self._values:
            raise invalid(f"{key} stands for nothing")
        return self._values[key]

    def all_used(self) -> None:
        """Refuses what DynamoDB refuses: a placeholder that no expression uses."""
        if self._unused:
            raise invalid(f"unused: {sorted(self._unused)}")


@dataclass
class Units:
    """Request units, which are what a table on demand costs."""

    reads: int = 0
    writes: int = 0


def units(length: int, unit: int) -> int:
    """The units for so many bytes; at least one, also where nothing is found."""
    return max(1, -(-length // unit))


@dataclass
class Table:
    """The items by scope and id, each with its size. An item is replaced, never changed."""

    items: dict[str, dict[str, tuple[Item, int]]] = field(default_factory=dict)
    # What the last call took.
    taken: Units = field(default_factory=Units)

    def copy(self) -> "Table":
        """The table as it is now; items are shared, since none is changed."""
        return Table({scope: dict(ids) for scope, ids in self.items.items()})

    def find(self, scope: str, item_id: str) -> Item | None:
        """One item."""
        found = self.items.get(scope, {}).get(item_id)
        return found[0] if found else None

    def put(self, item: Item) -> None:
        """Writes an item in place of the one with its key."""
        scope, item_id = place(item)
        if any(value.get("SS") == [] for value in item.values()):
            raise invalid("an empty set")
        self.items.setdefault(scope, {})[item_id] = (item, size(item))

    def call(self, action: str, request: dict) -> dict:
        """Answers a call."""
        known(action, request)
        self.taken = Units()
        match action:
            case "Query":
                return self._query(request)
            case "GetItem":
                if not request.get("ConsistentRead"):
                    raise invalid("the function reads consistently")
                found = self.find(*place(request["Key"]))
                self.taken.reads += units(size(found) if found else 0, READ_UNIT_BYTES)
                return {"Item": found} if found else {}
            case "TransactWriteItems":
                return self._transaction(request["TransactItems"])
        apply, holds, written = self._prepared(action, request)
        self.taken.writes += written
        if not holds:
            raise RefusedError("ConditionalCheckFailedException", "The conditional request failed")
        apply()
        return {}

    def _query(self, request: dict) -> dict:
        if not request.get("ConsistentRead"):
            raise invalid("the function reads consistently")
        asked = KEY.fullmatch(request["KeyConditionExpression"])
        if not asked:
            raise invalid(request["KeyConditionExpression"])
        placeholders = Placeholders(request)
        names = [placeholders.name(name) for name in asked.group(1, 3) if name]
        scope, *bounds = (placeholders.value(key)["S"] for key in asked.group(2, 4, 5, 6) if key)
        placeholders.all_used()
        limit = request.get("Limit")
        if (limit is not None and limit < 1) or bounds != sorted(bounds):
            raise invalid(f"limit {limit}, bounds {bounds}")
        if names != ["scope", "id"][: len(names)]:
            raise invalid(f"no keys: {names}")
        forward = request.get("ScanIndexForward", True)
        ids = self.items.get(scope, {})
        within = [i for i in ids if not bounds or bounds[0] <= i]
        covered = (i for i in within if len(bounds) < 2 or i <= bounds[1])
        asked_for = sorted(covered, reverse=not forward)
        if start := request.get("ExclusiveStartKey"):
            after = start["id"]["S"]
            asked_for = [i for i in asked_for if (i > after if forward else i < after)]
        answer, page, total = {}, [], 0
        for item_id in asked_for:
            item, length = ids[item_id]
            page.append(item)
            total += length
            # A page that its limit filled says so, whether or not anything follows.
            if len(page) == limit or (total >= PAGE_BYTES and len(page) < len(asked_for)):
                answer["LastEvaluatedKey"] = {"scope": item["scope"], "id": item["id"]}
                break
        self.taken.reads += units(total, READ_UNIT_BYTES)
        return {**answer, "Items": page, "Count": len(page)}

    def _transaction(self, parts: list[dict]) -> dict:
        if not 0 < len(parts) <= TRANSACTION_MAX:
            raise invalid(f"{len(parts)} parts")
        prepared, places = [], []
        for part in parts:
            [(kind, request)] = part.items()
            if kind not in PARTS:
                raise invalid(kind)
            known(PARTS[kind], request)
            places.append(place(request.get("Key") or request["Item"]))
            apply, holds, written = self._prepared(PARTS[kind], request)
            # Prepared and committed: a transaction costs twice.
            self.taken.writes += 2 * written
            prepared.append((None if kind == "ConditionCheck" else apply, holds))
        if len(set(places)) < len(places):
            raise invalid("a transaction touches an item twice")
        if not all(holds for _, holds in prepared):
            codes = ["None" if holds else "ConditionalCheckFailed" for _, holds in prepared]
            raise RefusedError(
                "TransactionCanceledException",
                f"Transaction cancelled: {codes}",
                CancellationReasons=[{"Code": code} for code in codes],
            )
        for apply, _ in prepared:
            if apply:
                apply()
        return {}

    def _prepared(self, action: str, request: dict) -> tuple:
        """What a write does, whether its condition holds now, and the units that it takes."""
        placeholders = Placeholders(request)
        scope, item_id = place(request.get("Key") or request["Item"])
        found = self.find(scope, item_id)
        holds = condition(request.get("ConditionExpression"), found, placeholders)
        if action == "PutItem":
            written = request["Item"]
        elif action == "UpdateItem":
            before = found or request["Key"]
            written = updated(before, request["UpdateExpression"], placeholders)
        else:
            written = None
        placeholders.all_used()

        def apply() -> None:
            if written is None:
                self.items.get(scope, {}).pop(item_id, None)
            else:
                self.put(written)

        # The larger of what was and what will be, by the developer guide.
        largest = max(size(found) if found else 0, size(written) if written else 0)
        return apply, holds, units(largest, WRITE_UNIT_BYTES)


def known(action: str, request: dict) -> None:
    """Refuses calls and fields that the function does not send."""
    more = request.keys() - FIELDS.get(action, set())
    if more or action not in FIELDS:
        raise invalid(f"{action} with {sorted(more)}")


def place(key: Item) -> tuple[str, str]:
    """The scope and the id of an item or a key."""
    return key["scope"]["S"], key["id"]["S"]


def compare(one: Value | None, sign: str, other: Value) -> bool:
    """Whether two values are the same, or two numbers in order; what is absent is neither."""
    if one and "N" in one and "N" in other:
        mine, theirs = Decimal(one["N"]), Decimal(other["N"])
        return mine == theirs if sign == "=" else mine < theirs
    if sign == "<":
        if "N" not in other:
            raise invalid("only numbers are put in order")
        return False
    return one == other


def condition(text: str | None, item: Item | None, placeholders: Placeholders) -> bool:
    """Whether a condition holds; an item that is not there has no attributes."""
    if text is None:
        return True
    # Every part is read, so that an unknown one is refused whatever the others say.
    ways = [
        [part_holds(part, item or {}, placeholders) for part in way.split(" AND ")]
        for way in text.split(" OR ")
    ]
    return any(all(way) for way in ways)


def part_holds(part: str, item: Item, placeholders: Placeholders) -> bool:
    """Whether one part of a condition holds."""
    if found := EXISTS.fullmatch(part):
        return (placeholders.name(found[2]) in item) != bool(found[1])
    if found := COMPARED.fullmatch(part):
        name, value = placeholders.name(found[1]), placeholders.value(found[3])
        return compare(item.get(name), found[2], value)
    raise invalid(part)


def updated(item: Item, text: str, placeholders: Placeholders) -> Item:
    """The item after an update."""
    if not text or not UPDATE.fullmatch(text):
        raise invalid(text)
    after = dict(item)
    if assignments := SET.search(text):
        for name, unless, if_absent, value in ASSIGN.findall(assignments[0]):
            target = placeholders.name(name)
            if target in ("scope", "id") or (unless and unless != name):
                raise invalid(text)
            value = placeholders.value(value or if_absent)
            after[target] = item.get(target, value) if unless else value
    if addition := ADD.search(text):
        for name, members in ADDITION.findall(addition[1]):
            target, more = placeholders.name(name), placeholders.value(members)
            if not more.get("SS"):
                raise invalid("only members are added to a set of strings")
            after[target] = {"SS": sorted({*item.get(target, {"SS": []})["SS"], *more["SS"]})}
    return after
