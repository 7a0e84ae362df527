"""A fast local AWS over TLS: as much of five services as is called here, in their wire formats.

The emulators that the tests use take milliseconds a call, which would be most of what is measured.
Run as a program it prints its ports as JSON, serves until its standard input is closed, and takes
orders over one more port, without TLS.
"""

import asyncio
import collections
import contextlib
import dataclasses
import datetime
import json
import ssl
import sys
import time
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.chain import Call
from bench.services import Answer, Services
from bench.table import RefusedError, Table, Units

SERVICES = ("elasticloadbalancing", "dynamodb", "scheduler", "sns", "cloudwatch")
# Takes a method, a target, the headers and a body.
Handler = Callable[[str, str, dict[str, str], bytes], Awaitable[Answer]]


@dataclass
class State:
    """What the services know, what was asked of them, and how slow they are."""

    services: Services = field(default_factory=Services)
    table: Table = field(default_factory=Table)
    calls: list[Call] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=lambda: collections.defaultdict(float))
    # Earlier states by the names they were kept under.
    kept: dict[str, tuple[Services, Table]] = field(default_factory=dict)

    def answer(
        self, service: str, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[str, Answer]:
        """Carries out a call; its action, and the answer."""
        match service:
            case "dynamodb":
                action = headers.get("x-amz-target", "").rpartition(".")[2]
                try:
                    status, told = 200, self.table.call(action, json.loads(body))
                except RefusedError as refusal:
                    status, told = 400, refusal.answer
                return action, (status, "application/x-amz-json-1.0", json.dumps(told))
            case "cloudwatch":
                return self.services.figures(headers.get("x-amz-target", "").rpartition(".")[2])
            case "scheduler":
                return self.services.schedule(method, target, body)
            case _:
                return self.services.query(service, body)

    def order(self, path: str, asked: dict[str, str]) -> object:
        """Carries out an order of the measuring process."""
        match path:
            case "/reset":
                self.services = Services.with_rules(int(asked["rules"]))
                self.table = Table()
            case "/delays":
                self.delays.clear()
                self.delays.update({name: float(ms) / 1000 for name, ms in asked.items()})
            case "/keep":
                self.kept[asked["name"]] = self.services.copy(), self.table.copy()
            case "/restore":
                services, table = self.kept[asked["name"]]
                self.services, self.table = services.copy(), table.copy()
            case "/set":
                # As if the window had been booked with another start or end.
                item = self.table.find("now", asked.pop("id"))
                self.table.put({**item, **{name: {"S": text} for name, text in asked.items()}})
            case "/lengthen":
                self.lengthen(int(asked["windows"]))
            case "/calls":
                told = [dataclasses.asdict(call) for call in self.calls]
                self.calls.clear()
                return told
            case "/items":
                return [item for item, _ in self.table.items.get(asked["scope"], {}).values()]
            case "/schedules":
                return self.services.schedules
            case _:
                raise ValueError(path)
        return {}

    def lengthen(self, windows: int) -> None:
        """Makes the history of one window one of so many, each a week before the next."""
        [(over, _)] = self.table.items["past"].values()
        ended, _, rest = over["id"]["S"].partition("#")
        for weeks in range(1, windows):
            earlier = datetime.datetime.fromisoformat(ended) - datetime.timedelta(weeks=weeks)
            text = earlier.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            self.table.put({**over, "id": {"S": f"{text}#{rest}"}})


async def requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Handler
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
            status, kind, text = await answer(method, target, headers, body)
            data = text.encode()
            head = f"HTTP/1.1 {status} -\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}"
            writer.write(f"{head}\r\n\r\n".encode() + data)
            await writer.drain()
    writer.close()


def service(state: State, name: str) -> Handler:
    """What answers on the port of a service."""

    async def answer(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        # The clock that every process of the machine shares.
        began = time.monotonic()
        await asyncio.sleep(state.delays[name])
        if target == "/" and not body:
            # Nobody's call, so none that is counted: it only opens a connection.
            return 403, "text/plain", ""
        action, told = state.answer(name, method, target, headers, body)
        taken = state.table.taken if name == "dynamodb" else Units()
        call = Call(name, action, began, time.monotonic(), taken.reads, taken.writes)
        state.calls.append(call)
        return told

    return answer


async def serve(certificate: str, key: str) -> None:
    """Opens a port for each service and one for orders."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    state = State()

    async def order(_: str, target: str, __: dict[str, str], ___: bytes) -> Answer:
        url = urllib.parse.urlsplit(target)
        told = state.order(url.path, dict(urllib.parse.parse_qsl(url.query)))
        return 200, "application/json", json.dumps(told)

    async def listen(handler: Handler, tls: ssl.SSLContext | None) -> int:
        server = await asyncio.start_server(
            lambda reader, writer: requests(reader, writer, handler), "127.0.0.1", 0, ssl=tls
        )
        return server.sockets[0].getsockname()[1]

    ports = {name: await listen(service(state, name), context) for name in SERVICES}
    ports["orders"] = await listen(order, None)
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:3]))
