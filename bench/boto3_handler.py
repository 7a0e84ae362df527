"""What one would write instead: a Python handler on boto3 that turns rules in four calls.

It looks at the rules, books or drops their end, turns them and tells people. It saves nothing,
looks at nothing again, and what a call that fails leaves behind stays.
The loop below does what AWS's own runtime client does, and less, so it flatters this handler.
"""

import contextlib
import datetime
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
END = {"Name": "maintenance-end", "GroupName": os.environ["SCHEDULE_GROUP"]}
LENGTH = datetime.timedelta(hours=2)


def handler(event: dict, function: str) -> dict:
    """Turns the rules, with an end that is booked before they are closed."""
    arns = os.environ["RULE_ARNS"].split(",")
    rules = []
    for start in range(0, len(arns), 20):
        rules += elb.describe_rules(RuleArns=arns[start : start + 20])["Rules"]
    closes = event["action"] == "on"
    if closes:
        book_end(function)
    for rule in rules:
        # AWS tells the values twice and takes them once.
        conditions = [
            {name: value for name, value in condition.items() if name != "Values"}
            for condition in rule["Conditions"]
            if condition["Field"] != "http-header"
        ]
        if closes:
            conditions.append(HEADER)
        elb.modify_rule(RuleArn=rule["RuleArn"], Conditions=conditions)
    if not closes:
        drop_end()
    state = "in maintenance" if closes else "open"
    sns.publish(
        TopicArn=os.environ["SNS_TOPIC_ARN"],
        Subject=f"The site is {state}",
        Message=f"{len(rules)} rules were changed; the site is {state}.",
    )
    return {"outcome": event["action"]}


def book_end(function: str) -> None:
    """Makes the schedule that opens the rules again."""
    at = (datetime.datetime.now(datetime.UTC) + LENGTH).strftime("%Y-%m-%dT%H:%M:%S")
    scheduler.create_schedule(
        **END,
        ScheduleExpression=f"at({at})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": function,
            "RoleArn": os.environ["SCHEDULER_ROLE_ARN"],
            "Input": json.dumps({"action": "off"}),
        },
    )


def drop_end() -> None:
    """Deletes it, unless it is gone."""
    with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
        scheduler.delete_schedule(**END)


def main() -> None:
    """Asks for events and answers them until it is stopped."""
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation"
    while True:
        runtime.request("GET", f"{base}/next")
        response = runtime.getresponse()
        event = json.loads(response.read())
        request = response.headers["Lambda-Runtime-Aws-Request-Id"]
        function = response.headers["Lambda-Runtime-Invoked-Function-Arn"]
        answer = json.dumps(handler(event, function))
        runtime.request("POST", f"{base}/{request}/response", answer)
        runtime.getresponse().read()


if __name__ == "__main__":
    main()
