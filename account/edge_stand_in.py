"""A stand-in for an account that an edge is deployed to.

moto answers for what it has. CloudFormation, CloudFront's key value store and Lambda are the small
ones below: moto's CloudFormation knows few of the edge's resources and no `Rules`, and the key
value store it does not have at all. Every call is written down, and the process can be made to die
at any call that changes something.
"""

import contextlib
import functools
import hashlib
import io
import itertools
import json
import os
import unittest.mock
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import moto
import moto.settings

from account.edge import __main__ as command
from account.edge.stacks import NOT_SHOWN
from account.edge.templates import Template
from release import archive, plain

REGION = "eu-west-1"
ACCOUNT = "123456789012"
DOMAINS = ["www.example.com", "example.com"]
LOCK = "a-lock-that-nobody-should-read"
READS = ("describe", "get", "list", "head")
RULE = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener-rule/app/shop/0a/0b/"


@functools.cache
def real(service: str, **more: Any) -> Any:
    """A client of moto's, made once for all tests: that takes more time than its calls."""
    return boto3.client(service, **more)


class KilledError(BaseException):
    """The process died here; nothing may catch it."""


def client_error(code: str, message: str = "") -> botocore.exceptions.ClientError:
    """An error as AWS answers it."""
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "Call")


@dataclass
class Made:
    """A stack in the stand-in."""

    body: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    status: str
    next_status: str = ""
    events: list[dict[str, str]] = field(default_factory=list)


class CloudFormation:
    """Makes stacks of the two templates, with the little of what is in them that is needed."""

    meta = (
        boto3.session.Session(region_name=REGION)
        .client("cloudformation", aws_access_key_id="test", aws_secret_access_key="test")
        .meta
    )

    def __init__(self, account: "Account") -> None:
        self.account = account
        self.stacks: dict[str, Made] = {}
        # What the next creation or update ends with, instead of well.
        self.fails: str | None = None

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """The stack; one that is under way has come to its end at the next look."""
        made = self._of(StackName)
        told = {
            "StackName": StackName,
            "StackStatus": made.status,
            "Parameters": self._shown(made),
            "Outputs": [
                {"OutputKey": key, "OutputValue": value} for key, value in made.outputs.items()
            ],
        }
        if made.next_status == "DELETED":
            del self.stacks[StackName]
        elif made.next_status:
            made.status, made.next_status = made.next_status, ""
        return {"Stacks": [told]}

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        """Its text."""
        assert TemplateStage == "Original"
        return {"TemplateBody": self._of(StackName).body}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        """What happened, the newest first."""
        return {"StackEvents": self._of(StackName).events}

    def create_stack(self, StackName: str, **asked: Any) -> None:  # noqa: N803
        """Makes it, or fails as told."""
        if StackName in self.stacks:
            raise client_error("AlreadyExistsException", f"Stack [{StackName}] already exists")
        parameters = self._taken(asked, {})
        outputs = {} if self.fails else self._outputs(StackName, parameters)
        good, bad = "CREATE_COMPLETE", "ROLLBACK_COMPLETE"
        self._begin(StackName, asked, parameters, outputs, ("CREATE_IN_PROGRESS", good, bad))

    def update_stack(self, StackName: str, **asked: Any) -> None:  # noqa: N803
        """Changes it, or goes back."""
        made = self._of(StackName)
        assert made.status.endswith("_COMPLETE"), made.status
        parameters = self._taken(asked, made.parameters)
        if (parameters, asked["TemplateBody"]) == (made.parameters, made.body):
            raise client_error("ValidationError", "No updates are to be performed.")
        good, bad = "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"
        states = ("UPDATE_IN_PROGRESS", good, bad)
        if self.fails:
            self._begin(
                StackName, {"TemplateBody": made.body}, made.parameters, made.outputs, states
            )
        else:
            outputs = self._outputs(StackName, parameters)
            self._begin(StackName, asked, parameters, outputs, states)

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        """It is gone after the next look."""
        made = self._of(StackName)
        made.status, made.next_status = "DELETE_IN_PROGRESS", "DELETED"

    def _of(self, name: str) -> Made:
        if name not in self.stacks:
            raise client_error("ValidationError", f"Stack with id {name} does not exist")
        return self.stacks[name]

    def _begin(
        self,
        name: str,
        asked: dict[str, Any],
        parameters: dict[str, str],
        outputs: dict[str, str],
        states: tuple[str, str, str],
    ) -> None:
        under_way, good, bad = states
        made = Made(asked["TemplateBody"], parameters, outputs, under_way, good)
        if self.fails:
            old = {
                "LogicalResourceId": "Old",
                "ResourceStatus": "CREATE_FAILED",
                "ResourceStatusReason": "long ago",
            }
            cause = {
                "LogicalResourceId": "Distribution",
                "ResourceStatus": "CREATE_FAILED",
                "ResourceStatusReason": self.fails,
            }
            begun = {"LogicalResourceId": name, "ResourceStatus": under_way}
            made.next_status, made.events = bad, [cause, begun, old]
            self.fails = None
        self.stacks[name] = made

    @staticmethod
    def _taken(asked: dict[str, Any], before: dict[str, str]) -> dict[str, str]:
        """The parameters' values, held against the template as CloudFormation does it."""
        template = Template.of(asked["TemplateBody"])
        values = template.defaults()
        for one in asked["Parameters"]:
            name = one["ParameterKey"]
            assert name in template.parameters, name
            if one.get("UsePreviousValue"):
                assert before, "there is no previous value"
                values[name] = before.get(name, values.get(name))
            else:
                values[name] = one["ParameterValue"]
        problems = template.problems(values)
        if problems:
            raise client_error("ValidationError", "; ".join(problems))
        return values

    def _shown(self, made: Made) -> list[dict[str, str]]:
        template = Template.of(made.body)
        return [
            {"ParameterKey": key, "ParameterValue": value if template.shows(key) else NOT_SHOWN}
            for key, value in made.parameters.items()
        ]

    def _outputs(self, name: str, parameters: dict[str, str]) -> dict[str, str]:
        storage = self.account.real("s3")
        if "DomainNames" not in parameters:
            # As CloudFormation does: the code has to be there, and what the reference names.
            storage.head_object(Bucket=parameters["CodeBucket"], Key=parameters["CodeKey"])
            parts = parameters["BypassHeaderSecret"].split(":")
            self.account.real("secretsmanager").get_secret_value(
                SecretId=":".join(parts[:7]), VersionId=parts[-1]
            )
            return {"FunctionName": name, "TableName": name}
        bucket = f"{name}-errors"
        with contextlib.suppress(storage.exceptions.BucketAlreadyOwnedByYou):
            storage.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        store = f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/{name}"
        self.account.store.values.setdefault(store, {})
        return {
            "RuleArns": f"{RULE}0c",
            "BypassHeaderName": parameters["BypassHeaderName"],
            "ProbeUrl": f"https://{parameters['DomainNames'].split(',')[0]}/",
            "ErrorBucket": bucket,
            "BypassStore": store,
            "DistributionDomainName": "d111111abcdef8.cloudfront.net",
            "DistributionId": "EDFDVBD6EXAMPLE",
            "ListenerArn": "arn:listener",
        }


