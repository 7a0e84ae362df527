"""The services of the stand-in for an account that moto has not, or not well enough.

moto's CloudFormation knows few of the edge's resources and no `Rules`, and CloudFront's key value
store it does not have at all.
"""

import contextlib
import functools
import hashlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

import boto3
import botocore.exceptions

from account.edge.stacks import NOT_SHOWN
from account.edge.templates import Template

REGION = "eu-west-1"
ACCOUNT = "123456789012"
RULE = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:listener-rule/app/shop/0a/0b/"


@functools.cache
def real(service: str, **more: Any) -> Any:
    """A client of moto's, made once for all tests: that takes more time than its calls."""
    return boto3.client(service, **more)


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

    def __init__(self, store: "Store") -> None:
        self.store = store
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
        storage = real("s3")
        if "DomainNames" not in parameters:
            # As CloudFormation does: the code has to be there, and what the reference names.
            storage.head_object(Bucket=parameters["CodeBucket"], Key=parameters["CodeKey"])
            parts = parameters["BypassHeaderSecret"].split(":")
            real("secretsmanager").get_secret_value(
                SecretId=":".join(parts[:7]), VersionId=parts[-1]
            )
            return {"FunctionName": name, "TableName": name}
        bucket = f"{name}-errors"
        with contextlib.suppress(storage.exceptions.BucketAlreadyOwnedByYou):
            storage.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        store = f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/{name}"
        self.store.values.setdefault(store, {})
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
