"""Tries the product on AWS itself: `I_UNDERSTAND=1 make verify-aws`, with your own credentials.

It costs well under a dollar: a load balancer and some functions for about fifteen minutes, and an
edge if you name one. It makes everything under one new name, touches nothing else, and removes all
of it at the end, interrupted or not. `--local` plays the same on the local AWS.

For the edge's own questions, which need a domain name: EDGE_DOMAIN (that no distribution has yet),
EDGE_CERTIFICATE (in us-east-1) and EDGE_LISTENER_CERTIFICATE (in the Region), naming the domain.
"""

import contextlib
import datetime
import http.client
import json
import math
import os
import secrets
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import botocore.exceptions

from account import RefusedError, experiments, session, table, trial_templates
from account.edge import contents
from account.experiments import Client, Finding, Laboratory
from rehearsal import local_aws, permissions, shop
from rehearsal.deployment import (
    architecture,
    invoke,
    package,
    packaged_template,
    reasons,
    without_metric_math,
)
from rehearsal.options import PROJECT
from rehearsal.traffic import CLOSED, OPEN, Sample, Traffic
from release.executable import UnfitError, check

WINDOW_S = 300
LEAD_S = 120
BYPASS_HEADER = "X-Maintenance-Bypass"
PATIENCE_S = 120


@dataclass(frozen=True)
class Trial:
    """The AWS that the window is played on, and the site there."""

    client: Client
    name: str
    rule_arn: str
    listener_arn: str
    # Where requests go, and the Host they carry.
    address: str
    port: int
    host: str
    probe_url: str
    # Whether it is the local AWS.
    local: bool
    # Between two looks at a stack.
    delay_s: int
    window_s: int
    # What the local AWS needs besides.
    after_deploying: Callable[[str], None]