class Store:
    """CloudFront's key value store: each change needs the tag of what it was made of."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, str]] = {}

    def _tag(self, arn: str) -> str:
        return hashlib.sha256(json.dumps(self.values[arn]).encode()).hexdigest()

    def describe_key_value_store(self, KvsARN: str) -> dict[str, str]:  # noqa: N803
        """The tag of what is in it."""
        return {"ETag": self._tag(KvsARN)}

    def get_key(self, KvsARN: str, Key: str) -> dict[str, str]:  # noqa: N803
        """One value."""
        if Key not in self.values[KvsARN]:
            raise client_error("ResourceNotFoundException", "Key not found")
        return {"Value": self.values[KvsARN][Key]}

    def put_key(self, KvsARN: str, Key: str, Value: str, IfMatch: str) -> None:  # noqa: N803
        """Changes one value."""
        if IfMatch != self._tag(KvsARN):
            raise client_error("ConflictException", "the store was changed meanwhile")
        self.values[KvsARN][Key] = Value


class Lambda:
    """The function, as far as it answers `check` and `status`."""

    def __init__(self) -> None:
        self.findings: list[dict[str, str]] = []
        self.state = "open"
        self.asked: list[str] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        """Answers as the function does."""
        action = json.loads(Payload)["action"]
        self.asked.append(action)
        rules = [{"arn": f"{RULE}0c", "state": self.state}]
        answer = {
            "check": {"message": f"{FunctionName} looked at all", "findings": self.findings},
            "status": {"rules": rules},
        }[action]
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


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
        self.cloudformation = CloudFormation(self)

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
            subnets = self.real("ec2").describe_subnets()["Subnets"][:2]
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
        return self.real("elbv2").create_load_balancer(
            Name=name, Subnets=self.subnets, **{"Scheme": "internet-facing", **more}
        )["LoadBalancers"][0]

    def target_group(self, name: str, **more: Any) -> str:
        """The ARN of a new target group."""
        given = {"Protocol": "HTTP", "Port": 80, "VpcId": self.vpc, **more}
        made = self.real("elbv2").create_target_group(Name=name, **given)
        return made["TargetGroups"][0]["TargetGroupArn"]

    def certificate(self, region: str, *names: str) -> str:
        """The ARN of a new certificate for these names."""
        acm = self.real("acm", region_name=region)
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
        inner = own.get(service) or self.real(service, **more)
        return Recorder(self, service, inner)

    def real(self, service: str, **more: Any) -> Any:
        """A client of moto's."""
        return real(service, **more)

    def die_before_or_after(self, when: str) -> None:
        """Dies if it is time to."""
        if when == "before":
            self._number = next(self._changes)
        if self.dies == (self._number, when):
            raise KilledError

    def run(self, *words: str, ask: Callable[[str], str] = lambda _: "yes") -> Ran:
        """The command, as far as it comes."""
        self.calls.clear()
        self._changes = itertools.count(1)
        out, err = io.StringIO(), io.StringIO()
        line = ["shop", *words, "--package", str(self.package)]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = command.main(line, self.client, ask, lambda: None)
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
        storage = self.real("s3")
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
            "secrets": len(self.real("secretsmanager").list_secrets()["SecretList"]),
        }

    def secret(self) -> str:
        """The secret's value."""
        manager = self.real("secretsmanager")
        return manager.get_secret_value(SecretId="shop-maintenance/bypass")["SecretString"]

    @staticmethod
    def _without_version(parameters: dict[str, str]) -> dict[str, str]:
        reference = parameters.get("BypassHeaderSecret", "")
        return {**parameters, "BypassHeaderSecret": reference.rpartition("/")[0]}


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
