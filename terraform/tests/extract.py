"""Makes schema.json: what the AWS provider says of the resources that are used here.

`python terraform/tests/extract.py` fetches the one package that holds it, by npm, and checks its
hash. No Terraform provider is needed. The package is CDKTF's, generated from the provider's own
schema: it tells every argument, its type, whether it is required, and every block. It does not tell
which optional arguments the provider fills in by itself, nor any check of values.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGE = "@cdktf/provider-aws@21.22.1"
# As npm has it.
INTEGRITY = (
    "sha512-"
    "BuSHeaQFUL9l33pBzIMRT7cTQ69AM2mLtijjteCPhVQRmvuhuj9Lvfymf7knAMhYqAT6+Lrls9jiGVW/Us3zrQ=="
)
SIMPLE = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringList": "string",
    "numberList": "number",
    "stringMap": "string",
}
GETTERS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getStringMapAttribute": ["map", "string"],
}
# The package does not say so, but every resource has them, and the provider makes them.
COMPUTED = {"id", "tags_all"}


def main() -> int:
    """Writes the file."""
    used = sorted(
        {
            found
            for path in HERE.parent.rglob("*.tf")
            for found in re.findall(r'^(resource|data) "(aws_\w+)"', path.read_text(), re.M)
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        )
        path = Path(folder) / packed.stdout.strip()
        found = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
        if found != INTEGRITY:
            print(
                f"{PACKAGE}: expected {INTEGRITY}, found {found}; nothing was written",
                file=sys.stderr,
            )
            return 1
        with tarfile.open(path) as package:
            schema = read(package, used)
    (HERE / "schema.json").write_text(written(schema))
    return 0


def read(package: tarfile.TarFile, used: list[tuple[str, str]]) -> dict[str, Any]:
    """The schema of each resource and data source."""
    schema: dict[str, Any] = {"package": PACKAGE, "resource": {}, "data": {}}
    for kind, name in used:
        folder = ("data-aws-" if kind == "data" else "") + name.removeprefix("aws_").replace(
            "_", "-"
        )
        script, types = (
            package.extractfile(f"package/lib/{folder}/index.{ending}").read().decode()
            for ending in ("js", "d.ts")
        )
        schema["provider"] = re.search(r"providerVersion: '([\d.]+)'", script)[1]
        schema[kind][name] = resource(script, types)
    return schema


def written(schema: dict[str, Any]) -> str:
    """One line for each resource, so that a change shows what it is about."""
    parts = [f'"{key}": {json.dumps(schema[key])}' for key in ("package", "provider")]
    for kind in ("resource", "data"):
        lines = [
            f'"{name}": {json.dumps(of, sort_keys=True)}'
            for name, of in sorted(schema[kind].items())
        ]
        parts.append(f'"{kind}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def resource(script: str, types: str) -> dict[str, Any]:
    """The arguments and blocks of a resource, and what the provider alone tells of it."""
    name, body = re.search(
        r"^class (\w+) extends cdktf\.Terraform(?:Resource|DataSource) \{(.*)^\}",
        script,
        re.M | re.S,
    ).groups()
    attributes = r"synthesizeHclAttributes\(\) \{\s*const attrs = \{(.*?)\n        \};"
    found = re.search(attributes, body, re.S)
    block = arguments(found[1] if found else "", f"{name}Config", script, types)
    computed = (
        r"// (\w+) - computed: true, optional: false, required: false\s+"
        r"get \w+\(\) \{\s+return (.*?);"
    )
    for attribute, getter in re.findall(computed, body):
        for method, of in GETTERS.items():
            if f"this.{method}(" in getter:
                block["attributes"][attribute] = {"type": of, "computed": True}
    for attribute in re.findall(r"= new cdktf\.StringMap\(this, [\"'](\w+)[\"']\)", body):
        block["attributes"][attribute] = {"type": ["map", "string"], "computed": True}
    for attribute in COMPUTED & block["attributes"].keys():
        block["attributes"][attribute]["computed"] = True
    return block


def arguments(entries: str, interface: str, script: str, types: str) -> dict[str, Any]:
    """What may stand in a resource or in one of its blocks."""
    body = re.search(rf"^export interface {interface}\b.*?\{{(.*?)^\}}", types, re.M | re.S)[1]
    required = set(re.findall(r"^    readonly (\w+):", body, re.M))
    entry = (
        r"^ +(\w+): \{\s+value: (.*?),\n\s+isBlock: (\w+),"
        r"\s+type: \"(\w+)\",\s+storageClassType: \"(\w+)\","
    )
    block: dict[str, Any] = {"attributes": {}, "blocks": {}}
    for name, value, is_block, kind, storage in re.findall(entry, entries, re.M):
        must = re.search(r"(?:this\._|struct\.)(\w+)", value)[1] in required
        if is_block == "true":
            function = re.search(r"(\w+)ToHclTerraform", value)[1]
            inner = re.search(
                rf"^function {function}ToHclTerraform\(.*?const attrs = \{{(.*?)\n    \}};",
                script,
                re.M | re.S,
            )
            block["blocks"][name] = {
                "nesting": {"struct": "single"}.get(kind, kind),
                "min": int(must and kind != "struct"),
                "max": int("listMapperHcl" not in value and kind != "struct"),
                **arguments(
                    inner[1] if inner else "", function[0].upper() + function[1:], script, types
                ),
            }
        else:
            of = SIMPLE[storage]
            block["attributes"][name] = {
                "type": of if kind == "simple" else [kind, of],
                "required" if must else "optional": True,
            }
    return block


if __name__ == "__main__":
    sys.exit(main())
