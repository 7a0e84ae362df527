"""Runs the rehearsal and says how it went; see the package."""

import contextlib
import secrets
import shlex
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rehearsal import command_line, night, permissions, promises, shop
from rehearsal.deployment import STACK, deploy
from rehearsal.local_aws import LocalAws, ignore_callers_settings
from rehearsal.options import PROJECT, Options, parse
from rehearsal.timeline import Timeline

HOME = PROJECT / ".rehearsal"
LAST_FAILURE_LOG = HOME / "last-failure.log"
FUNCTION_LOG = HOME / "function.log"
EVENT_FILE = PROJECT / "events/book.json"
BYPASS_HEADER = "X-Maintenance-Bypass"
# The bucket that the edge would have.
PAGES = "rehearsal-pages"


def main() -> int:
    """Exit code 0 if every promise was kept, 1 if not, 130 if interrupted."""
    options = parse(sys.argv[1:])
    ignore_callers_settings()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        return rehearse(options)
    except RuntimeError as error:
        print(f"\nThe rehearsal could not be held: {error}.", file=sys.stderr, flush=True)
        print(f"The log of the local AWS is kept in {LAST_FAILURE_LOG}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is left running.", flush=True)
        return 130


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Unwinds everything once; a second Ctrl-C must not cut the tidying up short."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def rehearse(options: Options) -> int:
    """One whole rehearsal, from an empty machine to the verdict."""
    timeline = Timeline(quiet=options.quiet)
    bypass = (BYPASS_HEADER, secrets.token_hex(24))
    # DEBUG, so that the promise about secrets is held against all that the function can log.
    aws = LocalAws(HOME, log_level="DEBUG")
    with contextlib.ExitStack() as running:
        # Undone last, when nothing writes any more. Whatever goes wrong, the log tells more.
        kept_log: Path | None = LAST_FAILURE_LOG
        running.callback(lambda: aws.discard(keep_log_as=kept_log))
        running.enter_context(aws)
        timeline.say(f"the local AWS is up at {aws.endpoint}")
        aws.client("s3").create_bucket(Bucket=PAGES)
        feeds = shop.feeds_of(aws, PAGES)
        application = running.enter_context(shop.Application(feeds))
        balancer = shop.put_before(application, aws)
        timeline.say(f"a load balancer forwards visitors to the shop: {balancer.host}")
        deployment = deploy(
            aws,
            PROJECT,
            options.bootstrap,
            {
                "RuleArns": balancer.rule_arn,
                "BypassHeaderName": bypass[0],
                "BypassHeaderValue": bypass[1],
                "ErrorBucket": PAGES,
                "AnnounceBefore": "PT72H",
            },
            without_sam=options.plain,
        )
        permissions.widen(aws, deployment.function_role)
        template = "the plain template of a release" if options.plain else "template.yaml"
        timeline.say(f"{template} is deployed as the stack {STACK}")
        timeline.say("the function runs under its own role; what that does not grant is refused")

        site = night.Site(aws, deployment, balancer, bypass, feeds)
        seen = night.live(site, EVENT_FILE, options.window_s, timeline)
        FUNCTION_LOG.write_text("\n".join(seen.log) + "\n", encoding="utf-8")
        judged = promises.judge(seen)
        announce(judged, timeline)
        if all(promise.kept for promise in judged):
            kept_log = None
        if options.keep:
            show_how_to_play(aws, balancer, bypass, application.port, timeline)
            wait_for_interrupt()
        if kept_log is not None:
            timeline.announce(f"the function's log is in {FUNCTION_LOG}")
            timeline.announce(f"the log of the local AWS is kept in {kept_log}")
        return 0 if kept_log is None else 1


def announce(judged: list[promises.Promise], timeline: Timeline) -> None:
    """The verdict, promise by promise."""
    timeline.announce("")
    for promise in judged:
        timeline.announce(f"  {'kept  ' if promise.kept else 'BROKEN'}  {promise.text}")
        for finding in promise.broken_by:
            timeline.announce(f"            {finding}")
    broken = sum(not promise.kept for promise in judged)
    timeline.announce("")
    timeline.announce(f"promises: {len(judged) - broken} passed, {broken} failed")


def show_how_to_play(
    aws: LocalAws,
    balancer: shop.LoadBalancer,
    bypass: tuple[str, str],
    port: int,
    timeline: Timeline,
) -> None:
    """Commands that work as printed, in another terminal."""
    # In a file, so that the value itself is printed nowhere.
    header = aws.directory / "bypass-header"
    header.write_text(f"{bypass[0]}: {bypass[1]}\n", encoding="utf-8")
    header.chmod(0o600)
    host = shlex.quote(f"Host: {balancer.host}")
    lines = ["", "Everything stays up until Ctrl-C. In another terminal:", ""]
    lines += command_line.how_to_play(PROJECT / "target/debug/mw", aws)
    # The keys are in that terminal's environment by now, and so is the endpoint.
    cli = f"aws --endpoint-url {aws.endpoint}"
    lines += [
        "",
        "# an event as it is, with the AWS CLI",
        # By way of stdin, which versions 1 and 2 of the CLI read alike.
        f"""echo '{{"action":"status"}}' | {cli} lambda invoke --function-name {STACK} """
        "--payload fileb:///dev/stdin /dev/stdout",
        "",
        "# as a visitor, and as a tester",
        f"curl -i -H {host} {aws.endpoint}/",
        f"curl -i -H {host} -H {shlex.quote(f'@{header}')} {aws.endpoint}/",
        "",
        "# the shop in a browser: book a window with a message, and a notice announces it",
        f"http://127.0.0.1:{port}/",
        "# the same for calendars",
        f"curl http://127.0.0.1:{port}/errors/maintenance.ics",
        "",
        "# what is booked or active, and what rules had; `past` in place of `now` is the history",
        f"{cli} dynamodb query --table-name {STACK} --key-condition-expression '#s = :s' "
        """--expression-attribute-names '{"#s":"scope"}' """
        """--expression-attribute-values '{":s":{"S":"now"}}'""",
        "",
        "# the wake-ups",
        f"{cli} scheduler list-schedules --group-name {STACK}",
    ]
    for line in lines:
        timeline.announce(line)


def wait_for_interrupt() -> None:
    """Until a person has seen enough."""
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
