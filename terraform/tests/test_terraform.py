"""The Terraform module and its example against the provider's schema and our templates."""

import json
import re
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

import yaml
from command import run
from provider import Provider

HERE = Path(__file__).parent
MODULE = HERE.parent
EXAMPLE = MODULE / "example"
PROJECT = MODULE.parent
SCHEMA = json.loads((HERE / "schema.json").read_text())

# What the plain template has besides template.yaml's parameters: those that the module fills in by
# itself, and one that it hands over. And what the module has besides both.
FILLED_IN = {"CodeBucket", "CodeKey"}
ARCHITECTURE = {"Type": "String", "Default": "arm64", "AllowedValues": ["arm64", "x86_64"]}
OF_THE_MODULE = {"name", "package_file", "template_file", "artifact_bucket", "tags"}

ARN = (
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/"
    "0123456789abcdef/0123456789abcdef/"
)
NEEDED = {
    "source": "./module",
    "name": "shop-maintenance",
    "package_file": "shop.zip",
    "template_file": "shop.template",
    "artifact_bucket": "shop-artifacts",
    "rule_arns": [f"{ARN}1"],
}
DURATIONS = [
    "PT10M",
    "P1W",
    "P1DT2H",
    "PT0S",
    "PT",
    "P",
    "P1DT",
    "P10M",
    "1h",
    "PT1H30M",
    "P1Y",
    "pt1h",
    "PT00H",
]
# Which of them are right, the template says.
SAMPLES: dict[str, list[Any]] = {
    "RuleArns": [
        [f"{ARN}1", f"{ARN}2"],
        [f"{ARN}1".replace("arn:aws:", "arn:aws-cn:")],
        [f"{ARN}1".replace("/app/", "/net/")],
        [f"{ARN}1", "none"],
        [f"{ARN}1 "],
        [f"{ARN}1".rpartition("/")[0].replace("listener-rule", "listener")],
    ],
    "BypassHeaderName": [
        "x-test",
        "a" * 40,
        "a" * 41,
        "",
        "Host",
        "HOST",
        "x-host",
        "x_test",
        "x test",
    ],
    "BypassHeaderValue": [
        "",
        "a" * 16,
        "a" * 15,
        "a" * 128,
        "a" * 129,
        f"{'a' * 16},{'b' * 16}",
        "a" * 16 + "*",
    ],
    "BypassHeaderSecret": ["", "shop", "shop:SecretString:key::1", "shop}", "a shop"],
    "BypassHeaderParameter": ["", "/shop/bypass:3", "/shop/bypass:", "shop bypass"],
    "NotificationEmail": ["", "ana@example.com", "ana", "ana@example", "a na@example.com"],
    "AlarmsTo": [
        "reports",
        "own",
        "arn:aws:sns:eu-west-1:123456789012:a",
        "",
        "a",
        "arn:aws:sns:a",
    ],
    "MuteAlarms": [
        [],
        ["shop-5xx"],
        ["shop-5xx", "shop slow"],
        ["a" * 255],
        ["a" * 256],
        ["shop*"],
        [" shop"],
    ],
    "RemindBefore": [[], ["PT24H", "PT1H"], ["PT24H", "PT"], *([each] for each in DURATIONS)],
    "WarnBeforeEnd": ["", *DURATIONS],
    "MaxDuration": ["", *DURATIONS],
    "AnnounceBefore": ["", *DURATIONS],
    "ProbeUrl": [
        "",
        "https://www.example.com/",
        "http://localhost:65535/a?b",
        "https://www.example.com:65536/",
        "https://www.example.com/#top",
        "www.example.com",
        "https://127.0.0.1/",
    ],
    "ErrorBucket": ["", "shop-errors", "Shop", "ab", "-shop"],
    "Architecture": ["arm64", "x86_64", "x86"],
    "ConsoleAccount": ["", "123456789012", "12345678901", "*"],
    "ConsoleMay": ["look", "act", "", "Act"],
    "LogLevel": ["TRACE", "INFO", "WARN", "info"],
    "LogRetentionDays": [1, 90, 2, 3653],
    "LogGroupIs": ["new", "kept", "left", "old"],
    "HistoryDays": [1, 400, 9999, 0, 10000, 1.5, -1],
    "Tracing": ["Active", "PassThrough", "active"],
    "KmsKeyArn": [
        "",
        "arn:aws:kms:eu-west-1:123456789012:key/1-2",
        "arn:aws:kms:eu-west-1:123456789012:alias/shop",
    ],
    "TableIs": ["new", "left", "old"],
    "Site": ["", "shop & sons", "the shop", "a" * 256, "a" * 257],
}