def main() -> int:
    """Exit code 0 if the window went as promised and everything is gone again."""
    local = sys.argv[1:] == ["--local"]
    if sys.argv[1:] and not local:
        print(__doc__, file=sys.stderr)
        return 2
    if not local and (os.environ.get("I_UNDERSTAND") != "1" or os.environ.get("CI")):
        print(f"{__doc__}\nNothing was done: I_UNDERSTAND is not 1, or CI is set.", file=sys.stderr)
        return 2
    certificates = ("EDGE_CERTIFICATE", "EDGE_LISTENER_CERTIFICATE")
    if os.environ.get("EDGE_DOMAIN") and not all(map(os.environ.get, certificates)):
        print(f"EDGE_DOMAIN needs {' and '.join(certificates)}; nothing was done", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    # Short, because load balancers' names may have 32 characters.
    name = f"mw-trial-{secrets.token_hex(4)}"
    try:
        with contextlib.ExitStack() as cleanup:
            trial = (on_this_machine if local else on_aws)(name, cleanup)
            return 0 if play(trial, executable(local=local), cleanup) else 1
    except KeyboardInterrupt:
        print("Interrupted; what had been made was removed, unless a line above says otherwise.")
        return 130


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Unwinds everything once; a second Ctrl-C must not cut the removal short."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print("interrupted; removing everything, which takes some minutes …", flush=True)
    raise KeyboardInterrupt


def executable(*, local: bool) -> Path:
    """What is deployed; the run ends here if Lambda could not run it."""
    processor = os.environ.get("ARCHITECTURE", "arm64")
    default = (
        "target/debug/bootstrap" if local else f"target/lambda/{processor}/bootstrap/bootstrap"
    )
    path = PROJECT / os.environ.get("BOOTSTRAP", default)
    if not path.is_file():
        raise SystemExit(f"{path} does not exist; make it with `make executable`, or set BOOTSTRAP")
    if not local:
        try:
            check(path.read_bytes(), processor)
        except UnfitError as error:
            raise SystemExit(f"{path}: {error}") from error
    return path


def on_aws(name: str, cleanup: contextlib.ExitStack) -> Trial:
    """A load balancer in the default VPC of the caller's account."""
    try:
        own = session()
    except RefusedError as refused:
        raise SystemExit("; ".join(refused.problems)) from refused
    account = own.client("sts").get_caller_identity()["Account"]
    print(f"account {account}, Region {own.region_name}, everything is called {name}*")
    ec2 = own.client("ec2")
    default = [{"Name": "is-default", "Values": ["true"]}]
    vpcs = ec2.describe_vpcs(Filters=default)["Vpcs"]
    if not vpcs:
        raise SystemExit("this Region has no default VPC; choose another with AWS_REGION")
    subnets = ec2.describe_subnets(
        Filters=[
            {"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]},
            {"Name": "default-for-az", "Values": ["true"]},
        ]
    )["Subnets"]
    parameters = {
        "Vpc": vpcs[0]["VpcId"],
        "Subnets": ",".join(subnet["SubnetId"] for subnet in subnets[:2]),
    }
    made = stack(
        own.client, f"{name}-site", trial_templates.site(), parameters, cleanup, delay_s=10
    )
    return Trial(
        client=own.client,
        name=name,
        rule_arn=made["RuleArn"],
        listener_arn=made["ListenerArn"],
        address=made["Host"],
        port=80,
        host=made["Host"],
        probe_url=f"http://{made['Host']}/",
        local=False,
        delay_s=10,
        window_s=WINDOW_S,
        after_deploying=lambda _: None,
    )


def on_this_machine(name: str, cleanup: contextlib.ExitStack) -> Trial:
    """The same against the local AWS, with a shorter window."""
    local_aws.ignore_callers_settings()
    aws = local_aws.LocalAws(PROJECT / ".rehearsal")
    cleanup.callback(aws.discard)
    cleanup.enter_context(aws)
    balancer = shop.put_before(cleanup.enter_context(shop.Application()), aws, name)
    rule = aws.client("elbv2").describe_rules(RuleArns=[balancer.rule_arn])["Rules"][0]["RuleArn"]
    listener = rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    return Trial(
        client=aws.client,
        name=name,
        rule_arn=balancer.rule_arn,
        listener_arn=listener,
        address="127.0.0.1",
        port=aws.port,
        host=balancer.host,
        probe_url="",
        local=True,
        delay_s=1,
        window_s=60,
        after_deploying=lambda role: permissions.widen(aws, role),
    )


def play(trial: Trial, bootstrap: Path, cleanup: contextlib.ExitStack) -> bool:
    """Everything; true if the window went as promised."""
    laboratory = stack(
        trial.client, f"{trial.name}-lab", trial_templates.laboratory(), {}, cleanup, trial.delay_s
    )
    secret = secrets.token_hex(24)
    edge = deploy_edge(trial, cleanup)
    outputs = deploy(trial, bootstrap, secret, edge, cleanup)
    print("check says:", ask_function(trial, outputs, action="check"))

    def ask(headers: dict[str, str]) -> str:
        return experiments.status_of(trial.address, trial.port, trial.host, headers)

    start = math.ceil(time.time()) + (25 if trial.local else LEAD_S)
    end = start + trial.window_s
    with (
        Laboratory(trial.client, laboratory, PATIENCE_S) as lab,
        Traffic(trial.port, trial.host, address=trial.address) as visitor,
        Traffic(trial.port, trial.host, {BYPASS_HEADER: secret}, address=trial.address) as tester,
    ):
        booked = ask_function(
            trial, outputs, action="book", id="trial", start=rfc3339(start), end=rfc3339(end)
        )
        print("book says:", booked)
        with ThreadPoolExecutor(max_workers=1) as meanwhile:
            at_the_edge = meanwhile.submit(ask_edge, edge, (start + end) / 2, lab)
            found = experiments.all_of(trial.client, lab, trial.listener_arn, ask)
            found += at_the_edge.result()
        while time.time() < end + 45:
            time.sleep(1)
        seen = visitor.samples(), tester.samples()
    print("sweep says:", ask_function(trial, outputs, action="sweep"))

    window, kept = judge(*seen, start, end)
    for finding in window + found:
        print(f"\n{finding.question}\n  assumed  {finding.assumed}\n  seen     {finding.seen}")
    return kept


def judge(
    visitor: list[Sample], tester: list[Sample], start: float, end: float
) -> tuple[list[Finding], bool]:
    """The promises of a window: when visitors saw each change, and who was served."""
    closed = [sample for sample in visitor if sample.met == CLOSED]
    early = [sample for sample in closed if sample.answered < start]
    turned_away = [sample for sample in tester if sample.met != OPEN]
    reopened = [s for s in visitor if s.met == OPEN and s.sent > end and closed]
    first = f"{closed[0].answered - start:+.1f} s" if closed else "never"
    last = f"{closed[-1].answered - end:+.1f} s" if closed else "never"
    settled = bool(closed and reopened and visitor[-1].met == OPEN)
    return [
        Finding("visitors turned away, from the start", "within about ten seconds", first),
        Finding("visitors still turned away, from the end", "for about ten seconds", last),
        Finding("visitors turned away before the start", "none", str(len(early))),
        Finding("testers' requests not served", "none", f"{len(turned_away)} of {len(tester)}"),
    ], settled and not early and not turned_away


def deploy(
    trial: Trial,
    bootstrap: Path,
    secret: str,
    edge: dict[str, str],
    cleanup: contextlib.ExitStack,
) -> dict[str, str]:
    """The product's own stack."""
    storage = trial.client("s3")
    bucket = f"{trial.name}-code"
    region = storage.meta.region_name
    place = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    storage.create_bucket(Bucket=bucket, **place)
    cleanup.callback(remove_bucket, trial.client, bucket)
    storage.put_object(Bucket=bucket, Key="bootstrap.zip", Body=package(bootstrap))
    # On the local AWS the executable is this machine's own.
    processor = architecture() if trial.local else os.environ.get("ARCHITECTURE", "arm64")
    template = (PROJECT / "template.yaml").read_text(encoding="utf-8")
    template = packaged_template(template, bucket, processor)
    if trial.local:
        template = without_metric_math(template)
    rules = [trial.rule_arn, *([edge["RuleArns"]] if edge else [])]
    # After the stack, which leaves it behind.
    cleanup.callback(remove_table, trial.client, trial.name, trial.delay_s)
    outputs = stack(
        trial.client,
        trial.name,
        template,
        {
            "RuleArns": ",".join(rules),
            "BypassHeaderName": BYPASS_HEADER,
            "BypassHeaderValue": secret,
            "ProbeUrl": trial.probe_url,
            "ErrorBucket": edge.get("ErrorBucket", ""),
        },
        cleanup,
        trial.delay_s,
    )
    role = trial.client("cloudformation").describe_stack_resource(
        StackName=trial.name, LogicalResourceId="FunctionRole"
    )["StackResourceDetail"]["PhysicalResourceId"]
    trial.after_deploying(role)
    return outputs


def deploy_edge(trial: Trial, cleanup: contextlib.ExitStack) -> dict[str, str]:
    """The edge's stack, if there is a domain name for it; empty otherwise."""
    domain = os.environ.get("EDGE_DOMAIN")
    if not domain or trial.local:
        print("without EDGE_DOMAIN the edge is not deployed, and its questions stay open")
        return {}
    site = outputs_of(trial.client, f"{trial.name}-site")
    balancer = trial.client("elbv2").describe_load_balancers(
        LoadBalancerArns=[site["LoadBalancerArn"]]
    )["LoadBalancers"][0]
    # 443 has to be let in for CloudFront; the group goes with the site's stack.
    trial.client("ec2").authorize_security_group_ingress(
        GroupId=balancer["SecurityGroups"][0],
        IpProtocol="tcp",
        FromPort=443,
        ToPort=443,
        CidrIp="0.0.0.0/0",
    )
    name = f"{trial.name}-edge"
    # After the stack, which leaves its bucket behind.
    cleanup.callback(remove_buckets_of, trial.client, name)
    outputs = stack(
        trial.client,
        name,
        (PROJECT / "site/template.yaml").read_text(encoding="utf-8"),
        {
            "DomainNames": domain,
            "EdgeCertificateArn": os.environ["EDGE_CERTIFICATE"],
            "LoadBalancerCertificateArn": os.environ["EDGE_LISTENER_CERTIFICATE"],
            "VpcId": balancer["VpcId"],
            "ExistingLoadBalancerArn": site["LoadBalancerArn"],
            "ExistingLoadBalancerDnsName": site["Host"],
            "TargetGroupArn": site["TargetGroupArn"],
        },
        cleanup,
        30,
    )
    contents.upload_pages(trial.client("s3"), outputs["ErrorBucket"], contents.pages())
    return outputs | {"Domain": domain}


def ask_edge(edge: dict[str, str], at: float, lab: Laboratory) -> list[Finding]:
    """What an edge does with the maintenance answer, at a moment during the window."""
    if not edge or lab.given_up.wait(max(0.0, at - time.time())):
        return []

    def ask(method: str) -> tuple[int, dict[str, str]]:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(edge["Domain"], timeout=20, context=context)
        # To the distribution itself: the domain name need not point at it yet.
        connection._create_connection = lambda _, *rest: socket.create_connection(
            (edge["DistributionDomainName"], 443), *rest
        )
        connection.request(method, "/", body=b"a=b" if method == "POST" else None)
        response = connection.getresponse()
        response.read()
        return response.status, {key.lower(): value for key, value in response.getheaders()}

    first, second, posted = ask("GET"), ask("GET"), ask("POST")
    cached = [answer[1].get("x-cache", "no x-cache") for answer in (first, second)]
    return [
        Finding("X-Cache of repeated 503s", "never a hit", "; ".join(cached)),
        Finding("POST during maintenance", "503 and the page", str(posted[0])),
        Finding(
            "Retry-After on the custom error page",
            "unknown; the page does without",
            first[1].get("retry-after", "none"),
        ),
    ]


def stack(
    client: Client,
    name: str,
    template: str,
    parameters: dict[str, str],
    cleanup: contextlib.ExitStack,
    delay_s: int,
) -> dict[str, str]:
    """Makes a stack and says how it goes; it is removed with everything else."""
    cloudformation = client("cloudformation")
    print(f"making {name} …", flush=True)
    cleanup.callback(remove_stack, client, name, delay_s)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": delay_s, "MaxAttempts": 180}
        )
    except botocore.exceptions.WaiterError:
        print(f"{name} could not be made: {reasons(cloudformation, name)}", flush=True)
        raise
    return outputs_of(client, name)


def outputs_of(client: Client, name: str) -> dict[str, str]:
    """A stack's outputs."""
    made = client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in made.get("Outputs", [])}


