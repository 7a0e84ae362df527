"""What is there, what is wanted, and the steps from the one to the other.

Each step looks before it acts and does nothing where all is as it should be. So a second run
changes nothing, and a run that was broken off goes on where it stopped.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import botocore.exceptions

from account import RefusedError
from account.edge import PROJECT, contents, existing, stacks, surroundings
from account.edge.runner import Step
from account.edge.templates import Template, unknown
from account.function import ask
from account.undeploy import refuse_while_closed

EDGE_TEMPLATE = PROJECT / "site" / "template.yaml"
FUNCTION_TEMPLATE = "maintenance-window.yaml"
# CloudFront's names hold the stack's name, which may have at most 40 characters.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,34}")
FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,57}")
# What the command itself says to the function's stack, of the edge's outputs and the secret.
FILLED = {
    "ErrorBucket",
    "CodeBucket",
    "CodeKey",
    "BypassHeaderValue",
    "BypassHeaderSecret",
    "BypassHeaderParameter",
}


@dataclass(frozen=True)
class Order:
    """What was asked for."""

    name: str
    given: Mapping[str, str]
    # Where the function's zip and plain template are.
    package: Path
    secret: str | None = None
    function: str | None = None

    @property
    def edge_stack(self) -> str:
        """The name of the edge's stack."""
        return f"{self.name}-edge"

    @property
    def function_stack(self) -> str:
        """The name of the function's stack."""
        return self.function or f"{self.name}-maintenance"


