"""What the edge stands on: certificates, load balancer, target group, subnets, domain names.

Everything is only looked at. What is wrong is told before anything is changed, and all of it at
once.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import botocore.exceptions

from account.edge.contents import code_of

Client = Callable[..., Any]
# CloudFront's own Region, for certificates.
EDGE_REGION = "us-east-1"
USABLE = "an internet-facing Application Load Balancer that is active"


def complete(client: Client, given: Mapping[str, str]) -> dict[str, str]:
    """What an existing load balancer itself tells: its DNS name, and its VPC."""
    arn = given.get("ExistingLoadBalancerArn")
    wanted = {"ExistingLoadBalancerDnsName": "DNSName", "VpcId": "VpcId"}
    if not arn or given.keys() >= wanted.keys():
        return {}
    try:
        found = client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    except botocore.exceptions.ClientError:
        # `problems` says so.
        return {}
    return {name: found[0][key] for name, key in wanted.items() if name not in given}


def problems(
    client: Client, account: str, region: str, values: Mapping[str, str], own: Mapping[str, str]
) -> list[str]:
    """All that is wrong for these parameters; `own` are the outputs of the edge that is there."""
    found: list[str] = []
    for look in (
        lambda: _certificates(client, account, region, values),
        lambda: _load_balancer(client, values, own),
        lambda: _target_group(client, values, own),
        lambda: _subnets(client, values),
        lambda: _aliases(client, values, own),
        lambda: _topic(region, values),
    ):
        try:
            found += look()
        except botocore.exceptions.ClientError as error:
            found.append(f"AWS could not be asked: {error}")
    return found


def covers(pattern: str, domain: str) -> bool:
    """Whether a certificate's name is good for a domain: an asterisk stands for one label."""
    pattern, domain = pattern.lower(), domain.lower()
    if pattern == domain:
        return True
    return pattern.startswith("*.") and domain.partition(".")[2] == pattern[2:]


def _certificates(
    client: Client, account: str, region: str, values: Mapping[str, str]
) -> Iterator[str]:
    domains = values["DomainNames"].split(",")
    for parameter, needed in (
        ("EdgeCertificateArn", EDGE_REGION),
        ("LoadBalancerCertificateArn", region),
    ):
        arn = values[parameter]
        _, _, service, where, owner, _ = arn.split(":", 5)
        if owner != account:
            yield f"{parameter}: expected a certificate of account {account}, found {arn}"
            continue
        if service == "iam":
            # IAM is in no Region, and tells no names without the certificate's text being read.
            name = arn.rpartition("/")[2]
            try:
                client("iam").get_server_certificate(ServerCertificateName=name)
            except botocore.exceptions.ClientError as error:
                yield f"{parameter}: {arn} cannot be looked at: {error}"
            continue
        if where != needed:
            yield (
                f"{parameter}: expected a certificate in {needed}, found one in {where}; request "
                f"one there for the same names: aws acm request-certificate --region {needed} "
                "--validation-method DNS --domain-name …"
            )
            continue
        yield from _certificate(client, parameter, arn, needed, domains)


def _certificate(
    client: Client, parameter: str, arn: str, region: str, domains: list[str]
) -> Iterator[str]:
    try:
        found = client("acm", region_name=region).describe_certificate(CertificateArn=arn)
    except botocore.exceptions.ClientError as error:
        if code_of(error) not in ("ResourceNotFoundException", "InvalidArnException"):
            raise
        yield f"{parameter}: there is no certificate {arn}"
        return
    certificate = found["Certificate"]
    if certificate["Status"] != "ISSUED":
        yield (
            f"{parameter}: expected {arn} to be ISSUED, found {certificate['Status']}; make the "
            "DNS records that ACM asks for, or choose another one"
        )
    names = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", [])}
    bare = [domain for domain in domains if not any(covers(name, domain) for name in names)]
    if bare:
        yield (
            f"{parameter}: expected it to name {', '.join(bare)}, found {', '.join(sorted(names))}"
        )


