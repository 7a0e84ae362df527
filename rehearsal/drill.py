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

from account import table
from rehearsal import night, shop
from rehearsal.deployment import Answer, Deployment, deploy, invoke
from rehearsal.local_aws import LocalAws
from rehearsal.options import PROJECT

NOW, LATER, WEEKLY, UNKNOWN = "drill-now", "drill-later", "drill-weekly", "drill-unknown"
VISITORS_FILE = "errors/window.json"
# What announces a window beforehand.
UPCOMING, CALENDAR = "errors/upcoming.json", "errors/maintenance.ics"
MESSAGE = "The shop moves to a faster home."


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

    def windows(self) -> list[str]:
        """The windows and series in the table that are not over, such as `window#drill-now`."""
        return table.current(self.aws.client("dynamodb"), self.deployment.table)

    def history(self) -> list[dict[str, Any]]:
        """The windows and series that are over, as the table has them."""
        return table.items(self.aws.client("dynamodb"), self.deployment.table, table.PAST)

    def wake_ups(self) -> list[str]:
        """The names of the wake-ups that are booked."""
        return night.wake_ups(self.aws, self.deployment)

    def visitors_file(self, key: str = VISITORS_FILE) -> str | None:
        """What error pages are told, or what else visitors read, if anything."""
        try:
            stored = self.aws.client("s3").get_object(Bucket=self.bucket, Key=key)
        except botocore.exceptions.ClientError:
            return None
        return stored["Body"].read().decode()

    def forget(self) -> None:
        """Puts everything back by the owner's hand, whatever the function left behind."""
        scheduler, dynamodb = self.aws.client("scheduler"), self.aws.client("dynamodb")
        for name in self.wake_ups():
            scheduler.delete_schedule(GroupName=self.deployment.schedule_group, Name=name)
        for item in table.items(dynamodb, self.deployment.table, table.NOW):
            key = {"scope": {"S": table.NOW}, "id": {"S": item["id"]}}
            dynamodb.delete_item(TableName=self.deployment.table, Key=key)
        self.aws.client("elbv2").modify_rule(
            RuleArn=self.balancer.rule_arn,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}],
        )
        for key in (VISITORS_FILE, UPCOMING, CALENDAR):
            self.aws.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def announces(self) -> bool:
        """Whether both feeds tell of a window ahead."""
        upcoming, calendar = self.visitors_file(UPCOMING), self.visitors_file(CALENDAR)
        return MESSAGE in (upcoming or "") and "STATUS:CONFIRMED" in (calendar or "")


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
        "AnnounceBefore": "PT72H",
        **parameters,
    }
    return Site(aws, deploy(aws, PROJECT, bootstrap, given, stack), balancer, bucket, given)


def run(site: Site) -> list[str]:
    """Lives through a window; returns what was not as it should be, in the order it was seen."""
    return list(_findings(site))


def _findings(site: Site) -> Iterator[str]:
    before = site.rule()
    known = len(site.history())

    yield from _expect(site, "ok", action="check")
    later = {"id": LATER, "start": soon(1), "duration": "PT1H", "message": MESSAGE}
    yield from _expect(site, "booked", action="book", **later)
    if not site.announces():
        yield "the window is not announced"
    yield from _expect(site, "started", action="on", id=NOW, duration="PT10M", reason="A drill")
    if not site.in_maintenance():
        yield "the rule is open after the start"
    if site.visitors_file() is None:
        yield "visitors are told no end"
    yield from _expect(site, "extended", action="extend", id=NOW, by="PT5M")
    yield from _expect_refusal(site, action="extend", id=UNKNOWN, by="PT5M")
    yield from _expect(site, "unchanged", action="sweep")
    yield from _expect(site, "completed", action="off", id=NOW)
    if site.rule() != before:
        yield "the rule is not as it was"
    if site.visitors_file() is not None:
        yield "visitors are still told an end"
    yield from _expect(site, "cancelled", action="cancel", id=LATER)
    if site.announces():
        yield "the window is still announced"
    # Its first occurrence is booked with it, in one transaction.
    weekly = {"every": "cron(0 3 ? * SUN *)", "duration": "PT1H", "start": soon(24)}
    yield from _expect(site, "booked", action="book", id=WEEKLY, **weekly)
    yield from _expect(site, "cancelled", action="cancel", id=WEEKLY)
    yield from _expect(site, "open", action="status")
    if site.windows():
        yield f"not over: {', '.join(site.windows())}"
    # Two windows, a series, and the occurrence that went with it.
    if len(site.history()) != known + 4:
        yield f"the history has {len(site.history()) - known} more, where 4 should be"
    if site.wake_ups():
        yield f"wake-ups are left: {', '.join(site.wake_ups())}"


def soon(hours: float) -> str:
    """A time from now, as the function reads it."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return moment.isoformat(timespec="seconds")


def _expect(site: Site, outcome: str, **event: Any) -> Iterator[str]:
    answer = site.invoke(**event)
    document = answer.document if isinstance(answer.document, dict) else {}
    if answer.failed or document.get("outcome") != outcome or document.get("warnings"):
        yield f"{event['action']}: {answer.text}"


def _expect_refusal(site: Site, **event: Any) -> Iterator[str]:
    answer = site.invoke(**event)
    document = answer.document if isinstance(answer.document, dict) else {}
    if document.get("errorType") != "InvalidEvent":
        yield f"{event['action']}: {answer.text}"
