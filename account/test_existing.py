"""site/EXISTING.md: what it adds to a distribution is what the edge's own has."""

import re
import unittest
from typing import Any

import cfnlint.api
import yaml

from account.edge import PROJECT, templates

DOCUMENT = (PROJECT / "site" / "EXISTING.md").read_text(encoding="utf-8")
EDGE = templates.Template.read(PROJECT / "site" / "template.yaml")
EXISTING = templates.Template.read(PROJECT / "site" / "existing.yaml")
OURS = EDGE.document["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
# The snippet's parameters are outputs of existing.yaml, and these resources of the edge.
SAME = {
    "ErrorBucketDomainName": {"Fn::GetAtt": "ErrorBucket.RegionalDomainName"},
    "BypassFunction": {"Fn::GetAtt": "BypassFunction.FunctionARN"},
}


def block(language: str) -> str:
    """The one block of that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.M | re.S)
    return found


SNIPPET = yaml.load(block("yaml"), templates.Loader)
NAMES = sorted(set(re.findall(r"!Ref (\w+)", block("yaml"))))


def resolved(part: Any) -> Any:
    """A part of the snippet, with its parameters as the edge's template has them."""
    if isinstance(part, list):
        return [resolved(one) for one in part]
    if isinstance(part, dict):
        if part.keys() == {"Ref"}:
            return SAME.get(part["Ref"], part)
        return {key: resolved(value) for key, value in part.items()}
    return part


def without_pages(responses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Error responses, without the pages that the template makes only if they are asked for."""
    return [
        {key: value for key, value in one.items() if not isinstance(value, dict)}
        for one in responses
    ]


class CloudFormation(unittest.TestCase):
    """The snippet."""

    def test_it_adds_what_the_edges_distribution_has(self) -> None:
        given = resolved(SNIPPET)
        ours = {one["Id"]: one for one in OURS["Origins"]}["errors"]
        self.assertEqual(given.pop("Origins"), [ours])
        self.assertEqual(given.pop("CacheBehaviors"), OURS["CacheBehaviors"])
        by_code = [
            sorted(without_pages(responses), key=lambda one: one["ErrorCode"])
            for responses in (given.pop("CustomErrorResponses"), OURS["CustomErrorResponses"])
        ]
        self.assertEqual(*by_code)
        associations = given.pop("DefaultCacheBehavior")["FunctionAssociations"]
        self.assertEqual(associations, OURS["DefaultCacheBehavior"]["FunctionAssociations"])
        self.assertEqual(given, {})

    def test_what_it_refers_to_are_outputs_of_existing_yaml(self) -> None:
        outputs = EXISTING.document["Outputs"]
        self.assertLessEqual(set(NAMES), outputs.keys())
        for name in NAMES:
            with self.subTest(name):
                value = outputs[name]["Value"]
                self.assertEqual(
                    value,
                    SAME.get(name, value if name == "ErrorAccess" else {"Ref": name}),
                )

    def test_the_linter_takes_it_in_a_distribution(self) -> None:
        indented = re.sub(r"^(?=.)", " " * 8, block("yaml"), flags=re.M)
        indented = indented.replace("Origins:\n", f"Origins:\n{' ' * 10}- *application\n")
        parameters = "".join(f"  {name}: {{ Type: String }}\n" for name in NAMES)
        mine = (
            "- { Id: application, DomainName: a.example.com,"
            " CustomOriginConfig: { OriginProtocolPolicy: https-only } }"
        )
        behaviour = (
            "DefaultCacheBehavior:\n"
            "          TargetOriginId: application\n"
            "          ViewerProtocolPolicy: redirect-to-https\n"
            "          CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad\n"
        )
        text = (
            f"Parameters:\n{parameters}Resources:\n  Distribution:\n"
            "    Type: AWS::CloudFront::Distribution\n    Properties:\n      DistributionConfig:\n"
            "        Enabled: true\n"
            + indented.replace("- *application", mine).replace("DefaultCacheBehavior:\n", behaviour)
        )
        self.assertEqual([str(one) for one in cfnlint.api.lint(text, config=None)], [])
        wrong = text.replace("FunctionARN:", "FunctionArn:")
        self.assertNotEqual([str(one) for one in cfnlint.api.lint(wrong, config=None)], [])


class Template(unittest.TestCase):
    """existing.yaml."""

    def test_the_linter_finds_nothing(self) -> None:
        self.assertEqual([str(one) for one in cfnlint.api.lint(EXISTING.body, config=None)], [])

    def test_its_resources_are_the_edges_own_for_another_distribution(self) -> None:
        edge = EDGE.document["Resources"]
        for name, resource in EXISTING.document["Resources"].items():
            with self.subTest(name):
                said = repr(resource).replace("${DistributionId}", "${Distribution}")
                self.assertEqual(said, repr(edge[name]))
        self.assertIn("${DistributionId}", EXISTING.body)
        self.assertNotIn("${Distribution}", EXISTING.body)


class Console(unittest.TestCase):
    """The steps by hand."""

    def test_they_name_the_paths_the_code_the_time_and_the_event(self) -> None:
        steps = re.search(r"^### In the console$(.*?)^## ", DOCUMENT, re.M | re.S)[1]
        for behaviour in OURS["CacheBehaviors"]:
            self.assertIn(f"`{behaviour['PathPattern']}`", steps)
        for said in (
            "code 503, error caching minimum TTL 0",
            "path `/errors/503.html`, HTTP response code 503",
            "**Viewer request**",
            "**Redirect HTTP to HTTPS**, **GET, HEAD**, compress",
            "`ErrorBucketDomainName`",
            "`ErrorAccess`",
            "`ErrorCachePolicy` and `ErrorHeaders`",
            "`FeedHeaders`",
            "`BypassFunction`",
        ):
            self.assertIn(said, steps)


if __name__ == "__main__":
    unittest.main()
