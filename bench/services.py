"""Rules, schedules, the topic and figures of requests: as much of them as is called here."""

import json
import urllib.parse
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

NAMESPACES = {
    "elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    "sns": "http://sns.amazonaws.com/doc/2010-03-31/",
}
# What AWS adds to a rule's conditions when it tells of them.
LISTS = {"PathPatternConfig", "HttpHeaderConfig", "HostHeaderConfig"}
# Every rule is one of this listener's, whose default action is a fixed response of 503.
LOAD_BALANCER = "app/web/50dc6c495c0c9188"
ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
LISTENER = f"{ARN}:listener/{LOAD_BALANCER}/f2f7dc8efc522ab2"

# A status, a content type and a body.
Answer = tuple[int, str, str]


def rule_arn(number: int) -> str:
    """The ARN of one of the rules, as long as AWS makes them."""
    return f"{ARN}:listener-rule/{LOAD_BALANCER}/f2f7dc8efc522ab2/{number:016x}"


@dataclass
class Services:
    """What four services know."""

    rules: dict[str, list[dict]] = field(default_factory=dict)
    schedules: dict[str, dict] = field(default_factory=dict)

    @classmethod
    def with_rules(cls, count: int) -> "Services":
        """So many rules, each for a site of its own."""
        return cls({rule_arn(n): owner(n) for n in range(count)})

    def copy(self) -> "Services":
        """All as it is now; what is in it is replaced, never changed."""
        return Services(dict(self.rules), dict(self.schedules))

    def query(self, service: str, body: bytes) -> tuple[str, Answer]:
        """Answers a call in the query protocol; its action, too."""
        asked = nested(dict(urllib.parse.parse_qsl(body.decode())))
        action = asked["Action"]
        try:
            result = self._result(service, action, asked)
        except KeyError as missing:
            code = "RuleNotFound" if action.endswith(("Rules", "Rule")) else "InvalidAction"
            error = f"<Error><Code>{code}</Code><Message>{escape(str(missing))}</Message></Error>"
            return action, (400, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>")
        answer = {f"{action}Result": result, "ResponseMetadata": {"RequestId": "bench"}}
        text = f'<{action}Response xmlns="{NAMESPACES[service]}">{xml(answer)}</{action}Response>'
        return action, (200, "text/xml", text)

    def _result(self, service: str, action: str, asked: dict) -> dict:
        match service, action:
            case "elasticloadbalancing", "DescribeRules":
                arns = asked["RuleArns"] if "RuleArns" in asked else list(self.rules)
                return {"Rules": [self._rule(arn) for arn in arns]}
            case "elasticloadbalancing", "DescribeListeners":
                default = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
                return {"Listeners": [{"ListenerArn": LISTENER, "DefaultActions": [default]}]}
            case "elasticloadbalancing", "ModifyRule":
                self._rule(asked["RuleArn"])
                self.rules[asked["RuleArn"]] = asked["Conditions"]
                return {"Rules": [self._rule(asked["RuleArn"])]}
            case "sns", "Publish":
                return {"MessageId": "00000000-0000-0000-0000-000000000000"}
        raise KeyError(action)

    def _rule(self, arn: str) -> dict:
        """A rule as AWS tells of it: its values are told twice."""
        conditions = []
        for condition in self.rules[arn]:
            values = next((condition[name]["Values"] for name in LISTS if name in condition), [])
            conditions.append({**condition, "Values": values} if values else condition)
        return {
            "RuleArn": arn,
            "Priority": 10 + list(self.rules).index(arn),
            "Conditions": conditions,
            "Actions": [{"Type": "forward", "TargetGroupArn": "target", "Order": 1}],
            "IsDefault": "false",
        }

    def figures(self, action: str) -> tuple[str, Answer]:
        """Answers a call to CloudWatch, which counted some requests; its action, too."""
        if action != "GetMetricStatistics":
            return action, refused(400, "InvalidAction", "the function never asks so")
        point = {"Timestamp": 0, "Sum": 1000, "Unit": "Count"}
        told = {"Label": "HTTP_Fixed_Response_Count", "Datapoints": [point]}
        return action, (200, "application/x-amz-json-1.0", json.dumps(told))

    def schedule(self, method: str, target: str, body: bytes) -> tuple[str, Answer]:
        """Answers a call to EventBridge Scheduler; its action, too."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(target).path)
        name = path.removeprefix("/schedules/")
        match method, name in self.schedules:
            case "POST", False:
                self.schedules[name] = json.loads(body)
                arn = f"arn:aws:scheduler:eu-west-1:123456789012:schedule/maintenance/{name}"
                return "CreateSchedule", (200, JSON, json.dumps({"ScheduleArn": arn}))
            case "POST", True:
                return "CreateSchedule", refused(409, "ConflictException", name)
            case "DELETE", True:
                del self.schedules[name]
                return "DeleteSchedule", (200, JSON, "{}")
            case "DELETE", False:
                return "DeleteSchedule", refused(404, "ResourceNotFoundException", name)
        return f"{method} {path}", refused(400, "ValidationException", "the function never asks so")


JSON = "application/json"


def refused(status: int, kind: str, message: str) -> Answer:
    """An error of Scheduler."""
    return status, JSON, json.dumps({"__type": kind, "Message": message})


def owner(number: int) -> list[dict]:
    """What a rule demands until it is turned."""
    hosts = {"Values": [f"shop{number:02}.example.com"]}
    return [
        {"Field": "host-header", "HostHeaderConfig": hosts},
        {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/", "/checkout/*"]}},
    ]


def nested(flat: dict[str, str]) -> dict:
    """The query protocol's dotted names as dictionaries and lists."""
    tree: dict = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = tree
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return listed(tree)


def listed(tree: object) -> object:
    """Each `member` as a list, in the order of its numbers."""
    if not isinstance(tree, dict):
        return tree
    if set(tree) == {"member"}:
        return [
            listed(entry) for _, entry in sorted(tree["member"].items(), key=lambda e: int(e[0]))
        ]
    return {name: listed(value) for name, value in tree.items()}


def xml(value: object) -> str:
    """A value as the query protocol answers it."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{xml(inner)}</member>" for inner in value)
    return escape(str(value))
