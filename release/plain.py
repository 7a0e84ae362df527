"""Makes a plain CloudFormation template of template.yaml, without SAM's transform.

`python -m release.plain TEMPLATE` writes it. SAM's own translator, the one that AWS runs for the
transform, does the translation, so that both templates make the same resources. The executable
comes from a bucket, so there are three more parameters: CodeBucket, CodeKey and Architecture.
"""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.metrics.metrics import Metrics
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

PROJECT = Path(__file__).resolve().parent.parent
SOURCE = PROJECT / "template.yaml"
# What CloudFormation takes in a request, without a bucket for the template: its quota.
BODY_BYTES_MAX = 51_200
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Conditions",
    "Resources",
    "Outputs",
)
HEAD = """\
# Made from template.yaml by `make package`; change that one. Upload the release's zip for your
# processor to a bucket in the stack's Region, and name both in CodeBucket and CodeKey.
"""
CODE_PARAMETERS: dict[str, Any] = {
    "CodeBucket": {
        "Type": "String",
        "Description": "The bucket, in the stack's Region, that holds the release's zip.",
        # Not ErrorBucket's pattern: this one may not be empty.
        "AllowedPattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "ConstraintDescription": "A bucket's name.",
    },
    "CodeKey": {
        "Type": "String",
        "Description": (
            "The key of the zip in it, for example 0.1.0/maintenance-window-arm64.zip. Give each"
            " version a key of its own: CloudFormation takes new code only from a new key."
        ),
        "AllowedPattern": r"^\S{1,1024}$",
        "ConstraintDescription": "A key without spaces.",
    },
    "Architecture": {
        "Type": "String",
        "Default": "arm64",
        "Description": "The processor that the zip was built for; its name ends with it.",
        "AllowedValues": ["arm64", "x86_64"],
    },
}


def source() -> dict[str, Any]:
    """template.yaml as it is."""
    return yaml_parse(SOURCE.read_text(encoding="utf-8"))


def plain(template: dict[str, Any]) -> dict[str, Any]:
    """The same template without its transform."""
    given = copy.deepcopy(template)
    parameters = {**given["Parameters"], **copy.deepcopy(CODE_PARAMETERS)}
    function = given["Resources"]["Function"]["Properties"]
    function["CodeUri"] = {"Bucket": {"Ref": "CodeBucket"}, "Key": {"Ref": "CodeKey"}}
    function["Architectures"] = [{"Ref": "Architecture"}]
    # The translator writes a parameter's default in place of the parameter; so it sees no default.
    given["Parameters"] = {name: {"Type": "String"} for name in parameters}
    # The translator asks the session for its Region. No value in our template comes from it.
    session = boto3.Session(region_name="us-east-1")
    metrics = Metrics()
    translator = Translator(None, Parser(), boto_session=session, metrics=metrics)
    made = translator.translate(given, parameter_values={})
    # To nowhere; or the translator complains.
    metrics.publish()
    made["Parameters"] = parameters
    groups = made["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    code = {"Label": {"default": "The function's code"}, "Parameters": list(CODE_PARAMETERS)}
    groups.insert(0, code)
    for resource in made["Resources"].values():
        # Notes for `sam build` and for linters; nothing that CloudFormation reads.
        resource.pop("Metadata", None)
    # SAM's own note on who made the function.
    tags = made["Resources"]["Function"]["Properties"]["Tags"]
    tags[:] = [tag for tag in tags if tag["Key"] != "lambda:createdBy"]
    return made


class Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and nothing as a reference to another place."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the name is PyYAML's
        """CloudFormation refuses aliases."""
        return True


def text_of(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """A text's node."""
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, text_of)


def written(template: dict[str, Any]) -> str:
    """The template as YAML, with what it says of itself first.

    Raises `RuntimeError` if it is longer than CloudFormation takes.
    """
    # The translator's and the parser's own kinds of dict and text become plain ones.
    bare = json.loads(json.dumps(template))
    bare = {key: bare[key] for key in SECTIONS if key in bare}
    text = HEAD + yaml.dump(bare, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)
    size = len(text.encode())
    if size > BODY_BYTES_MAX:
        raise RuntimeError(
            f"the plain template has {size} bytes, and CloudFormation takes at most"
            f" {BODY_BYTES_MAX} in a request: shorten the descriptions in template.yaml"
        )
    return text


def main() -> int:
    """Writes the template."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(written(plain(source())), encoding="utf-8")
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
