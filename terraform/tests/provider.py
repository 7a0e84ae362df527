"""A stand-in for the AWS provider: it tells Terraform the provider's schema and does nothing else.

So Terraform itself checks every argument, block, type and reference, and `terraform test` can plan
with made-up values, without the provider. The protocol is version 5 of Terraform's plugin protocol,
of which the few messages needed are written by hand:
https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/tfplugin5.proto
"""

import json
import os
from concurrent import futures
from typing import Any

import grpc

NESTING = {"single": 1, "list": 2, "set": 3}


class Provider(grpc.GenericRpcHandler):
    """Serves the schema on a free port of this machine for as long as it is entered."""

    def __init__(self, schema: dict[str, Any]) -> None:
        region = {"region": {"type": "string", "optional": True}}
        self.schema = (
            _field(1, _schema({"attributes": region, "blocks": {}}))
            + b"".join(_entry(2, name, of) for name, of in schema["resource"].items())
            + b"".join(_entry(3, name, of) for name, of in schema["data"].items())
        )
        self.server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[self])
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> dict[str, str]:
        """The environment in which Terraform finds it, in place of one it would fetch."""
        self.server.start()
        address = {"Network": "tcp", "String": f"127.0.0.1:{self.port}"}
        here = {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": address,
        }
        return {"TF_REATTACH_PROVIDERS": json.dumps({"registry.terraform.io/hashicorp/aws": here})}

    def __exit__(self, *_: object) -> None:
        self.server.stop(grace=None)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        """Whatever is asked besides is answered with "nothing to say"."""
        method = handler_call_details.method
        if not method.startswith("/tfplugin5.Provider/"):
            return None
        answers = {
            "GetSchema": lambda _request, _context: self.schema,
            # Both messages have the settings as field 1: they come back as they are.
            "PrepareProviderConfig": lambda request, _context: request,
        }
        nothing = lambda _request, _context: b""  # noqa: E731
        return grpc.unary_unary_rpc_method_handler(answers.get(method.rpartition("/")[2], nothing))


def _schema(block: dict[str, Any]) -> bytes:
    return _number(1, 0) + _field(2, _block(block))


def _entry(number: int, name: str, block: dict[str, Any]) -> bytes:
    return _field(number, _field(1, name.encode()) + _field(2, _schema(block)))


def _block(block: dict[str, Any]) -> bytes:
    attributes = (
        _field(1, name.encode())
        + _field(2, json.dumps(of["type"]).encode())
        + b"".join(
            _number(at, 1)
            for at, flag in ((4, "required"), (5, "optional"), (6, "computed"))
            if flag in of
        )
        for name, of in block["attributes"].items()
    )
    blocks = (
        _field(1, name.encode())
        + _field(2, _block(of))
        + _number(3, NESTING[of["nesting"]])
        + _number(4, of["min"])
        + _number(5, of["max"])
        for name, of in block["blocks"].items()
    )
    return b"".join(_field(2, each) for each in attributes) + b"".join(
        _field(3, each) for each in blocks
    )


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])