# What somebody has already, around the snippet of site/EXISTING.md.
MINE = """
variable "name" { default = "shop" }
variable "bypass_header_value" { sensitive = true }
locals { bypass_header_name = "x-maintenance-bypass" }

"""
MY_DISTRIBUTION = """
  enabled = true

  origin {
    origin_id   = "application"
    domain_name = "shop.example.com"

    custom_origin_config {
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      http_port              = 80
      https_port             = 443
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
"""
MY_BEHAVIOUR = """
    target_origin_id       = "application"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""
MY_TEST = """
mock_provider "aws" {}

variables {
  bypass_header_value = "0123456789abcdef"
}

run "all" {
  assert {
    condition     = length(aws_s3_object.page) == 6
    error_message = "every page is uploaded"
  }

  assert {
    condition     = length(aws_cloudfront_distribution.site.ordered_cache_behavior) == 5
    error_message = "every behaviour is there"
  }

  assert {
    condition     = length(aws_cloudfront_distribution.site.custom_error_response) == 11
    error_message = "every code is listed"
  }

  assert {
    condition     = length(aws_cloudfront_distribution.site.origin) == 2
    error_message = "the application's origin stays"
  }
}
"""


class Loader(yaml.SafeLoader):
    """Reads a template; what CloudFormation's functions give is not asked for."""


Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)
TEMPLATE = yaml.load((PROJECT / "template.yaml").read_text(), Loader)
PARAMETERS: dict[str, dict[str, Any]] = {
    name: of
    for name, of in {"Architecture": ARCHITECTURE, **TEMPLATE["Parameters"]}.items()
    if name not in FILLED_IN
}


def variable(parameter: str) -> str:
    """The module's name for a parameter."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", parameter).lower()


def text(value: Any) -> str:
    """What a value is as a parameter."""
    return ",".join(value) if isinstance(value, list) else str(value)


def allowed(parameter: str, value: Any) -> bool:
    """What the template says of a value."""
    of = PARAMETERS[parameter]
    if "AllowedValues" in of:
        return value in of["AllowedValues"]
    of_each = of["Type"] == "CommaDelimitedList"
    values = value if of_each else [text(value)]
    return all(re.search(of["AllowedPattern"], each) for each in values)


class Terraform(unittest.TestCase):
    """What Terraform says, in a folder for each test."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = {"TF_DATA_DIR": str(self.folder / "data")}

    def terraform(self, folder: Path, *arguments: str, fails: bool = False) -> str:
        """What one command printed."""
        done = run(folder, *arguments, **self.environment)
        said = done.stdout + done.stderr
        self.assertEqual(bool(done.returncode), fails, f"terraform {' '.join(arguments)}:\n{said}")
        return said

    def copy_of_the_module(self, *files: str) -> Path:
        """The module with these files only, and with its parameters as an output."""
        copy = self.folder / "root" / "module"
        copy.mkdir(parents=True)
        for file in files:
            shutil.copy(MODULE / file, copy)
        return copy


class Syntax(Terraform):
    """Terraform reads all of it, with the provider's schema."""

    def setUp(self) -> None:
        super().setUp()
        self.environment |= self.enterContext(Provider(SCHEMA))

    def test_all_files_are_formatted(self) -> None:
        self.terraform(MODULE, "fmt", "-check", "-diff", "-recursive", "-no-color")

    def test_the_provider_knows_every_argument_and_misses_none(self) -> None:
        for folder in (MODULE, EXAMPLE):
            with self.subTest(folder=folder.name):
                self.terraform(folder, "get", "-no-color")
                self.terraform(folder, "validate", "-no-color")

    def test_plans_are_what_they_should_be(self) -> None:
        for folder, most in ((MODULE, 5), (EXAMPLE, 3)):
            with self.subTest(folder=folder.name):
                self.terraform(folder, "init", "-backend=false", "-no-color")
                said = self.terraform(folder, "test", "-no-color")
                self.assertIn(f"Success! {most} passed, 0 failed.", said)

    def test_a_wrong_argument_a_missing_one_and_a_wrong_type_are_noticed(self) -> None:
        wrong = (
            ('capabilities = ["CAPABILITY_IAM"]', 'capability = ["CAPABILITY_IAM"]'),
            ('capabilities = ["CAPABILITY_IAM"]', 'capabilities = "CAPABILITY_IAM"'),
            ("name         = var.name\n", "\n"),
            ("aws_s3_object.template.key", "aws_s3_object.template.kee"),
        )
        copy = self.copy_of_the_module(*(file.name for file in MODULE.glob("*.tf")))
        right = (copy / "main.tf").read_text()
        self.terraform(copy, "validate", "-no-color")
        for good, bad in wrong:
            with self.subTest(bad=bad):
                self.assertIn(good, right)
                (copy / "main.tf").write_text(right.replace(good, bad))
                self.terraform(copy, "validate", "-no-color", fails=True)


