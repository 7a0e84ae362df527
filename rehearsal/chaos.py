"""Nights in which AWS fails: what is true then, and whether all is well in the end.

`python -m rehearsal.chaos --bootstrap PATH` plays every night of troubles.py and two at random,
each on a local AWS of its own and some at once, since most of their time is waiting. `SEED=` brings
one night at random back, and `NIGHTS=` chooses some by their names.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import botocore.exceptions

from rehearsal import drill, night, permissions, shop, troubles, truths
from rehearsal.deployment import Answer, invoke
from rehearsal.door import Door
from rehearsal.local_aws import LocalAws, ignore_callers_settings
from rehearsal.options import PROJECT
from rehearsal.timeline import Timeline
from rehearsal.witness import Status, Witness, end_of, is_answered, story

HOME = PROJECT / ".rehearsal"
EVENT_FILE = PROJECT / "events/book.json"
BYPASS_HEADER = "X-Maintenance-Bypass"
RANDOM_NIGHTS = 2
# How many nights are played at once.
AT_ONCE = 5
# In place of every five minutes: the sweep mends what is left, and a window here is a short one.
SWEEP_EVERY_S = 10.0
# Between two questions how the site stands.
ASK_EVERY_S = 1.5
# How much more time a person asks for.
MORE = {"action": "extend", "id": night.WINDOW_ID, "by": "PT30S", "request_id": "more-time"}
# After the last trouble, before the last sweep: what a run that is gone may still have sent to the
# bucket is waited for, and only then the files are written once more.
SETTLING_S = 25.0


def main() -> int:
    """Exit code 0 if all was well and truly told in every night."""
    parser = argparse.ArgumentParser(prog="rehearsal.chaos", description=__doc__)
    parser.add_argument("--bootstrap", type=Path, required=True, help="the function's executable")
    parser.add_argument("--night", help="play this night alone, in this process")
    given = parser.parse_args()
    bootstrap = given.bootstrap.resolve()
    ignore_callers_settings()
    # As Ctrl-C: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if given.night:
            return play_here(plan_of(given.night), bootstrap)
        return play_all(chosen(os.environ.get("SEED"), os.environ.get("NIGHTS")), bootstrap)
    except KeyboardInterrupt:
        return 130


def chosen(seed: str | None, names: str | None) -> list[str]:
    """The names of the nights to play."""
    if seed:
        return [plan_of(f"seed-{int(seed)}").name]
    if names:
        return [plan_of(name).name for name in names.replace(",", " ").split()]
    dice = random.SystemRandom()
    drawn = [troubles.draw(dice.randrange(10**6)) for _ in range(RANDOM_NIGHTS)]
    return [plan.name for plan in [*drawn, *troubles.nights()]]


def plan_of(name: str) -> troubles.Plan:
    """The night of that name."""
    if name.startswith("seed-"):
        return troubles.draw(int(name.removeprefix("seed-")))
    found = {plan.name: plan for plan in troubles.nights()}
    if name not in found:
        raise SystemExit(f"NIGHTS: there is no {name!r}; there are {', '.join(found)}, and seed-N")
    return found[name]


def play_all(names: list[str], bootstrap: Path) -> int:
    """Each in a process of its own, some at once; prints each as it is over."""
    started: list[subprocess.Popen[str]] = []

    def play(name: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "rehearsal.chaos", "--bootstrap", str(bootstrap)]
        with subprocess.Popen(
            [*command, "--night", name],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            started.append(process)
            printed, _ = process.communicate()
            return process.returncode, printed

    failed = []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        try:
            played = {pool.submit(play, name): name for name in names}
            for one in as_completed(played):
                code, printed = one.result()
                print(printed, flush=True)
                failed += [played[one]] if code else []
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in started:
                process.terminate()
            raise
    if failed:
        print(f"Play them again with NIGHTS={','.join(failed)}.")
    print(f"nights: {len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def play_here(plan: troubles.Plan, bootstrap: Path) -> int:
    """One night, and its verdict; what was seen is kept."""
    told = "; ".join(map(str, plan.troubles))
    if plan.asks_for_more_at is not None:
        told += f"; a person asks for more time at T{plan.asks_for_more_at:+.0f}s"
    print(f"{plan.name}, a window of {plan.window_s} s: {told}")
    witness = live(plan, bootstrap)
    told = [f"  {line}" for line in story(witness)]
    judged = truths.judge(witness)
    for claim, found in judged:
        if found:
            told += [f"  BROKEN  {claim}", *(f"            {finding}" for finding in found)]
    broken = sum(bool(found) for _, found in judged)
    kept = HOME / f"chaos-{plan.name}.json"
    kept.write_text(
        json.dumps(dataclasses.asdict(witness), indent=1, default=str), encoding="utf-8"
    )
    if broken:
        told.append(f"  what was seen is in {kept}, and beside it the log of the local AWS")
    print("\n".join([*told, f"  claims: {len(judged) - broken} passed, {broken} failed"]))
    return 1 if broken else 0


def live(plan: troubles.Plan, bootstrap: Path) -> Witness:
    """The night itself, on a local AWS of its own."""
    aws = LocalAws(HOME, keeps_state=True)
    gate = troubles.Gate()
    with contextlib.ExitStack() as running:
        running.callback(lambda: aws.discard(keep_log_as=HOME / f"chaos-{plan.name}.log"))
        door = running.enter_context(Door(aws.port, fate=gate.fate))
        aws.endpoint_for_functions = door.address
        running.enter_context(aws)
        application = running.enter_context(shop.Application())
        built = drill.build(aws, application, bootstrap, "chaos")
        permissions.widen(aws, built.deployment.function_role)
        bypass = (BYPASS_HEADER, built.parameters["BypassHeaderValue"])
        feeds = shop.feeds_of(aws, built.bucket)
        site = night.Site(aws, built.deployment, built.balancer, bypass, feeds)
        onlooker = Onlooker(plan, built, troubles.Troublemaker(built, gate))
        seen = night.live(
            site, EVENT_FILE, plan.window_s, Timeline(quiet=True), meanwhile=onlooker.through
        )
        return Witness(
            # What follows from the end is held against the end that was decided last.
            night=dataclasses.replace(seen, end=end_of(seen)),
            booked_end=seen.end,
            spells=onlooker.spells,
            statuses=onlooker.statuses,
            tries=onlooker.tries,
            page_left=built.visitors_file(),
        )


class Onlooker:
    """Plays the troubles of a night, sweeps as AWS would, and asks how the site stands."""

    def __init__(self, plan: troubles.Plan, site: drill.Site, maker: troubles.Troublemaker) -> None:
        self._plan, self._site, self._maker = plan, site, maker
        self.statuses: list[Status] = []
        self.tries: list[Status] = []
        # Made here: making a client is not safe in several threads.
        self._asks, self._sweeps, self._person = (site.aws.client("lambda") for _ in range(3))
        self._stopped = threading.Event()

    @property
    def spells(self) -> list[troubles.Spell]:
        """The troubles as they were."""
        return self._maker.spells

    @contextlib.contextmanager
    def through(self, start: float, _end: float) -> Iterator[None]:
        """While the window is lived through; left only when every trouble is over."""
        trouble = threading.Thread(
            target=self._maker.play, args=(self._plan.troubles, start, self._stopped)
        )
        others = (self._ask, self._sweep, lambda: self._want_more(start))
        threads = [trouble, *(threading.Thread(target=run) for run in others)]
        for thread in threads:
            thread.start()
        try:
            yield
            trouble.join()
            last = max((spell.ended for spell in self.spells), default=0.0)
            time.sleep(max(0.0, last + SETTLING_S - time.time()))
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        while not self._stopped.wait(ASK_EVERY_S):
            sent = time.time()
            answer = asked(self._asks, self._site.stack, {"action": "status"})
            self.statuses.append(Status(sent, time.time(), answer))

    def _want_more(self, start: float) -> None:
        moment = self._plan.asks_for_more_at
        if moment is None or self._stopped.wait(max(0.0, start + moment - time.time())):
            return
        answered = False
        while not answered and not self._stopped.wait(ASK_EVERY_S):
            sent = time.time()
            answer = asked(self._person, self._site.stack, MORE)
            self.tries.append(Status(sent, time.time(), answer))
            answered = is_answered(answer)

    def _sweep(self) -> None:
        while not self._stopped.wait(SWEEP_EVERY_S):
            with contextlib.suppress(
                botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError
            ):
                # As Scheduler does it: nobody waits for the answer.
                self._sweeps.invoke(
                    FunctionName=self._site.stack,
                    InvocationType="Event",
                    Payload=json.dumps({"action": "sweep"}).encode(),
                )


def asked(client: Any, function: str, event: dict[str, Any]) -> Answer:
    """The function's answer, or what Lambda said in its place."""
    try:
        return invoke(client, function, event)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        return Answer(failed=True, document=None, text=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
