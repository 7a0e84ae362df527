"""The project's own template, deployed to the local AWS."""

import io
import json
import platform
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.exceptions
from samtranslator.yaml_helper import yaml_parse

from rehearsal.local_aws import LocalAws
from release import plain

STACK = "rehearsal"
BUCKET = "rehearsal-code"
KEY = "bootstrap.zip"
TEMPLATE_PATH = "template.yaml"


@dataclass(frozen=True)
class Deployment:
    """The names that came out of the stack."""

    function: str
    topic_arn: str
    table: str
    schedule_group: str
    dead_letter_queue_url: str
    log_group: str
    function_role: str


def deploy(
    aws: LocalAws,
    project: Path,
    bootstrap: Path,
    parameters: dict[str, str],
    stack_name: str = STACK,
    edit: Callable[[str], str] = str,
    *,
    without_sam: bool = False,
) -> Deployment:
    """Creates the stack, or updates it, and waits for it.

    `edit` changes the template's text; `without_sam` deploys the plain template of a release.
    """
    storage = aws.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    storage.put_object(Bucket=BUCKET, Key=KEY, Body=package(bootstrap))

    cloudformation = aws.client("cloudformation")
    asked = plain_request if without_sam else request
    given = asked(project, parameters, stack_name)
    given["TemplateBody"] = edit(given["TemplateBody"])
    try:
        cloudformation.describe_stacks(StackName=stack_name)
    except botocore.exceptions.ClientError:
        cloudformation.create_stack(**given)
        done = "stack_create_complete"
    else:
        cloudformation.update_stack(**given)
        done = "stack_update_complete"
    try:
        cloudformation.get_waiter(done).wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
    except botocore.exceptions.WaiterError as error:
        why = reasons(cloudformation, stack_name)
        raise RuntimeError(f"the stack failed: {why}") from error

    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return Deployment(
        function=outputs["FunctionName"],
        topic_arn=outputs["TopicArn"],
        table=outputs["TableName"],
        schedule_group=outputs["ScheduleGroup"],
        dead_letter_queue_url=outputs["DeadLetterQueueUrl"],
        log_group=outputs["LogGroupName"],
        function_role=cloudformation.describe_stack_resource(
            StackName=stack_name, LogicalResourceId="FunctionRole"
        )["StackResourceDetail"]["PhysicalResourceId"],
    )


def request(project: Path, parameters: dict[str, str], stack_name: str) -> dict[str, Any]:
    """What CloudFormation is asked for."""
    return {
        "StackName": stack_name,
        "TemplateBody": without_metric_math(
            packaged_template((project / TEMPLATE_PATH).read_text(encoding="utf-8"))
        ),
        "Parameters": listed_parameters(parameters),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }


def plain_request(project: Path, parameters: dict[str, str], stack_name: str) -> dict[str, Any]:
    """The same for the plain template, which needs no capability for a transform."""
    template = (project / TEMPLATE_PATH).read_text(encoding="utf-8")
    body = plain.written(plain.plain(yaml_parse(without_metric_math(template))))
    code = {"CodeBucket": BUCKET, "CodeKey": KEY, "Architecture": architecture()}
    return {
        "StackName": stack_name,
        "TemplateBody": body,
        "Parameters": listed_parameters({**code, **parameters}),
        "Capabilities": ["CAPABILITY_IAM"],
    }


def listed_parameters(parameters: dict[str, str]) -> list[dict[str, str]]:
    """Parameters as CloudFormation takes them."""
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def packaged_template(template: str, bucket: str = BUCKET, processor: str | None = None) -> str:
    """The template with its code's address filled in, as `sam package` does, and the processor.

    The processor is this machine's unless given, in Lambda's words.
    """
    for name, value in (
        ("CodeUri", f"s3://{bucket}/{KEY}"),
        ("Architectures", f"[{processor or architecture()}]"),
    ):
        template, count = re.subn(rf"(?m)^(\s+{name}:) .*$", rf"\1 {value}", template)
        if count != 1:
            raise RuntimeError(f"{TEMPLATE_PATH} should hold one {name}, but holds {count}")
    return template


def without_metric_math(template: str) -> str:
    """The template with its one alarm on an expression put on Lambda's errors alone.

    ministack refuses a stack that has metric math, and its alarms are not what is rehearsed.
    """
    plain = """\
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions:
        - Name: FunctionName
          Value: !Ref Function
      Statistic: Sum
      Period: 60
"""
    changed, count = re.subn(r"(?m)^      Metrics:\n(?: {8}.*\n)+", plain, template)
    if count != 1:
        raise RuntimeError(f"{TEMPLATE_PATH} should hold one alarm on Metrics, but holds {count}")
    return changed


def package(bootstrap: Path) -> bytes:
    """The executable, zipped with its execute permission."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, bootstrap.read_bytes())
    return buffer.getvalue()


def architecture() -> str:
    """The processor of this machine, in Lambda's words."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def reasons(cloudformation: Any, stack_name: str) -> str:
    """Why the stack's resources failed."""
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "; ".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in failed
    )


@dataclass(frozen=True)
class Answer:
    """What an invocation by hand came back with."""

    failed: bool
    document: Any
    text: str


def invoke(lambda_client: Any, function: str, event: dict[str, Any]) -> Answer:
    """Invokes the function as the console's Test tab does, and waits for its response."""
    response = lambda_client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    text = response["Payload"].read().decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    return Answer(failed="FunctionError" in response, document=document, text=text)
