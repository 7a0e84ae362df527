"""The documents' commands that nobody types on the local AWS, each with its reason.

A row covers every command of its document that begins with its words. What can run there belongs
into a story, story_*.py, instead.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Commands of one document that begin alike."""

    document: str
    begins: str
    why: str


COMPILES = "compiles for Lambda, which takes minutes; CI does it with `make sbom` and a release"
NO_CLOUDFRONT = "the local AWS keeps distributions, but answers for none"
NO_TERRAFORM = "needs Terraform with the AWS provider, which terraform/tests do without"
TESTS = "runs the project's own tests"
EDGE_TESTS = "needs Node and a browser; `make site` runs the same"
NO_MUTE_RULES = "the local AWS has no alarm mute rules"
INSTALLS = "fetches packages; requirements/local.txt pins the same ones"

NOT_RUN = (
    Row("CHANGELOG.md", "", "speaks of commands that other documents show"),
    Row("CONTRIBUTING.md", "cargo test", TESTS),
    Row("CONTRIBUTING.md", "UPDATE_SCHEMAS=1 cargo test", TESTS),
    Row("CONTRIBUTING.md", "INSTA_UPDATE=always cargo test", TESTS),
    Row("README.md", "make rehearsal", "is a rehearsal by itself, and `make night` plays it in CI"),
    Row("README.md", "sam build", "asks questions, compiles, and deploys by SAM's own service"),
    Row("docs/RUNBOOK.md", "aws cloudwatch list-alarm-mute-rules", NO_MUTE_RULES),
    Row("docs/RUNBOOK.md", "aws cloudwatch delete-alarm-mute-rule", NO_MUTE_RULES),
    Row("docs/CLI.md", "xattr", "is for macOS"),
    Row("docs/CLI.md", "cargo install", "compiles what the tests have compiled already"),
    Row(
        "docs/SECURITY.md",
        "I_UNDERSTAND=1 make verify-aws",
        "is for a real account, and costs money",
    ),
    Row(
        "docs/SECURITY.md", ".venv/local/bin/python -m account.verify", "plays a window for minutes"
    ),
    Row("site/EXISTING.md", "curl", NO_CLOUDFRONT),
    Row(
        "site/EXISTING.md", "aws cloudfront associate-alias", "the local AWS does not know the call"
    ),
    Row("site/README.md", "make executable", COMPILES),
    Row("site/README.md", "python3 -m venv", INSTALLS),
    Row("site/README.md", "python3 -m pip install", INSTALLS),
    Row("site/README.md", "curl -sI", NO_CLOUDFRONT),
    Row("site/README.md", "cd site", EDGE_TESTS),
    Row("site/README.md", "node ", EDGE_TESTS),
    Row("site/README.md", "apt-get install", EDGE_TESTS),
    Row("site/README.md", "npm ", EDGE_TESTS),
    Row("terraform/README.md", "curl", NO_CLOUDFRONT),
    Row("terraform/README.md", "make terraform", NO_TERRAFORM),
    Row("terraform/README.md", "terraform ", NO_TERRAFORM),
)
