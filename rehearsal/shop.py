"""The site under maintenance: a small web application, and the load balancer before it."""

import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.exceptions

from rehearsal.local_aws import LocalAws

# The notice of planned maintenance is one line in the application's own pages.
OPEN_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The shop</title>
<script src="/errors/banner.js" async></script>
<main><h1>The shop is open.</h1></main>
</html>
"""
NOTICE = Path(__file__).parent.parent / "site" / "errors" / "banner.js"
# What is under /errors/, of which kind. At the edge CloudFront answers for it, from the bucket.
KINDS = {
    "/errors/banner.js": "text/javascript; charset=utf-8",
    "/errors/upcoming.json": "application/json",
    "/errors/maintenance.ics": "text/calendar; charset=utf-8",
}
# Plain text: the local load balancer's XML cannot carry HTML.
CLOSED_PAGE = "Back soon."


def no_feeds(_key: str) -> bytes | None:
    """Where nothing is announced."""


class Application:
    """The web application: one page, on a loopback port, and beside it what the edge would add."""

    def __init__(self, feeds: Callable[[str], bytes | None] = no_feeds) -> None:
        """Takes the feeds of planned maintenance from `feeds`, by their keys in the bucket."""
        self._feeds = feeds

    def __enter__(self) -> "Application":
        page = type("Page", (_Page,), {"feeds": staticmethod(self._feeds)})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), page)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def feeds_of(aws: LocalAws, bucket: str) -> Callable[[str], bytes | None]:
    """The feeds of planned maintenance, as they stand in the bucket."""

    def feed(key: str) -> bytes | None:
        try:
            return aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except botocore.exceptions.ClientError:
            return None

    return feed


class _Page(http.server.BaseHTTPRequestHandler):
    feeds: Callable[[str], bytes | None]

    def do_GET(self) -> None:
        kind = KINDS.get(self.path)
        if kind is None:
            self._answer(OPEN_PAGE.encode(), "text/html; charset=utf-8")
        elif self.path == "/errors/banner.js":
            self._answer(NOTICE.read_bytes(), kind)
        else:
            self._answer(self.feeds(self.path.removeprefix("/")), kind)

    def _answer(self, body: bytes | None, kind: str) -> None:
        if body is None:
            self.send_error(403)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: the timeline is the log."""


@dataclass(frozen=True)
class LoadBalancer:
    """What the rest needs to know of the load balancer."""

    host: str
    rule_arn: str


def balance(application: Application, aws: LocalAws, name: str) -> tuple[dict[str, Any], str]:
    """A load balancer without a listener, and the ARN of a target group for `application`."""
    elb = aws.client("elbv2")
    balancer = elb.create_load_balancer(Name=name, Type="application")["LoadBalancers"][0]
    group = elb.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=application.port,
        TargetType="ip",
        VpcId=balancer["VpcId"],
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(
        TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": application.port}]
    )
    return balancer, group


def put_before(application: Application, aws: LocalAws, name: str = "shop") -> LoadBalancer:
    """A listener that answers 503, and a rule that forwards everything to `application`."""
    elb = aws.client("elbv2")
    balancer, group = balance(application, aws, name)
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {
                    "StatusCode": "503",
                    "ContentType": "text/plain",
                    "MessageBody": CLOSED_PAGE,
                },
            }
        ],
    )["Listeners"][0]
    rule = elb.create_rule(
        ListenerArn=listener["ListenerArn"],
        Priority=10,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}],
        # The short form: the local load balancer forgets `ForwardConfig`.
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Rules"][0]
    return LoadBalancer(host=balancer["DNSName"], rule_arn=rule["RuleArn"])