def _load_balancer(
    client: Client, values: Mapping[str, str], own: Mapping[str, str]
) -> Iterator[str]:
    arn = values.get("ExistingLoadBalancerArn")
    if not arn:
        return
    elbv2 = client("elbv2")
    try:
        (found,) = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    except botocore.exceptions.ClientError as error:
        if code_of(error) not in ("LoadBalancerNotFound", "ValidationError"):
            raise
        yield f"ExistingLoadBalancerArn: there is no load balancer {arn}"
        return
    state = found.get("State", {}).get("Code")
    kind = (found["Type"], found["Scheme"], state)
    if kind != ("application", "internet-facing", "active"):
        yield f"ExistingLoadBalancerArn: expected {USABLE}, found {', '.join(map(str, kind))}"
    for parameter, key in (("ExistingLoadBalancerDnsName", "DNSName"), ("VpcId", "VpcId")):
        if values.get(parameter, "").lower() != found[key].lower():
            yield f"{parameter}: expected {found[key]}, found {values.get(parameter)!r}"
    pages = elbv2.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn)
    for listener in (one for page in pages for one in page["Listeners"]):
        mine = listener["ListenerArn"] == own.get("ListenerArn")
        if str(listener["Port"]) == values["ListenerPort"] and not mine:
            yield (
                f"ListenerPort: expected a port that is free on the load balancer, found "
                f"{listener['Port']} in use by {listener['ListenerArn']}; give another, such as "
                "ListenerPort=8443, and let the load balancer's security group admit it"
            )


def _target_group(
    client: Client, values: Mapping[str, str], own: Mapping[str, str]
) -> Iterator[str]:
    arn = values.get("TargetGroupArn")
    if not arn:
        return
    elbv2 = client("elbv2")
    try:
        (found,) = elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    except botocore.exceptions.ClientError as error:
        if code_of(error) not in ("TargetGroupNotFound", "ValidationError"):
            raise
        yield f"TargetGroupArn: there is no target group {arn}"
        return
    if found.get("TargetType") != "lambda":
        if found.get("Protocol") not in ("HTTP", "HTTPS"):
            yield f"TargetGroupArn: expected HTTP or HTTPS, found {found.get('Protocol')}"
        if found.get("VpcId") != values.get("VpcId"):
            yield (
                f"TargetGroupArn: expected a target group in {values.get('VpcId')}, found one in "
                f"{found.get('VpcId')}"
            )
    mine = values.get("ExistingLoadBalancerArn") or _balancer_of(own.get("ListenerArn", ""))
    others = [one for one in found.get("LoadBalancerArns", []) if one != mine]
    if others:
        yield (
            f"TargetGroupArn: a target group serves one load balancer only, and {arn} serves "
            f"{', '.join(others)}; give that one as ExistingLoadBalancerArn, or another group"
        )


def _balancer_of(listener: str) -> str:
    """The ARN of a listener's load balancer."""
    return listener.replace(":listener/", ":loadbalancer/").rpartition("/")[0]


def _subnets(client: Client, values: Mapping[str, str]) -> Iterator[str]:
    if values.get("ExistingLoadBalancerArn"):
        return
    ids = values["SubnetIds"].split(",")
    try:
        found = client("ec2").describe_subnets(SubnetIds=ids)["Subnets"]
    except botocore.exceptions.ClientError as error:
        if not code_of(error).startswith("InvalidSubnet"):
            raise
        yield f"SubnetIds: {error.response['Error']['Message']}"
        return
    strange = [one["SubnetId"] for one in found if one["VpcId"] != values["VpcId"]]
    if strange:
        yield f"SubnetIds: expected some of {values['VpcId']}, found others: {', '.join(strange)}"
    zones = {one["AvailabilityZone"] for one in found}
    if len(zones) < 2:
        yield f"SubnetIds: expected two zones at least, found only {', '.join(zones)}"


def _aliases(client: Client, values: Mapping[str, str], own: Mapping[str, str]) -> Iterator[str]:
    domains = {domain.lower() for domain in values["DomainNames"].split(",")}
    pages = client("cloudfront").get_paginator("list_distributions").paginate()
    for one in (one for page in pages for one in page["DistributionList"].get("Items", [])):
        taken = domains & {name.lower() for name in one.get("Aliases", {}).get("Items", [])}
        if taken and one["Id"] != own.get("DistributionId"):
            yield (
                f"DomainNames: {', '.join(sorted(taken))} belongs to the distribution {one['Id']}, "
                "and CloudFront gives a name to one only; site/EXISTING.md says how to add the "
                "page to that distribution, and how to move a name without downtime"
            )


def _topic(region: str, values: Mapping[str, str]) -> Iterator[str]:
    topic = values.get("AlarmTopicArn")
    if topic and topic.split(":")[3] != region:
        yield f"AlarmTopicArn: expected a topic in {region}, found {topic}"
