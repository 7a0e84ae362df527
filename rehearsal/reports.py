"""The reports: a queue subscribed to the topic, read as they come."""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from rehearsal.local_aws import LocalAws


@dataclass(frozen=True)
class Report:
    """One message from the topic; `document` is None if it is not a JSON object."""

    received: float
    body: str
    document: dict[str, Any] | None

    @property
    def event(self) -> str:
        """The report's kind, or what is wrong with it."""
        if self.document is None:
            return "not a JSON object"
        return str(self.document.get("event", "no event"))

    @property
    def id(self) -> str:
        """What two deliveries of one report have in common."""
        return self.body if self.document is None else str(self.document.get("report_id"))


class Mailbox:
    """Collects every report published to a topic from now on."""

    def __init__(self, aws: LocalAws, topic_arn: str) -> None:
        self._sqs = aws.client("sqs")
        name = topic_arn.rpartition(":")[2]
        self._url = self._sqs.create_queue(QueueName=f"{name}-reports")["QueueUrl"]
        queue_arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        # Without it the topic may not deliver, on AWS as here.
        admits_topic = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        self._sqs.set_queue_attributes(
            QueueUrl=self._url,
            Attributes={
                "Policy": json.dumps({"Version": "2012-10-17", "Statement": [admits_topic]})
            },
        )
        aws.client("sns").subscribe(
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=queue_arn,
            Attributes={"RawMessageDelivery": "true"},
        )
        self._reports: list[Report] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Mailbox":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def reports(self) -> list[Report]:
        """All reports so far, oldest first."""
        return list(self._reports)

    def wait_for(self, event: str, patience_s: float = 5) -> None:
        """Until such a report has come, or it is no use to wait any longer."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if any(report.event == event for report in self.reports()):
                return
            time.sleep(0.1)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                messages = self._sqs.receive_message(
                    QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
                ).get("Messages", [])
                for message in messages:
                    self._reports.append(read(message["Body"]))
                    self._sqs.delete_message(
                        QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
                    )
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                # The local AWS is going away, or coming back; what is lost by it is missed later.
                self._stopped.wait(0.5)


def read(body: str) -> Report:
    """A message as a report."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    return Report(
        received=time.time(),
        body=body,
        document=document if isinstance(document, dict) else None,
    )
