"""What one night cannot show: permissions, neighbours, the command line, races, a stack's own life.

`python -m rehearsal.drills --bootstrap PATH --mw PATH` plays them all on one local AWS, and then
types the documents' commands on another.
"""

import argparse
import contextlib
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from rehearsal import command_line, drill, life, neighbours, permissions, races, shop, typed
from rehearsal.local_aws import LocalAws, ignore_callers_settings
from rehearsal.options import PROJECT
from rehearsal.reports import Mailbox

LONGEST = "P999W999DT99999H999999M999999S"


def main() -> int:
    """Exit code 0 if every claim held."""
    parser = argparse.ArgumentParser(prog="rehearsal.drills", description=__doc__)
    parser.add_argument("--bootstrap", type=Path, required=True, help="the function's executable")
    parser.add_argument("--mw", type=Path, required=True, help="the command line's executable")
    given = parser.parse_args()
    bootstrap, program = given.bootstrap.resolve(), given.mw.resolve()
    ignore_callers_settings()
    passed = failed = 0
    for text, found in claims(bootstrap, program):
        print(f"  {'kept  ' if not found else 'BROKEN'}  {text}", flush=True)
        for finding in found:
            print(f"            {finding}", flush=True)
        passed, failed = passed + (not found), failed + bool(found)
    print(f"\ndrills: {passed} passed, {failed} failed")
    return 1 if failed else 0


def claims(bootstrap: Path, program: Path) -> Iterator[tuple[str, list[str]]]:
    """All claims, each with what was found against it."""
    aws = LocalAws(PROJECT / ".rehearsal")
    with contextlib.ExitStack() as running:
        running.callback(aws.discard)
        running.enter_context(aws)
        application = running.enter_context(shop.Application())
        one = drill.build(aws, application, bootstrap, "drill-one")
        # A topic with somebody who hears.
        with Mailbox(aws, one.deployment.topic_arn):
            yield from permissions.prove(one)
            yield from command_line.prove_alone(program, one)
        # The other way to give what can be given in two ways, and all that is optional.
        value = aws.client("secretsmanager").create_secret(
            Name="drill-two/bypass", SecretString=json.dumps({"value": secrets.token_hex(24)})
        )
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        two = drill.build(
            aws,
            application,
            bootstrap,
            "drill-two",
            # As people answer a guide that takes no empty answer.
            BypassHeaderValue="none",
            BypassHeaderSecret=f"{value['ARN']}:SecretString:value",
            KmsKeyArn=key,
            Tracing="Active",
            Site="the other site",
            NotificationEmail="ops@example.com",
            AlarmsTo="own",
            LogGroupIs="kept",
            # Every form that the template lets through, up to the longest.
            RemindBefore="P1W2DT3H4M5S,PT90S,PT0H30M,P0DT1H",
            WarnBeforeEnd=LONGEST,
            MaxDuration=LONGEST,
            HistoryDays="9999",
        )
        for site in (one, two):
            permissions.widen(site.aws, site.deployment.function_role)
        yield from neighbours.prove(one, two)
        yield from command_line.prove(program, one, two)
        yield from races.prove(one)
        yield from life.prove(one, bootstrap)
    # On one that is empty, since the documents' names are taken as they stand there.
    yield from typed.prove(bootstrap, program)


if __name__ == "__main__":
    sys.exit(main())
