"""Fills what a distribution of your own was given: its bucket with the pages, its store.

`python3 -m account.edge.existing --bucket BUCKET [--store ARN --secret NAME]`; site/EXISTING.md
tells how the distribution comes to both. The secret is made in Secrets Manager, unless it is
there.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from account.edge import contents
from account.edge.runner import Ask, Progress, Step, clients, guarded, say


def main(
    words: Sequence[str] | None = None,
    client: Callable[..., Any] | None = None,
    ask: Ask = input,
) -> int:
    """Exit code 0 if all is as it should be."""
    parser = argparse.ArgumentParser(
        prog="account.edge.existing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bucket", required=True, help="the bucket of the error pages")
    parser.add_argument("--store", default="", help="the key value store's ARN")
    parser.add_argument("--secret", default="", help="the secret's name in Secrets Manager")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(words)
    if not options.bucket:
        parser.error("give the bucket, with make as BUCKET=name")
    if bool(options.store) != bool(options.secret):
        parser.error("the store and the secret go together: give both, or neither for the pages")
    return guarded(lambda progress: fill(options, client or clients(), ask, progress))


def fill(
    options: argparse.Namespace, client: Callable[..., Any], ask: Ask, progress: Progress
) -> int:
    """Looks, asks, and does what is left to do."""
    caller = client("sts").get_caller_identity()
    storage = client("s3")
    say(f"Account {caller['Account']}, Region {storage.meta.region_name}, as {caller['Arn']}.")
    steps = [pages(storage, options.bucket)]
    if options.store:
        bypass = contents.Bypass(
            client("secretsmanager"), client("cloudfront-keyvaluestore"), options.secret
        )
        steps += secret(bypass, lambda: options.store)
    done = progress.carry_out(steps, ask, dry_run=options.dry_run, yes=options.yes)
    return 0 if done or options.dry_run else 1


def pages(storage: Any, bucket: str) -> Step:
    """The pages, in a bucket that is there."""

    def look() -> str | None:
        late = contents.late_pages(storage, bucket)
        return f"upload {', '.join(page.name for page in late)}" if late else None

    def act() -> str:
        late = contents.late_pages(storage, bucket)
        contents.upload_pages(storage, bucket, late)
        return f"uploaded {len(late)}"

    return Step("pages", look, act)


def secret(bypass: contents.Bypass, store: Callable[[], str | None]) -> list[Step]:
    """The secret in Secrets Manager, and at the edge; of the store the ARN once there is one."""

    def look_secret() -> str | None:
        found, at_the_edge = bypass.look(store())
        if found:
            return None
        what = "with what the edge's store holds" if contents.usable(at_the_edge) else "a new one"
        return f"make the secret {bypass.name} in Secrets Manager, {what}"

    def make_secret() -> str:
        bypass.ensure(store())
        return f"made {bypass.name}"

    def look_store() -> str | None:
        found, at_the_edge = bypass.look(store())
        if found and at_the_edge == found.value:
            return None
        return "put the secret into the edge's key value store" + (
            ", in another one's place" if at_the_edge and found else ""
        )

    def put_secret() -> str:
        arn = store()
        assert arn
        contents.put(bypass.store, arn, bypass.ensure(arn).value)
        return "put there"

    return [Step("secret", look_secret, make_secret), Step("store", look_store, put_secret)]


if __name__ == "__main__":
    sys.exit(main())