class Existing(Terraform):
    """The snippet of site/EXISTING.md, in a distribution of one's own."""

    def setUp(self) -> None:
        super().setUp()
        self.environment |= self.enterContext(Provider(SCHEMA))
        self.document = (PROJECT / "site" / "EXISTING.md").read_text()
        self.snippet = re.search(r"^```hcl\n(.*?)^```", self.document, re.M | re.S)[1]

    def test_terraform_takes_it_with_page_tf(self) -> None:
        # As deep as in the repository, since page.tf names the pages.
        root = self.folder / "terraform" / "mine"
        root.mkdir(parents=True)
        pages = self.folder / "site" / "errors"
        shutil.copytree(PROJECT / "site" / "errors", pages)
        shutil.copytree(PROJECT / "site" / "functions", self.folder / "site" / "functions")
        shutil.copy(EXAMPLE / "page.tf", root)
        here = ("  # What you have stays.\n", "    # What you have stays.\n")
        self.assertTrue(all(self.snippet.count(f"\n{one}") == 1 for one in here))
        (root / "mine.tf").write_text(
            MINE
            + self.snippet.replace(f"\n{here[0]}", f"\n{MY_DISTRIBUTION}").replace(
                f"\n{here[1]}", f"\n{MY_BEHAVIOUR}"
            )
        )
        (root / "mine.tftest.hcl").write_text(MY_TEST)
        self.terraform(root, "init", "-backend=false", "-no-color")
        self.terraform(root, "validate", "-no-color")
        said = self.terraform(root, "test", "-no-color")
        self.assertIn("Success! 1 passed, 0 failed.", said)

    def test_it_is_what_the_example_has(self) -> None:
        edge = (EXAMPLE / "edge.tf").read_text()
        without_remarks = re.compile(r"^ *#.*\n", re.M)
        parts = re.findall(
            r'^  (?:origin|dynamic "\w+"|custom_error_response) \{\n.*?^  \}\n',
            without_remarks.sub("", self.snippet),
            re.M | re.S,
        )
        parts += re.findall(
            r"^    function_association \{\n.*?^    \}\n", self.snippet, re.M | re.S
        )
        self.assertEqual(len(parts), 5)
        for part in parts:
            self.assertIn(part, without_remarks.sub("", edge))


