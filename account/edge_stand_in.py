"""A stand-in for an account that an edge is deployed to.

moto answers for what it has, and edge_services.py for the rest. Every call is written down, and the
process can be made to die at any call that changes something.
"""

import contextlib
import io
import itertools
import json
import os
import unittest.mock
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import moto
import moto.settings

from account.edge import __main__ as command
from account.edge import existing
from account.edge_services import REGION, CloudFormation, Lambda, Store, real
from release import archive, plain

DOMAINS = ["www.example.com", "example.com"]
LOCK = "a-lock-that-nobody-should-read"
READS = ("describe", "get", "list", "head")


class KilledError(BaseException):
    """The process died here; nothing may catch it."""


class Recorder:
    """A client whose calls are written down, and of whose changes one may be the last."""

    def __init__(self, account: "Account", service: str, inner: Any) -> None:
        self._account, self._service, self._inner = account, service, inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in ("meta", "exceptions"):
            return found
        if name == "get_paginator":

            def paginator(operation: str) -> Any:
                assert operation.startswith(READS), operation
                self._account.calls.append((self._service, operation, {}))
                return found(operation)

            return paginator

        def call(**given: Any) -> Any:
            self._account.calls.append((self._service, name, given))
            if name.startswith(READS) or self._service == "lambda":
                return found(**given)
            self._account.die_before_or_after("before")
            answer = found(**given)
            self._account.die_before_or_after("after")
            return answer

        return call


@dataclass
class Ran:
    """What the command came to."""

    code: int | None
    out: str
    err: str


class Account:
    """An account with certificates, a load balancer and a target group; use it as a context."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "package"
        self.package.mkdir()
        (self.package / "maintenance-window.yaml").write_text(PLAIN)
        self.code("one")
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.dies: tuple[int, str] | None = None
        self._changes = itertools.count(1)
        self.store, self.function = Store(), Lambda()
        self.cloudformation = CloudFormation(self.store)

    def code(self, content: str) -> None:
        """Makes the function's zip."""
        zipped = self.package / "maintenance-window-arm64.zip"
        archive.write(zipped, {"bootstrap": content.encode()})

    def __enter__(self) -> "Account":
        with contextlib.ExitStack() as stack:
            settings = {
                "AWS_DEFAULT_REGION": REGION,
                "AWS_CONFIG_FILE": os.devnull,
                "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
            }
            stack.enter_context(unittest.mock.patch.dict(os.environ, settings))
            # Certificates are issued at once.
            stack.enter_context(
                unittest.mock.patch.object(moto.settings, "ACM_VALIDATION_WAIT", -1)
            )
            stack.enter_context(moto.mock_aws())
            subnets = real("ec2").describe_subnets()["Subnets"][:2]
            self.subnets = [subnet["SubnetId"] for subnet in subnets]
            self.balancer = self.load_balancer("shop")
            self.vpc = self.balancer["VpcId"]
            self.group = self.target_group("shop")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def load_balancer(self, name: str, **more: Any) -> dict[str, Any]:
        """A load balancer of that name."""
        return real("elbv2").create_load_balancer(
            Name=name, Subnets=self.subnets, **{"Scheme": "internet-facing", **more}
        )["LoadBalancers"][0]

    def target_group(self, name: str, **more: Any) -> str:
        """The ARN of a new target group."""
        given = {"Protocol": "HTTP", "Port": 80, "VpcId": self.vpc, **more}
        made = real("elbv2").create_target_group(Name=name, **given)
        return made["TargetGroups"][0]["TargetGroupArn"]

    def listen(self, port: int, balancer: dict[str, Any] | None = None) -> str:
        """The ARN of a new listener that forwards to the target group."""
        made = real("elbv2").create_listener(
            LoadBalancerArn=(balancer or self.balancer)["LoadBalancerArn"],
            Port=port,
            Protocol="HTTP",
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )
        return made["Listeners"][0]["ListenerArn"]

    def certificate(self, region: str, *names: str) -> str:
        """The ARN of a new certificate for these names."""
        acm = real("acm", region_name=region)
        made = acm.request_certificate(
            DomainName=names[0], SubjectAlternativeNames=list(names[1:]) or [names[0]]
        )
        return made["CertificateArn"]

    def parameters(self, **other: str) -> list[str]:
        """Parameters that can be deployed, with others in their place; none for an empty text."""
        names = other.get("DomainNames", ",".join(DOMAINS)).split(",")
        given = {"DomainNames": ",".join(DOMAINS)}
        for name, region in (
            ("EdgeCertificateArn", "us-east-1"),
            ("LoadBalancerCertificateArn", REGION),
        ):
            if name not in other:
                given[name] = self.certificate(region, *names)
        given |= {
            "ExistingLoadBalancerArn": self.balancer["LoadBalancerArn"],
            "TargetGroupArn": self.group,
            "ListenerPort": "8443",
            **other,
        }
        return [f"{name}={value}" for name, value in given.items() if value]

    def client(self, service: str, **more: Any) -> Recorder:
        """A client of one service."""
        own = {
            "cloudformation": self.cloudformation,
            "cloudfront-keyvaluestore": self.store,
            "lambda": self.function,
        }
        inner = own.get(service) or real(service, **more)
        return Recorder(self, service, inner)

    def die_before_or_after(self, when: str) -> None:
        """Dies if it is time to."""
        if when == "before":
            self._number = next(self._changes)
        if self.dies == (self._number, when):
            raise KilledError

    def run(self, *words: str, ask: Callable[[str], str] = lambda _: "yes") -> Ran:
        """The command, as far as it comes."""
        line = ["shop", *words, "--package", str(self.package)]
        return self.captured(lambda: command.main(line, self.client, ask, lambda: None))

    def run_for_existing(self, *words: str) -> Ran:
        """The command for a distribution that is there."""
        return self.captured(lambda: existing.main(words, self.client, lambda _: "yes"))

    def captured(self, main: Callable[[], int]) -> Ran:
        """What a command came to."""
        self.calls.clear()
        self._changes = itertools.count(1)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code: int | None = main()
            except KilledError:
                code = None
        return Ran(code, out.getvalue(), err.getvalue())

    def changes(self) -> list[tuple[str, str]]:
        """The calls of the last run that change something."""
        return [
            (service, name)
            for service, name, _ in self.calls
            if not name.startswith(READS) and service != "lambda"
        ]

    def state(self) -> dict[str, Any]:
        """All that matters of what is there now; the secret as a word, since it is random."""
        secret = self.secret()
        storage = real("s3")
        objects = {}
        for bucket in storage.list_buckets()["Buckets"]:
            for one in storage.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
                found = storage.get_object(Bucket=bucket["Name"], Key=one["Key"])
                headers = (found["ContentType"], found.get("CacheControl"))
                objects[one["Key"]] = (found["Body"].read(), *headers)
        return {
            "objects": objects,
            "stores": json.loads(json.dumps(self.store.values).replace(secret, "the secret")),
            "stacks": {
                name: (made.status, made.body, self._without_version(made.parameters))
                for name, made in self.cloudformation.stacks.items()
            },
            "secrets": len(real("secretsmanager").list_secrets()["SecretList"]),
        }

    def secret(self) -> str:
        """The secret's value."""
        manager = real("secretsmanager")
        return manager.get_secret_value(SecretId="shop-maintenance/bypass")["SecretString"]

    @staticmethod
    def _without_version(parameters: dict[str, str]) -> dict[str, str]:
        reference = parameters.get("BypassHeaderSecret", "")
        return {**parameters, "BypassHeaderSecret": reference.rpartition("/")[0]}


