"""The console in a browser: a stand-in for the dashboard, against the deployed function.

`python -m rehearsal.console --bootstrap PATH` deploys to a local AWS, and lets Node drive Chromium.
"""

import argparse
import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from rehearsal import drill, permissions, shop
from rehearsal.deployment import invoke
from rehearsal.local_aws import LocalAws, ignore_callers_settings
from rehearsal.options import PROJECT
from rehearsal.reports import Mailbox

TESTS = "tests/console/console.test.mjs"
# Long enough for all of it on a slow machine.
TIMEOUT_S = 900


def main() -> int:
    """Node's exit code."""
    parser = argparse.ArgumentParser(prog="rehearsal.console", description=__doc__)
    parser.add_argument("--bootstrap", type=Path, required=True, help="the function's executable")
    parser.add_argument("command", nargs="*", help="what to run instead of the tests")
    given = parser.parse_args()
    command = given.command or ["node", "--test", TESTS]
    ignore_callers_settings()
    aws = LocalAws(PROJECT / ".rehearsal")
    with contextlib.ExitStack() as running:
        running.callback(aws.discard)
        running.enter_context(aws)
        application = running.enter_context(shop.Application())
        site = drill.build(aws, application, given.bootstrap.resolve(), "console")
        permissions.widen(aws, site.deployment.function_role)
        # A topic with somebody who hears, or a check would find fault with it.
        running.enter_context(Mailbox(aws, site.deployment.topic_arn))
        bridge = running.enter_context(Bridge(site))
        settings = {"BRIDGE": bridge.address, "FUNCTION": arn(site)}
        ran = subprocess.run(
            command, cwd=PROJECT, env=os.environ | settings, timeout=TIMEOUT_S, check=False
        )
        return ran.returncode


def arn(site: drill.Site) -> str:
    """The function's ARN, as a dashboard has it."""
    functions = site.aws.client("lambda")
    found = functions.get_function(FunctionName=site.deployment.function)
    return str(found["Configuration"]["FunctionArn"])


class Bridge:
    """Takes events for functions over HTTP on loopback, and says how the site's rule stands."""

    def __init__(self, site: drill.Site) -> None:
        """A bridge to the local AWS that the site is in."""
        self._site = site

    def __enter__(self) -> "Bridge":
        site = self._site

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.respond(answer(site, self.path, given))

            def respond(self, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing: the tests do."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(site: drill.Site, path: str, given: dict[str, Any]) -> dict[str, Any]:
    """What a request to the bridge is answered."""
    if path == "/rule":
        return {"closed": site.in_maintenance()}
    answered = invoke(site.aws.client("lambda"), given["function"], given["event"])
    return {"failed": answered.failed, "document": answered.document}


if __name__ == "__main__":
    sys.exit(main())