class Variables(Terraform):
    """The module's variables are the template's parameters."""

    def test_there_is_a_variable_for_each_parameter_and_no_other(self) -> None:
        declared = set(
            re.findall(r'^variable "(\w+)"', (MODULE / "variables.tf").read_text(), re.M)
        )
        self.assertEqual(
            declared - OF_THE_MODULE,
            {variable(name) for name in PARAMETERS},
            "a parameter of template.yaml needs its variable in terraform/variables.tf, its line "
            "in terraform/parameters.tf, and samples in this file",
        )

    def test_a_parameter_that_is_not_shown_is_a_sensitive_variable(self) -> None:
        blocks = re.findall(
            r'^variable "(\w+)" \{(.*?)^\}', (MODULE / "variables.tf").read_text(), re.M | re.S
        )
        sensitive = {name for name, block in blocks if "sensitive   = true" in block}
        self.assertEqual(
            sensitive, {variable(name) for name, of in PARAMETERS.items() if of.get("NoEcho")}
        )

    def test_defaults_are_the_templates(self) -> None:
        copy = self.copy_of_the_module("variables.tf", "parameters.tf")
        passed = {"output": {"parameters": {"value": "${local.parameters}", "sensitive": True}}}
        (copy / "passed.tf.json").write_text(json.dumps(passed))
        shown = {"value": "${module.shop.parameters}", "sensitive": True}
        (copy.parent / "main.tf.json").write_text(
            json.dumps({"module": {"shop": NEEDED}, "output": {"parameters": shown}})
        )
        self.terraform(copy.parent, "init", "-no-color")
        self.terraform(copy.parent, "apply", "-auto-approve", "-no-color")
        found = json.loads(run(copy.parent, "output", "-json", **self.environment).stdout)
        expected = {name: text(of.get("Default")) for name, of in PARAMETERS.items()}
        self.assertEqual(found["parameters"]["value"], expected | {"RuleArns": f"{ARN}1"})

    def test_what_the_template_refuses_is_refused_and_nothing_else(self) -> None:
        root = self.copy_of_the_module("variables.tf", "parameters.tf").parent
        samples = [(name, value) for name, values in SAMPLES.items() for value in values]
        for at, (name, value) in enumerate(samples):
            call = {"module": {f"sample_{at}": NEEDED | {variable(name): value}}}
            (root / f"sample_{at}.tf.json").write_text(json.dumps(call))
        self.terraform(root, "init", "-no-color")
        said = self.terraform(root, "plan", "-json", "-input=false", fails=True)
        refused = {
            each["diagnostic"]["range"]["filename"]: each["diagnostic"]
            for each in map(json.loads, said.splitlines())
            if each["type"] == "diagnostic"
        }
        for at, (name, value) in enumerate(samples):
            with self.subTest(name, value=value):
                diagnostic = refused.get(f"sample_{at}.tf.json")
                self.assertEqual(diagnostic is None, allowed(name, value), diagnostic)
                if diagnostic:
                    self.assertIn(f"{variable(name)} must ", diagnostic["detail"])

    def test_every_check_of_the_template_has_samples_on_both_sides(self) -> None:
        for name, of in PARAMETERS.items():
            if "AllowedPattern" in of or "AllowedValues" in of:
                with self.subTest(name):
                    self.assertEqual(
                        {allowed(name, value) for value in SAMPLES[name]}, {True, False}
                    )

    def test_a_refused_secret_is_not_repeated(self) -> None:
        root = self.copy_of_the_module("variables.tf", "parameters.tf").parent
        call = {"module": {"shop": NEEDED | {"bypass_header_value": "${var.secret}"}}}
        given = {"variable": {"secret": {"sensitive": True}}}
        (root / "main.tf.json").write_text(json.dumps(call | given))
        self.terraform(root, "init", "-no-color")
        self.environment["TF_VAR_secret"] = "not a value"
        said = self.terraform(root, "plan", "-no-color", fails=True)
        self.assertIn("bypass_header_value must have", said)
        self.assertNotIn("not a value", said)

    def test_rules_are_named_each_once_and_there_is_one(self) -> None:
        root = self.copy_of_the_module("variables.tf", "parameters.tf").parent
        for arns in ([], [f"{ARN}1", f"{ARN}1"]):
            with self.subTest(arns=arns):
                (root / "main.tf.json").write_text(
                    json.dumps({"module": {"shop": NEEDED | {"rule_arns": arns}}})
                )
                self.terraform(root, "init", "-no-color")
                said = self.terraform(root, "plan", "-no-color", fails=True)
                self.assertIn("rule_arns must name one rule at least", said)