class Deployment:
    """The edge and the function behind it, in one account and Region."""

    def __init__(
        self, client: surroundings.Client, order: Order, pause: Callable[[], None]
    ) -> None:
        """Looks at the account; raises `RefusedError` with all that is wrong with the order."""
        self.client, self.order, self.pause = client, order, pause
        self.cloudformation, self.storage = client("cloudformation"), client("s3")
        self.region = self.cloudformation.meta.region_name
        caller = client("sts").get_caller_identity()
        self.account, self.caller = caller["Account"], caller["Arn"]
        missing = [
            f"expected the template as {path}, found none; unpack a release's files there, or use "
            "`make edge`, which makes the function's"
            for path in (EDGE_TEMPLATE, order.package / FUNCTION_TEMPLATE)
            if not path.is_file()
        ]
        if missing:
            raise RefusedError(*missing)
        self.edge_template = Template.read(EDGE_TEMPLATE)
        self.function_template = Template.read(order.package / FUNCTION_TEMPLATE)
        self.edge = stacks.look(self.cloudformation, order.edge_stack)
        self.function = stacks.look(self.cloudformation, order.function_stack)
        self.bypass = contents.Bypass(
            client("secretsmanager"), client("cloudfront-keyvaluestore"), self._secret_name()
        )

    @property
    def busy(self) -> list[stacks.Stack]:
        """The stacks in which something is under way."""
        return [stack for stack in (self.edge, self.function) if stack and stack.busy]

    @property
    def outputs(self) -> Mapping[str, str]:
        """What the edge's stack tells; empty as long as it is not made."""
        return self.edge.outputs if self.edge and self.edge.status in stacks.SETTLED else {}

    def settle(self) -> None:
        """Waits until nothing is under way."""
        for stack in self.busy:
            stacks.settle(self.cloudformation, stack.name, self.pause)
        self.refresh()

    def refresh(self) -> None:
        """Looks at both stacks again."""
        self.edge = stacks.look(self.cloudformation, self.order.edge_stack)
        self.function = stacks.look(self.cloudformation, self.order.function_stack)

    # What is wrong.

    def prepare(self) -> None:
        """Makes out what is wanted; raises `RefusedError` with every problem."""
        order, edge, function = self.order, self.edge_template, self.function_template
        found = []
        for name, pattern in ((order.name, NAME), (order.function_stack, FUNCTION_NAME)):
            if not pattern.fullmatch(name):
                found.append(
                    f"the name {name!r}: expected a letter and then letters, digits and hyphens, "
                    "at most 35 for the site and 3 to 58 for the function's stack"
                )
        found += unknown(order.given, edge.parameters.keys() | function.parameters.keys() - FILLED)
        self.edge_given = {k: v for k, v in order.given.items() if k in edge.parameters}
        self.function_given = {
            k: v
            for k, v in order.given.items()
            # The edge says it to the function.
            if k in function.parameters and k not in edge.parameters and k not in FILLED
        }
        before = self._before(self.edge, edge)
        known = {k: v for k, v in before.items() if v} | self.edge_given
        self.edge_given |= surroundings.complete(self.client, known)
        values = edge.defaults() | before | self.edge_given
        found += [one for stack in (self.edge, self.function) if stack and (one := stack.problem())]
        wrong = edge.problems(values, self._kept(self.edge, edge) - self.edge_given.keys())
        found += wrong
        found += self._function_problems()
        if not wrong:
            found += surroundings.problems(
                self.client, self.account, self.region, values, self.outputs
            )
        if not found:
            found += self._closed()
        if found:
            raise RefusedError(*found)

    def _function_problems(self) -> list[str]:
        template = self.function_template
        values = template.defaults() | self._before(self.function, template) | self.function_given
        values |= {"BypassHeaderValue": "", "BypassHeaderParameter": ""}
        values["BypassHeaderSecret"] = "later"
        known = FILLED | ({"RuleArns"} - self.function_given.keys())
        found = template.problems(values, known | self._kept(self.function, template))
        try:
            self.code = contents.Code.read(self.order.package, values["Architecture"])
        except RefusedError as refused:
            found += refused.problems
        try:
            self.bypass.look(self.outputs.get("BypassStore"))
        except RefusedError as refused:
            found += refused.problems
        if self._is_new(self.function) and values["TableIs"] != "left" and self._table_is_there():
            found.append(
                f"the table {self.order.function_stack} of an earlier stack is still there, with "
                "its history; give TableIs=left to go on with it, or delete it as docs/RUNBOOK.md "
                "says"
            )
        return found

    def _table_is_there(self) -> bool:
        try:
            self.client("dynamodb").describe_table(TableName=self.order.function_stack)
        except botocore.exceptions.ClientError as error:
            if contents.code_of(error) not in contents.GONE:
                raise
            return False
        return True

    def _closed(self) -> list[str]:
        """An update of the edge may write the rule's conditions anew, which opens a closed site."""
        function = self.function
        if self._is_new(self.edge) or self._is_new(function) or not function.outputs:
            return []
        assert self.edge
        if not stacks.changes(self.cloudformation, self.edge, self._edge_wanted()):
            return []
        rules = [rule for rule in function.parameters.get("RuleArns", "").split(",") if rule]
        try:
            refuse_while_closed(self.client, function.outputs["FunctionName"], rules)
        except RefusedError as refused:
            return [
                f"the edge would be updated, which may open a site in maintenance, and {refused}"
            ]
        return []

    @staticmethod
    def _is_new(stack: stacks.Stack | None) -> bool:
        return stack is None or stack.status == stacks.REMAINS

    @staticmethod
    def _before(stack: stacks.Stack | None, template: Template) -> dict[str, str]:
        """The values that the stack has, as far as they are shown and still asked for."""
        return {
            name: value
            for name, value in (stack.parameters if stack else {}).items()
            if name in template.parameters and template.shows(name)
        }

    def _kept(self, stack: stacks.Stack | None, template: Template) -> set[str]:
        """The parameters whose value is not shown, and which the stack keeps."""
        if self._is_new(stack):
            return set()
        return {
            name
            for name in stack.parameters
            if name in template.parameters and not template.shows(name)
        }

    def _secret_name(self) -> str:
        """As asked for, or what the function's stack has, or a new one's."""
        before = self.function.parameters.get("BypassHeaderSecret", "") if self.function else ""
        # A dynamic reference: NAME:SecretString:KEY:STAGE:VERSION; an ARN has six colons itself.
        parts = before.split(":")
        known = ":".join(parts[:7]) if before.startswith("arn:") else parts[0]
        return self.order.secret or known or f"{self.order.function_stack}/bypass"

    # What is wanted.

    def _edge_wanted(self) -> stacks.Wanted:
        template, stack = self.edge_template, self.edge
        return self._wanted(self.order.edge_stack, template, stack, self.edge_given)

    def _function_wanted(self, secret: contents.Secret) -> stacks.Wanted:
        outputs, stack = self.outputs, self.function
        before = stack.parameters if stack else {}
        given = self.function_given
        rules = given.get("RuleArns", before.get("RuleArns", "")).split(",")
        filled = {
            "RuleArns": ",".join(dict.fromkeys([*filter(None, rules), outputs["RuleArns"]])),
            "BypassHeaderName": outputs["BypassHeaderName"],
            "ErrorBucket": outputs["ErrorBucket"],
            "CodeBucket": outputs["ErrorBucket"],
            "CodeKey": self.code.key,
            "BypassHeaderSecret": secret.reference,
            "BypassHeaderParameter": "",
        }
        if "ProbeUrl" not in given and not before.get("ProbeUrl"):
            filled["ProbeUrl"] = outputs["ProbeUrl"]
        if not self._is_new(stack) and not before.get("BypassHeaderSecret"):
            # The value stood in the parameters until now.
            filled["BypassHeaderValue"] = ""
        return self._wanted(
            self.order.function_stack,
            self.function_template,
            stack,
            given | filled,
            ("CAPABILITY_IAM",),
        )

    def _wanted(
        self,
        name: str,
        template: Template,
        stack: stacks.Stack | None,
        given: Mapping[str, str],
        capabilities: tuple[str, ...] = (),
    ) -> stacks.Wanted:
        kept: dict[str, str | None] = dict(self._before(stack, template))
        if not self._is_new(stack):
            kept = dict.fromkeys(kept.keys() | self._kept(stack, template))
        return stacks.Wanted(name, template, dict(sorted((kept | given).items())), capabilities)

    # The steps.

    def steps(self) -> list[Step]:
        """All, in their order."""
        return [
            Step("edge", self._look_edge, self._deploy_edge),
            self._pages(),
            *existing.secret(self.bypass, lambda: self.outputs.get("BypassStore")),
            Step("code", self._look_code, self._upload_code),
            Step("function", self._look_function, self._deploy_function),
        ]

    def _look_stack(
        self,
        name: str,
        stack: stacks.Stack | None,
        given: tuple[Template, Mapping[str, str]],
        wanted: Callable[[], stacks.Wanted],
    ) -> str | None:
        if stack is None:
            template, values = given
            told = [
                f"{key} {value!r}" if template.shows(key) else f"{key}, which is not shown"
                for key, value in sorted(values.items())
            ]
            return f"create the stack {name}" + (f": {'; '.join(told)}" if told else "")
        if stack.status == stacks.REMAINS:
            hidden = sorted(
                key for key, value in stack.parameters.items() if value == stacks.NOT_SHOWN
            )
            lost = f" ({', '.join(hidden)} only if given again)" if hidden else ""
            return f"delete what is left of {name}, whose creation failed, and create it anew{lost}"
        if stack.busy:
            return f"wait for the stack {name}, which is {stack.status}, and then look again"
        changed = stacks.changes(self.cloudformation, stack, wanted())
        after = " (its last update was undone)" if stack.status.startswith("UPDATE_ROLL") else ""
        return f"update the stack {name}{after}: {'; '.join(changed)}" if changed else None

    def _look_edge(self) -> str | None:
        given = (self.edge_template, self.edge_given)
        return self._look_stack(self.order.edge_stack, self.edge, given, self._edge_wanted)

    def _deploy_edge(self) -> str:
        done = stacks.deploy(self.cloudformation, self._edge_wanted(), self.pause)
        self.refresh()
        return done

    def _pages(self) -> Step:
        # The bucket is known only once the edge is there.
        def of_the_bucket() -> Step | None:
            bucket = self.outputs.get("ErrorBucket")
            return existing.pages(self.storage, bucket) if bucket else None

        def look() -> str | None:
            step = of_the_bucket()
            return step.look() if step else "upload every page"

        def act() -> str:
            step = of_the_bucket()
            assert step
            return step.act()

        return Step("pages", look, act)

    def _look_code(self) -> str | None:
        bucket = self.outputs.get("ErrorBucket")
        late = not bucket or self.code.late(self.storage, bucket)
        return f"upload {self.code.path.name} as {self.code.key}" if late else None

    def _upload_code(self) -> str:
        self.code.upload(self.storage, self.outputs["ErrorBucket"])
        return "uploaded"

    def _look_function(self) -> str | None:
        name = self.order.function_stack
        secret, _ = self.bypass.look(None)
        settled = self.function and self.function.status in stacks.SETTLED
        if settled and not (secret and self.outputs):
            return f"update the stack {name} with the edge's outputs and the secret"

        def wanted() -> stacks.Wanted:
            assert secret
            return self._function_wanted(secret)

        given = (self.function_template, self.function_given)
        return self._look_stack(name, self.function, given, wanted)

    def _deploy_function(self) -> str:
        secret = self.bypass.ensure(self.outputs["BypassStore"])
        done = stacks.deploy(self.cloudformation, self._function_wanted(secret), self.pause)
        self.refresh()
        return done

    # What comes last.

    def check(self) -> tuple[list[str], bool]:
        """What the function's own `check` says, line by line, and whether it found no error."""
        assert self.function
        text, failed = ask(self.client, self.function.outputs["FunctionName"], "check")
        if failed:
            return [f"the function failed: {text}"], False
        document = json.loads(text)
        told = [str(document.get("message", ""))]
        findings = document.get("findings", [])
        for one in findings:
            told.append(f"{one['severity']}: {one['what']}: {one['why']}; {one['fix']}")
        return told, all(one["severity"] != "error" for one in findings)
