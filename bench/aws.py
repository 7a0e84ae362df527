"""A fast local AWS over TLS: as much of three services as a flip needs, in their wire formats.

The emulators that the tests use take milliseconds a call, which would be most of what is measured.
Run as a program it prints its ports as JSON, serves until its standard input is closed, and is told
over one more port, without TLS, to forget everything or to add a delay.
"""

import asyncio
import collections
import contextlib
import json
import ssl
import sys
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

SERVICES = ("elasticloadbalancing", "scheduler", "sns")
NAMESPACES = {
    "elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    "sns": "http://sns.amazonaws.com/doc/2010-03-31/",
}
# Takes a method, a target and a body; gives a status, a content type and a body.
Answer = Callable[[str, str, bytes], Awaitable[tuple[int, str, str]]]
# What AWS adds to a rule's conditions when it tells of them.
LISTS = {"PathPatternConfig", "HttpHeaderConfig", "HostHeaderConfig"}


@dataclass
class State:
    """What the three services know, and how they behave."""

    rules: dict[str, list[dict]] = field(default_factory=dict)
    schedules: dict[str, dict] = field(default_factory=dict)
    calls: collections.Counter = field(default_factory=collections.Counter)
    delay_s: float = 0.0

    def conditions(self, arn: str) -> list[dict]:
        """Any rule exists, and is a catch-all until it is turned."""
        return self.rules.setdefault(
            arn, [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}]
        )


def nested(flat: dict[str, str]) -> dict:
    """The query protocol's dotted names as dictionaries and lists."""
    tree: dict = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = tree
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return listed(tree)


def listed(tree: object) -> object:
    """Each `member` as a list, in the order of its numbers."""
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"member"}:
        return [
            listed(entry) for _, entry in sorted(tree["member"].items(), key=lambda e: int(e[0]))
        ]
    return {name: listed(value) for name, value in tree.items()}


def xml(value: object) -> str:
    """A value as the query protocol answers it."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{xml(inner)}</member>" for inner in value)
    return escape(str(value))


def rule(state: State, arn: str) -> dict:
    """A rule as DescribeRules and ModifyRule tell of it: its values are told twice."""
    conditions = []
    for condition in state.conditions(arn):
        values = next((condition[name]["Values"] for name in LISTS if name in condition), [])
        conditions.append({**condition, "Values": values} if values else condition)
    return {
        "RuleArn": arn,
        "Priority": 10,
        "Conditions": conditions,
        "Actions": [{"Type": "forward", "TargetGroupArn": "target", "Order": 1}],
        "IsDefault": "false",
    }


def query(state: State, service: str, body: bytes) -> tuple[int, str, str]:
    """Answers a call in the query protocol."""
    asked = nested(dict(urllib.parse.parse_qsl(body.decode())))
    action = asked["Action"]
    state.calls[action] += 1
    match action:
        case "DescribeRules":
            result = {"Rules": [rule(state, arn) for arn in asked["RuleArns"]]}
        case "ModifyRule":
            state.rules[asked["RuleArn"]] = asked["Conditions"]
            result = {"Rules": [rule(state, asked["RuleArn"])]}
        case "Publish":
            result = {"MessageId": "00000000-0000-0000-0000-000000000000"}
        case _:
            return (
                400,
                "text/xml",
                f"<ErrorResponse><Error><Code>{action}</Code></Error></ErrorResponse>",
            )
    answer = {f"{action}Result": result, "ResponseMetadata": {"RequestId": "bench"}}
    return (
        200,
        "text/xml",
        f'<{action}Response xmlns="{NAMESPACES[service]}">{xml(answer)}</{action}Response>',
    )


def schedules(state: State, method: str, target: str, body: bytes) -> tuple[int, str, str]:
    """Answers a call to EventBridge Scheduler."""
    name = urllib.parse.unquote(
        urllib.parse.urlsplit(target).path.removeprefix("/schedules").lstrip("/")
    )
    if not name:
        state.calls["ListSchedules"] += 1
        # Tombstones go after hours; here hundreds of windows are ended within seconds.
        names = sorted(name for name in state.schedules if ".over-" not in name)
        found = [{"Name": name, "GroupName": "maintenance"} for name in names]
        return 200, "application/json", json.dumps({"Schedules": found})
    verbs = {
        "GET": "GetSchedule",
        "POST": "CreateSchedule",
        "PUT": "UpdateSchedule",
        "DELETE": "DeleteSchedule",
    }
    state.calls[verbs[method]] += 1
    exists = name in state.schedules
    if method == "POST" and exists:
        return 409, "application/json", json.dumps({"__type": "ConflictException", "Message": name})
    if method != "POST" and not exists:
        return (
            404,
            "application/json",
            json.dumps({"__type": "ResourceNotFoundException", "Message": name}),
        )
    answer = {}
    if method == "GET":
        answer = {**state.schedules[name], "Name": name}
    elif method == "DELETE":
        del state.schedules[name]
    else:
        state.schedules[name] = json.loads(body)
        answer = {
            "ScheduleArn": f"arn:aws:scheduler:eu-west-1:123456789012:schedule/maintenance/{name}"
        }
    return 200, "application/json", json.dumps(answer)


async def requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer
) -> None:
    """Serves one connection's requests, in order, until the client closes it."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, target, _ = first.split(" ")
            headers = {
                n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status, kind, text = await answer(method, target, body)
            data = text.encode()
            head = f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}"
            writer.write(f"{head}\r\n\r\n".encode() + data)
            await writer.drain()
    writer.close()


async def serve(certificate: str, key: str) -> None:
    """Opens a port for each service and one for orders."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    state = State()

    def service(name: str) -> Answer:
        async def answer(method: str, target: str, body: bytes) -> tuple[int, str, str]:
            await asyncio.sleep(state.delay_s)
            if target == "/" and not body:
                # Nobody's call, so none that is counted: it only opens a connection.
                return 403, "text/plain", ""
            return (
                schedules(state, method, target, body)
                if name == "scheduler"
                else query(state, name, body)
            )

        return answer

    async def order(_: str, target: str, __: bytes) -> tuple[int, str, str]:
        url = urllib.parse.urlsplit(target)
        told = {"calls": dict(state.calls), "schedules": state.schedules}
        match url.path:
            case "/calls":
                told = json.dumps(told)
                state.calls.clear()
                return 200, "application/json", told
            case "/schedule":
                state.schedules[url.query] = {}
            case "/reset":
                state.rules.clear()
                state.schedules.clear()
                state.calls.clear()
                state.delay_s = float(url.query or 0) / 1000
        return 200, "application/json", "{}"

    ports = {}
    for name in SERVICES:
        handler = service(name)
        server = await asyncio.start_server(
            lambda reader, writer, handler=handler: requests(reader, writer, handler),
            "127.0.0.1",
            0,
            ssl=context,
        )
        ports[name] = server.sockets[0].getsockname()[1]
    server = await asyncio.start_server(
        lambda reader, writer: requests(reader, writer, order), "127.0.0.1", 0
    )
    ports["orders"] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:3]))
