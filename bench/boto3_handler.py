"""What one would write instead: a Python handler on boto3 that turns rules, without any safety.

It saves nothing, books nothing, looks at nothing again and tells nobody.
The loop below does what AWS's own runtime client does, and less, so it flatters this handler.
"""

import http.client
import json
import os

import boto3

elb = boto3.client("elbv2")

HEADER = {
    "Field": "http-header",
    "HttpHeaderConfig": {
        "HttpHeaderName": os.environ["BYPASS_HEADER_NAME"],
        "Values": [os.environ["BYPASS_HEADER_VALUE"]],
    },
}


def handler(event: dict) -> dict:
    """Looks at the rules, and before it turns them at what visitors will get, and turns them."""
    arns = os.environ["RULE_ARNS"].split(",")
    rules = []
    for start in range(0, len(arns), 20):
        rules += elb.describe_rules(RuleArns=arns[start : start + 20])["Rules"]
    if event["action"] == "on":
        refuse_without_page(arns[0])
    for rule in rules:
        # AWS tells the values twice and takes them once.
        conditions = [
            {name: value for name, value in condition.items() if name != "Values"}
            for condition in rule["Conditions"]
            if condition["Field"] != "http-header"
        ]
        if event["action"] == "on":
            conditions.append(HEADER)
        elb.modify_rule(RuleArn=rule["RuleArn"], Conditions=conditions)
    return {"outcome": event["action"]}


def refuse_without_page(rule: str) -> None:
    """Visitors get the listener's default, which must be a 503."""
    arn = rule.rpartition("/")[0].replace(":listener-rule/", ":listener/")
    [listener] = elb.describe_listeners(ListenerArns=[arn])["Listeners"]
    default = listener["DefaultActions"][-1].get("FixedResponseConfig", {})
    if default.get("StatusCode") != "503":
        raise RuntimeError("the listener's default is no 503")


def main() -> None:
    """Asks for events and answers them until it is stopped."""
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation"
    while True:
        runtime.request("GET", f"{base}/next")
        response = runtime.getresponse()
        event = json.loads(response.read())
        request = response.headers["Lambda-Runtime-Aws-Request-Id"]
        runtime.request("POST", f"{base}/{request}/response", json.dumps(handler(event)))
        runtime.getresponse().read()


if __name__ == "__main__":
    main()
