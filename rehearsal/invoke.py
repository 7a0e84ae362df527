"""Invokes the rehearsal's function by hand, for those without the AWS CLI.

`python -m rehearsal.invoke ENDPOINT EVENT`, with the event as JSON.
"""

import json
import sys

from rehearsal.deployment import STACK, invoke
from rehearsal.local_aws import client, ignore_callers_settings


def main() -> int:
    """Prints the response; fails if the function did."""
    if len(sys.argv) != 3 or not sys.argv[1].startswith("http://127.0.0.1:"):
        print(__doc__, file=sys.stderr)
        return 2
    ignore_callers_settings()
    answer = invoke(client("lambda", sys.argv[1]), STACK, json.loads(sys.argv[2]))
    print(answer.text if answer.document is None else json.dumps(answer.document, indent=2))
    return 1 if answer.failed else 0


if __name__ == "__main__":
    sys.exit(main())
