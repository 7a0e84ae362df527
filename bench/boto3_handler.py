"""What one would write instead: the flip as a Python handler on boto3, without any of the safety.

The loop below does what AWS's own runtime client does, and less, so it flatters this handler.
"""

import http.client
import json
import os

import boto3

elb = boto3.client("elbv2")
scheduler = boto3.client("scheduler")
sns = boto3.client("sns")

HEADER = {
    "Field": "http-header",
    "HttpHeaderConfig": {
        "HttpHeaderName": os.environ["BYPASS_HEADER_NAME"],
        "Values": [os.environ["BYPASS_HEADER_VALUE"]],
    },
}


def handler(event: dict) -> dict:
    """Turns every rule, notes so in a schedule, and reports."""
    arns = os.environ["RULE_ARNS"].split(",")
    rules = []
    for start in range(0, len(arns), 20):
        rules += elb.describe_rules(RuleArns=arns[start : start + 20])["Rules"]
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
    scheduler.update_schedule(
        Name="window",
        GroupName="maintenance",
        ScheduleExpression="at(2030-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:maintenance",
            "RoleArn": os.environ["SCHEDULER_ROLE_ARN"],
            "Input": json.dumps(event),
        },
    )
    sns.publish(
        TopicArn=os.environ["SNS_TOPIC_ARN"], Subject="Maintenance", Message=event["action"]
    )
    return {"outcome": event["action"]}


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