def remove_stack(client: Client, name: str, delay_s: int) -> None:
    """Deletes a stack, and says so if it is still there."""
    print(f"removing {name} …", flush=True)
    cloudformation = client("cloudformation")
    try:
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": delay_s, "MaxAttempts": 180}
        )
    except (botocore.exceptions.ClientError, botocore.exceptions.WaiterError) as error:
        print(f"STILL THERE: the stack {name}; delete it by hand: {error}", flush=True)


def remove_table(client: Client, name: str, delay_s: int) -> None:
    """Deletes the table that the stack leaves behind, if it was made."""
    try:
        table.delete(client("dynamodb"), name, {"Delay": delay_s, "MaxAttempts": 60})
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            print(f"STILL THERE: the table {name}; delete it by hand: {error}", flush=True)
    except botocore.exceptions.WaiterError as error:
        print(f"STILL THERE, perhaps: the table {name}; look by hand: {error}", flush=True)


def remove_buckets_of(client: Client, name: str) -> None:
    """Deletes every bucket that a stack of that name has left behind."""
    for bucket in client("s3").list_buckets()["Buckets"]:
        if bucket["Name"].startswith(f"{name}-"):
            remove_bucket(client, bucket["Name"])


def remove_bucket(client: Client, bucket: str) -> None:
    """Deletes a bucket with all versions of all it holds."""
    storage = client("s3")
    try:
        for page in storage.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
                storage.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        storage.delete_bucket(Bucket=bucket)
    except botocore.exceptions.ClientError as error:
        print(f"STILL THERE: the bucket {bucket}; delete it by hand: {error}", flush=True)


def ask_function(trial: Trial, outputs: dict[str, str], **event: Any) -> str:
    """What the function answers, in its own words."""
    answer = invoke(trial.client("lambda"), outputs["FunctionName"], event)
    document = answer.document if isinstance(answer.document, dict) else {}
    findings = [json.dumps(finding) for finding in document.get("findings", [])]
    return "; ".join([str(document.get("message", answer.text)), *findings])


def rfc3339(unix_time: float) -> str:
    """A Unix time as the function reads it."""
    return datetime.datetime.fromtimestamp(unix_time, tz=datetime.UTC).isoformat()


if __name__ == "__main__":
    sys.exit(main())
