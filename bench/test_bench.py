"""What the figures rest on: which calls wait for which, what the table takes, an item's size."""

import contextlib
import unittest
from typing import ClassVar

from bench.chain import Call, longest, to_first, weight
from bench.items import as_json, size
from bench.table import (
    PAGE_BYTES,
    READ_UNIT_BYTES,
    WRITE_UNIT_BYTES,
    RefusedError,
    Table,
)

ELB, TABLE = "elasticloadbalancing", "dynamodb"


def key(item_id: str) -> dict:
    """The key of an item."""
    return {"scope": {"S": "now"}, "id": {"S": item_id}}


def item(item_id: str, **more: dict) -> dict:
    """An item with its key."""
    return {**key(item_id), **more}


def put_new(item_id: str, **more: dict) -> dict:
    """A write on condition that there is no such item."""
    return {
        "TableName": "maintenance",
        "Item": item(item_id, **more),
        "ConditionExpression": "attribute_not_exists(#id)",
        "ExpressionAttributeNames": {"#id": "id"},
    }


def absent(item_id: str) -> dict:
    """A condition that there is no such item."""
    return {
        "TableName": "maintenance",
        "Key": key(item_id),
        "ConditionExpression": "attribute_not_exists(#id)",
        "ExpressionAttributeNames": {"#id": "id"},
    }


class ChainTest(unittest.TestCase):
    """Calls that wait for each other."""

    def test_calls_that_overlap_wait_for_nothing_of_each_other(self) -> None:
        read = Call(ELB, "DescribeRules", 0, 40)
        beside = Call(ELB, "DescribeListeners", 1, 41)
        query = Call(TABLE, "Query", 42, 47)
        self.assertEqual(longest([query, beside, read])[1:], [query])
        self.assertEqual(len(longest([query, beside, read])), 2)

    def test_a_chain_ends_with_the_first_call_of_its_action(self) -> None:
        calls = [
            Call(ELB, "DescribeRules", 0, 40),
            Call(ELB, "ModifyRule", 41, 81),
            Call(ELB, "ModifyRule", 82, 122),
            Call(TABLE, "Query", 123, 128),
        ]
        self.assertEqual(to_first(calls, "ModifyRule"), calls[:2])
        self.assertEqual(to_first(calls[:1], "ModifyRule"), [])

    def test_of_two_chains_of_one_length_the_slow_one_counts(self) -> None:
        calls = [
            Call(ELB, "DescribeRules", 0, 40),
            Call(TABLE, "Query", 0, 5),
            Call(ELB, "ModifyRule", 41, 81),
        ]
        self.assertEqual(weight(longest(calls)), (2, 2))