class Agreement(unittest.TestCase):
    """The files agree with the project's others."""

    def test_each_output_is_one_of_the_stacks(self) -> None:
        taken = set(re.findall(r'outputs\["(\w+)"\]', (MODULE / "outputs.tf").read_text()))
        self.assertLessEqual(taken, TEMPLATE["Outputs"].keys())

    def test_what_others_refer_to_stays_known_while_the_stack_changes(self) -> None:
        # The template gives these the stack's name.
        named = {
            "FunctionName": "function_name",
            "TopicName": "topic_arn",
            "TableName": "table_name",
            "GroupName": "schedule_group",
            "LogGroupName": "log_group_name",
            "DashboardName": "dashboard_name",
        }
        template = (PROJECT / "template.yaml").read_text()
        outputs = (MODULE / "outputs.tf").read_text()
        for name, output in named.items():
            with self.subTest(output):
                value = r"(?:/aws/lambda/\$\{AWS::StackName\}|AWS::StackName)"
                of_a_resource = "Name" if name == "GroupName" else name
                self.assertRegex(template, rf"(?m)^      {of_a_resource}: !(?:Ref|Sub) {value}$")
                block = re.search(rf'^output "{output}" \{{.*?^\}}', outputs, re.M | re.S)[0]
                self.assertNotIn("this.outputs", block)

    def test_terraform_leaves_the_rules_conditions_alone(self) -> None:
        rule = re.search(
            r'^resource "aws_lb_listener_rule" .*?^\}',
            (EXAMPLE / "load-balancer.tf").read_text(),
            re.M | re.S,
        )[0]
        self.assertIn("ignore_changes = [condition]", rule)

    def test_terraform_never_ignores_the_stacks_parameters(self) -> None:
        self.assertNotRegex((MODULE / "main.tf").read_text(), r"(?m)^ *ignore_changes")

    def test_the_example_lists_the_errors_that_the_edges_template_lists(self) -> None:
        template = set(
            re.findall(r"ErrorCode: (\d+)", (PROJECT / "site" / "template.yaml").read_text())
        )
        edge = (EXAMPLE / "edge.tf").read_text()
        listed = re.search(r"for_each = \[(4\d\d[\d, ]+)\]", edge)[1].split(", ")
        self.assertEqual({*listed, "503"}, template)

    def test_the_example_keeps_and_frames_the_pages_as_the_edges_template_does(self) -> None:
        template = (PROJECT / "site" / "template.yaml").read_text()
        page = (EXAMPLE / "page.tf").read_text()
        for ours, theirs in (
            (
                r"MinTTL: (\d+)\n        DefaultTTL: (\d+)\n        MaxTTL: (\d+)",
                r"min_ttl     = (\d+)\n  default_ttl = (\d+)\n  max_ttl     = (\d+)",
            ),
            (
                r'Header: Retry-After\n              Value: "(\d+)"',
                r'header   = "Retry-After"\n      value    = "(\d+)"',
            ),
            (r"FrameOption: (\w+)", r'frame_option = "(\w+)"'),
            (r"ReferrerPolicy: \{ ReferrerPolicy: ([\w-]+)", r'referrer_policy = "([\w-]+)"'),
            (r"SigningBehavior: (\w+)", r'signing_behavior                  = "(\w+)"'),
            (r"Runtime: ([\w.-]+)", r'runtime                      = "([\w.-]+)"'),
        ):
            with self.subTest(ours):
                found = [
                    re.search(pattern, text) for pattern, text in ((ours, template), (theirs, page))
                ]
                self.assertTrue(all(found), found)
                self.assertEqual(*(one.groups() for one in found))
        behaviours = template.split("- PathPattern: ")[1:]
        self.assertEqual(
            re.findall(
                r'"(/errors/\S+)" += aws_cloudfront_response_headers_policy\.(\w+)\.id', page
            ),
            [
                (
                    behaviour.split("\n")[0],
                    {"ErrorHeaders": "errors", "FeedHeaders": "feeds"}[
                        re.search(r"ResponseHeadersPolicyId: !Ref (\w+)", behaviour)[1]
                    ],
                )
                for behaviour in behaviours
            ],
        )
        edge = (EXAMPLE / "edge.tf").read_text()
        self.assertIn("for_each = local.errors_headers", edge)
        self.assertEqual(
            re.findall(r"AccessControlAllow(\w+): \{ Items: (\[.*?\]) \}", template),
            [("Headers", '["*"]'), ("Methods", "[GET, HEAD]"), ("Origins", '["*"]')],
        )
        self.assertEqual(
            re.findall(r"access_control_allow_(\w+) \{\n      items = (\[.*?\])", page),
            [("headers", '["*"]'), ("methods", '["GET", "HEAD"]'), ("origins", '["*"]')],
        )

    def test_the_booking_has_only_fields_that_the_function_knows(self) -> None:
        booking = re.search(
            r"jsonencode\(\{(.*?)\}\)", (EXAMPLE / "maintenance.tf").read_text(), re.S
        )[1]
        event = (PROJECT / "schemas" / "event.json").read_text()
        for field in re.findall(r"^ +(\w+) +=", booking, re.M):
            with self.subTest(field):
                self.assertIn(f'"{field}":', event)

    def test_the_schema_is_of_what_is_used(self) -> None:
        used = {
            found
            for path in MODULE.rglob("*.tf")
            for found in re.findall(r'^(resource|data) "(aws_\w+)"', path.read_text(), re.M)
        }
        known = {(kind, name) for kind in ("resource", "data") for name in SCHEMA[kind]}
        self.assertEqual(known, used, "make the schema anew: python terraform/tests/extract.py")


if __name__ == "__main__":
    unittest.main()
