"""Deploys the edge, and the function behind it.

`python3 -m account.edge NAME [PARAMETER=VALUE …]`

It makes or updates the stack NAME-edge from site/template.yaml, uploads the pages, makes a secret
for testers in Secrets Manager and puts it into CloudFront's key value store, uploads the function's
zip, makes or updates the stack NAME-maintenance, runs the function's check, and says what to do
with DNS. What is there already stays: run the same command again after any failure, or with other
parameters. Those of both templates can be given; what is not given keeps its value, or has its
default.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from account import RefusedError
from account.edge import PROJECT
from account.edge.plan import FUNCTION_TEMPLATE, Deployment, Order
from account.edge.runner import AGAIN, Ask, Progress, clients, guarded, line, say
from account.edge.templates import read_given

PAUSE_S = 10


def main(
    words: Sequence[str] | None = None,
    client: Callable[..., Any] | None = None,
    ask: Ask = input,
    pause: Callable[[], None] = lambda: time.sleep(PAUSE_S),
) -> int:
    """Exit code 0 if all is deployed and `check` found no error."""
    options = parsed(words)
    return guarded(lambda progress: deploy(options, client or clients(), ask, pause, progress))


def deploy(
    options: argparse.Namespace,
    client: Callable[..., Any],
    ask: Ask,
    pause: Callable[[], None],
    progress: Progress,
) -> int:
    """Deploys, checks, and says what is left to do."""
    given, problems = read_given(options.parameters, options.file)
    problems += on_the_command_line(options.parameters)
    if problems:
        raise RefusedError(*problems)
    order = Order(options.name, given, options.package, options.secret, options.function)
    deployment = Deployment(client, order, pause)
    say(f"Account {deployment.account}, Region {deployment.region}, as {deployment.caller}.")
    for stack in deployment.busy:
        say(f"The stack {stack.name} is {stack.status}: this waits for it.")
    if not options.dry_run:
        deployment.settle()
    deployment.prepare()
    steps = deployment.steps()
    done = progress.carry_out(steps, ask, dry_run=options.dry_run, yes=options.yes)
    if not done:
        return 0 if options.dry_run else 1
    progress.doing = "The step check"
    told, good = deployment.check()
    for text in told:
        line("check", text)
    for text in farewell(deployment):
        say(text)
    if not good:
        print(f"`check` found what would make a window fail. {AGAIN}", file=sys.stderr)
    return 0 if good else 1


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="account.edge",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="the site's short name, such as shop")
    parser.add_argument("parameters", nargs="*", help="PARAMETER=VALUE, of either template")
    parser.add_argument("--file", type=Path, help="a file of PARAMETER=VALUE lines, # for remarks")
    parser.add_argument(
        "--package",
        type=Path,
        default=package(),
        help="the folder of the function's zip and plain template (default: that of the release, "
        "or target/package)",
    )
    parser.add_argument("--secret", help="a secret of Secrets Manager (default: FUNCTION/bypass)")
    parser.add_argument("--function", help="the function's stack (default: NAME-maintenance)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_intermixed_args(words)
    if not given.name:
        parser.error("give the site's short name, with make as NAME=shop")
    return given


def package() -> Path:
    """Where a release was unpacked, or where `make executable` builds."""
    released = (PROJECT / FUNCTION_TEMPLATE).is_file()
    return PROJECT if released else PROJECT / "target" / "package"


def on_the_command_line(words: Sequence[str]) -> list[str]:
    """Secrets have no place where every process of the machine can read them."""
    return [
        f"{name} is a secret, and a command line can be read by other processes: give it in a file "
        "by --file"
        for name in ("OriginLockValue",)
        if any(word.partition("=")[0].strip() == name and word.partition("=")[2] for word in words)
    ]


def farewell(deployment: Deployment) -> list[str]:
    """What is left to do."""
    outputs = deployment.outputs
    target = outputs["DistributionDomainName"]
    domains = deployment.edge.parameters["DomainNames"].split(",") if deployment.edge else []
    first = domains[0]
    told = [
        "",
        "Try the site by CloudFront's name before visitors meet it:",
        f"  curl -sI --connect-to {shlex.quote(f'{first}:443:{target}:443')} https://{first}/",
        "If that is your site, point its names at CloudFront, with a short TTL first:",
        *(f"  {domain}  CNAME  {target}" for domain in domains),
        "A name such as example.com takes no CNAME: in Route 53 make A and AAAA records that are",
        "aliases of it (hosted zone Z2FDTNDATAQYW2); elsewhere ALIAS or ANAME.",
        f"Then run the same command once more: check has now to see it all at https://{first}/.",
        "The testers' secret is in Secrets Manager; site/README.md says how they use it:",
        f"  aws secretsmanager get-secret-value --secret-id {shlex.quote(deployment.bypass.name)} "
        "--query SecretString --output text",
    ]
    if deployment.function and deployment.function.parameters.get("NotificationEmail"):
        told.append("Confirm the subscription that AWS has mailed, or no report arrives.")
    return told


if __name__ == "__main__":
    sys.exit(main())
