"""The site under maintenance: a small web application, and the load balancer before it."""

import http.server
import threading
from dataclasses import dataclass
from typing import Any

from rehearsal.local_aws import LocalAws

OPEN_PAGE = "The shop is open.\n"
# Plain text: the local load balancer's XML cannot carry HTML.
CLOSED_PAGE = "Back soon."


class Application:
    """The web application: one page, on a loopback port."""

    def __enter__(self) -> "Application":
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = OPEN_PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
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