def distribution(*names: str) -> str:
    """The id of a new distribution that has these names."""
    behaviour = {
        "TargetOriginId": "a",
        "ViewerProtocolPolicy": "allow-all",
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }
    origin = {
        "Id": "a",
        "DomainName": "a.example.com",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
        },
    }
    config = {
        "CallerReference": names[0],
        "Comment": "",
        "Enabled": True,
        "Aliases": {"Quantity": len(names), "Items": list(names)},
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
    }
    made = real("cloudfront").create_distribution(DistributionConfig=config)
    return made["Distribution"]["Id"]


class Refused(unittest.TestCase):
    """An account for each test."""

    def setUp(self) -> None:
        """The account."""
        self.folder = folder(self)
        self.account = self.enterContext(Account(self.folder))

    def refused(self, *words: str, why: str, so_far: tuple[object, ...] = ()) -> str:
        """It names the reason, changes nothing, and says how to go on; returns what it said."""
        ran = self.account.run(*words)
        self.assertEqual((ran.code, tuple(self.account.changes())), (1, so_far), ran.out + ran.err)
        self.assertRegex(ran.err, why)
        self.assertIn("run the same command again", ran.err)
        self.assertEqual("Nothing was changed" in ran.err, not so_far)
        return ran.err

    def but(self, why: str, **other: str) -> None:
        """Parameters that would do, but for these."""
        with self.subTest(why):
            self.refused(*self.account.parameters(**other), why=why)


PLAIN = plain.written(plain.plain(plain.source()))


def folder(test: unittest.TestCase) -> Path:
    """A folder that goes with the test."""
    import tempfile

    made = tempfile.TemporaryDirectory()
    test.addCleanup(made.cleanup)
    return Path(made.name)


def everything(calls: list[tuple[str, str, dict[str, Any]]]) -> Iterator[tuple[str, str, str]]:
    """Each text that was sent, with its call and its field."""
    for service, name, given in calls:
        for key, value in given.items():
            yield f"{service}.{name}", key, value if isinstance(value, str) else repr(value)