class TableTest(unittest.TestCase):
    """The stand-in for DynamoDB."""

    def setUp(self) -> None:
        self.table = Table()
        self.table.put(item("window#a", uid={"S": "u1"}, version={"N": "3"}))

    def update(self, expression: str, condition: str, **values: dict) -> dict:
        """An update of that item."""
        used = [
            name
            for name in ("uid", "version", "told", "reports")
            if f"#{name}" in expression + condition
        ]
        return {
            "TableName": "maintenance",
            "Key": key("window#a"),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in used},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }

    def check(self, action: str, request: dict, *, taken: bool) -> None:
        """Whether the table takes a write."""
        with contextlib.nullcontext() if taken else self.assertRaises(RefusedError):
            self.table.call(action, request)

    def test_a_write_that_depends_on_another_version_is_refused(self) -> None:
        condition = "#uid = :uid AND #version = :read"
        for uid, read, taken in (("u1", "3", True), ("u1", "2", False), ("u2", "3", False)):
            update = self.update(
                "SET #version = :next",
                condition,
                uid={"S": uid},
                read={"N": read},
                next={"N": "3"},
            )
            self.check("UpdateItem", update, taken=taken)

    def test_what_has_expired_is_written_over_and_nothing_else(self) -> None:
        self.table.put(item("once", expires={"N": "100"}))
        over = {
            **put_new("once", expires={"N": "500"}),
            "ConditionExpression": "attribute_not_exists(#id) OR #expires < :now",
            "ExpressionAttributeNames": {"#id": "id", "#expires": "expires"},
        }
        for now, taken in (("99", False), ("101", True)):
            over["ExpressionAttributeValues"] = {":now": {"N": now}}
            self.check("PutItem", over, taken=taken)

    def test_a_transaction_does_all_or_nothing(self) -> None:
        parts = [{"Put": put_new("window#b")}, {"Put": put_new("window#a")}]
        with self.assertRaises(RefusedError) as refused:
            self.table.call("TransactWriteItems", {"TransactItems": parts})
        reasons = refused.exception.answer["CancellationReasons"]
        self.assertEqual([one["Code"] for one in reasons], ["None", "ConditionalCheckFailed"])
        self.assertIsNone(self.table.find("now", "window#b"))

    def test_what_was_told_is_added_and_a_first_time_stays(self) -> None:
        for told, at in (("booked", "1"), ("started", "2")):
            update = self.update(
                "SET #version = if_not_exists(#version, :at) ADD #told :told, #reports :reports",
                "#uid = :uid",
                uid={"S": "u1"},
                told={"SS": [told]},
                reports={"SS": [f"{told} {at}"]},
                at={"S": at},
            )
            self.table.call("UpdateItem", update)
        found = self.table.find("now", "window#a")
        self.assertEqual(
            (found["told"], found["version"]), ({"SS": ["booked", "started"]}, {"N": "3"})
        )
        self.assertEqual(found["reports"], {"SS": ["booked 1", "started 2"]})

    def test_what_the_function_never_sends_is_refused(self) -> None:
        uid = {"uid": {"S": "u1"}}
        for action, request in (
            ("Scan", {"TableName": "maintenance"}),
            ("GetItem", {"TableName": "maintenance", "Key": key("window#a")}),
            ("UpdateItem", self.update("REMOVE #told", "#uid = :uid", **uid)),
            ("UpdateItem", self.update("SET #version = :uid", "#uid > :uid", **uid)),
            ("UpdateItem", self.update("ADD #told :uid", "#uid = :uid", **uid)),
            ("PutItem", {**put_new("window#b"), "ReturnValues": "ALL_OLD"}),
            (
                "PutItem",
                {**put_new("window#b"), "ExpressionAttributeNames": {"#id": "id", "#x": "x"}},
            ),
        ):
            with self.subTest(action=action, request=request), self.assertRaises(RefusedError):
                self.table.call(action, request)

    QUERY: ClassVar = {
        "TableName": "maintenance",
        "ConsistentRead": True,
        "KeyConditionExpression": "#scope = :scope",
        "ExpressionAttributeNames": {"#scope": "scope"},
        "ExpressionAttributeValues": {":scope": {"S": "now"}},
    }

    def pages(self, query: dict) -> list[list[str]]:
        """The ids that a query finds, page by page."""
        pages, start = [], {}
        while start is not None:
            answer = self.table.call("Query", {**query, **start})
            pages.append([one["id"]["S"] for one in answer["Items"]])
            last = answer.get("LastEvaluatedKey")
            start = {"ExclusiveStartKey": last} if last else None
        return pages

    def test_a_query_ends_its_page_after_a_megabyte(self) -> None:
        for number in range(3):
            self.table.put(item(f"window#{number}", message={"S": "x" * (PAGE_BYTES // 2)}))
        first, rest = self.pages(self.QUERY)
        self.assertEqual(first + rest, ["window#0", "window#1", "window#2", "window#a"])

    def test_a_query_ends_its_page_at_its_limit_and_keeps_within_its_bounds(self) -> None:
        for number in range(4):
            self.table.put(item(f"window#{number}"))
        between = {
            **self.QUERY,
            "KeyConditionExpression": "#scope = :scope AND #id BETWEEN :since AND :until",
            "ExpressionAttributeNames": {"#scope": "scope", "#id": "id"},
            "ScanIndexForward": False,
            "Limit": 2,
        }

        def bounds(since: str, until: str) -> dict:
            values = {":scope": {"S": "now"}, ":since": {"S": since}, ":until": {"S": until}}
            return {**between, "ExpressionAttributeValues": values}

        full = [["window#3", "window#2"], ["window#1"]]
        self.assertEqual(self.pages(bounds("window#1", "window#3")), full)
        exact = [["window#3", "window#2"], []]
        self.assertEqual(self.pages(bounds("window#2", "window#3")), exact)
        since = {
            **bounds("window#1", "window#2"),
            "KeyConditionExpression": "#scope = :scope AND #id >= :since",
            "ExpressionAttributeValues": {":scope": {"S": "now"}, ":since": {"S": "window#3"}},
        }
        self.assertEqual(self.pages(since), [["window#a", "window#3"], []])
        for refused in (bounds("window#3", "window#1"), {**bounds("a", "b"), "Limit": 0}):
            with self.assertRaises(RefusedError):
                self.table.call("Query", refused)

    def test_a_query_reads_no_further_than_its_limit(self) -> None:
        for number in range(3):
            self.table.put(item(f"window#{number}", message={"S": "x" * READ_UNIT_BYTES}))
        query = {
            "TableName": "maintenance",
            "ConsistentRead": True,
            "Limit": 2,
            "KeyConditionExpression": "#scope = :scope",
            "ExpressionAttributeNames": {"#scope": "scope"},
            "ExpressionAttributeValues": {":scope": {"S": "now"}},
        }
        first = self.table.call("Query", query)
        # Two items of a little more than a unit each, which are rounded up together.
        self.assertEqual((first["Count"], self.table.taken.reads), (2, 3))
        rest = self.table.call("Query", {**query, "ExclusiveStartKey": first["LastEvaluatedKey"]})
        self.assertEqual(rest["Count"], 2)

    def test_a_write_takes_units_of_a_kilobyte_and_a_transaction_takes_them_twice(self) -> None:
        self.table.call("PutItem", put_new("window#b"))
        self.assertEqual(self.table.taken.writes, 1)
        large = {"message": {"S": "x" * WRITE_UNIT_BYTES}}
        parts = [
            {"Put": put_new("window#c", **large)},
            {"ConditionCheck": absent("series#c")},
        ]
        self.table.call("TransactWriteItems", {"TransactItems": parts})
        self.assertEqual((self.table.taken.writes, self.table.taken.reads), (2 * (2 + 1), 0))
        # The larger of what was and what will be.
        self.table.call("DeleteItem", {"TableName": "maintenance", "Key": key("window#c")})
        self.assertEqual(self.table.taken.writes, 2)
        # What is refused costs, too.
        with self.assertRaises(RefusedError):
            self.table.call("PutItem", put_new("window#b"))
        self.assertEqual(self.table.taken.writes, 1)

    def test_what_must_exist_is_told_from_what_must_not(self) -> None:
        for condition, if_there in (
            ("attribute_exists(#id)", True),
            ("attribute_not_exists(#id)", False),
        ):
            for item_id, is_there in (("window#a", True), ("window#b", False)):
                delete = {**absent(item_id), "ConditionExpression": condition}
                with self.subTest(condition=condition, item=item_id):
                    self.check("DeleteItem", delete, taken=is_there == if_there)
                    self.table.put(item("window#a"))


class ItemTest(unittest.TestCase):
    """The size of items."""

    def test_an_item_is_as_large_as_the_developer_guide_says(self) -> None:
        for value, bytes_of_it in (
            ({"S": "Zürich"}, 7),
            ({"N": "12300"}, 3),
            ({"NULL": True}, 1),
            ({"SS": ["a", "bc"]}, 3),
            ({"L": [{"S": "a"}, {"S": "b"}]}, 3 + 2 + 2),
            ({"M": {"at": {"S": "now"}}}, 3 + 1 + 2 + 3),
        ):
            with self.subTest(value=value):
                self.assertEqual(size({"name": value}), 4 + bytes_of_it)

    def test_what_conditions_name_is_no_part_of_the_json(self) -> None:
        told = as_json(item("window#a", version={"N": "3"}, end={"NULL": True}, rules={"S": "all"}))
        self.assertEqual(told["version"], {"N": "3"})
        self.assertEqual(told["json"], {"S": '{"end":null,"rules":"all"}'})


if __name__ == "__main__":
    unittest.main()
