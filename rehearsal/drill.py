"""A whole window in a second: driven by invocations, so that nothing has to be waited for.

It makes every call that a night makes, and says what was not as it should be.
"""

import datetime
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.exceptions

from account import undeploy
from rehearsal import night, shop
from rehearsal.deployment import Answer, Deployment, deploy, invoke
from rehearsal.local_aws import LocalAws
from rehearsal.options import PROJECT

NOW, LATER = "drill-now", "drill-later"
VISITORS_FILE = "errors/window.json"


@dataclass(frozen=True)
class Site:
    """One stack, and the load balancer that it looks after."""

    aws: LocalAws
    deployment: Deployment
    balancer: shop.LoadBalancer
    bucket: str
    parameters: dict[str, str]

    @property
    def stack(self) -> str:
        """The stack's name, and with it that of everything in it."""
        return self.deployment.function

    def invoke(self, **event: Any) -> Answer:
        """What the function answers to an event by hand."""
        return invoke(self.aws.client("lambda"), self.deployment.function, event)

    def rule(self) -> dict[str, Any]:
        """The site's rule, in a comparable form."""
        return night.read_rule(self.aws, self.balancer.rule_arn)

    def in_maintenance(self) -> bool:
        """Whether the rule demands a header now."""
        return any(field == "http-header" for field, _, _ in self.rule()["conditions"])

    def schedules(self) -> list[str]:
        """What is in the windows' group but for tombstones."""
        return undeploy.schedules(self.aws.client, self.deployment.schedule_group)

    def visitors_file(self) -> str | None:
        """What error pages are told, if anything."""
        try:
            stored = self.aws.client("s3").get_object(Bucket=self.bucket, Key=VISITORS_FILE)
        except botocore.exceptions.ClientError:
            return None
        return stored["Body"].read().decode()

    def forget(self) -> None:
        """Puts everything back by the owner's hand, whatever the function left behind."""
        scheduler = self.aws.client("scheduler")
        for name in night.list_schedules(self.aws, self.deployment.schedule_group):
            scheduler.delete_schedule(GroupName=self.deployment.schedule_group, Name=name)
        self.aws.client("elbv2").modify_rule(
            RuleArn=self.balancer.rule_arn,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}],
        )
        self.aws.client("s3").delete_object(Bucket=self.bucket, Key=VISITORS_FILE)


def build(
    aws: LocalAws, application: shop.Application, bootstrap: Path, stack: str, **parameters: str
) -> Site:
    """A load balancer, a bucket for its error pages, and the stack that looks after them."""
    balancer = shop.put_before(application, aws, name=f"{stack}-shop")
    bucket = f"{stack}-pages"
    aws.client("s3").create_bucket(Bucket=bucket)
    given = {
        "RuleArns": balancer.rule_arn,
        "BypassHeaderValue": secrets.token_hex(24),
        "ErrorBucket": bucket,
        **parameters,
    }
    return Site(aws, deploy(aws, PROJECT, bootstrap, given, stack), balancer, bucket, given)


def run(site: Site) -> list[str]:
    """Lives through a window; returns what was not as it should be, in the order it was seen."""
    return list(_findings(site))


def _findings(site: Site) -> Iterator[str]:
    before = site.rule()
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)

    yield from _expect(site, "ok", action="check")
    yield from _expect(
        site, "booked", action="book", id=LATER, start=soon.isoformat(), duration="PT1H"
    )
    yield from _expect(site, "started", action="on", id=NOW, duration="PT10M", reason="A drill")
    if not site.in_maintenance():
        yield "the rule is open after the start"
    if site.visitors_file() is None:
        yield "visitors are told no end"
    yield from _expect(site, "extended", action="extend", id=NOW, by="PT5M")
    yield from _expect(site, "unchanged", action="sweep")
    yield from _expect(site, "completed", action="off", id=NOW)
    if site.rule() != before:
        yield "the rule is not as it was"
    if site.visitors_file() is not None:
        yield "visitors are still told an end"
    yield from _expect(site, "cancelled", action="cancel", id=LATER)
    yield from _expect(site, "open", action="status")
    left = site.schedules()
    if left:
        yield f"schedules are left: {', '.join(left)}"


def _expect(site: Site, outcome: str, **event: Any) -> Iterator[str]:
    answer = site.invoke(**event)
    document = answer.document if isinstance(answer.document, dict) else {}
    if answer.failed or document.get("outcome") != outcome or document.get("warnings"):
        yield f"{event['action']}: {answer.text}"
