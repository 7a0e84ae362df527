"""A CloudFormation template's parameters: what may be given, and whether it fits together.

CloudFormation says the same, but one problem at a time and only once it has been asked to change
something.
"""

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


# The one in C is ten times as fast, where PyYAML has it.
class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads the short form of CloudFormation's functions as the long one."""


def _function(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _function)


@dataclass(frozen=True)
class Template:
    """A template's text, and what stands in it."""

    body: str
    document: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Template":
        """The template in that file."""
        return cls.of(path.read_text(encoding="utf-8"))

    @classmethod
    @functools.cache
    def of(cls, body: str) -> "Template":
        """The template of that text."""
        return cls(body, yaml.load(body, Loader))

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Its parameters, by name."""
        return self.document["Parameters"]

    def shows(self, name: str) -> bool:
        """Whether CloudFormation shows a parameter's value."""
        return not self.parameters[name].get("NoEcho")

    def defaults(self) -> dict[str, str]:
        """The parameters that have a default."""
        return {name: str(of["Default"]) for name, of in self.parameters.items() if "Default" in of}

    def problems(self, values: Mapping[str, str], known: Iterable[str] = ()) -> list[str]:
        """What is wrong with these values.

        A parameter that is `known` needs no value here: the stack has one, or it comes later.
        """
        found = [
            f"{name} is missing: {_flat(of.get('Description', ''))}"
            for name, of in self.parameters.items()
            if name not in values and name not in known
        ]
        found += [
            problem for name, value in values.items() if (problem := self._problem(name, value))
        ]
        return found or self._broken_rules(values)

    def _problem(self, name: str, value: str) -> str | None:
        of = self.parameters[name]
        each = value.split(",") if of["Type"] == "CommaDelimitedList" else [value]
        if of["Type"] == "Number" and not _number_fits(of, value):
            expected = f"a number from {of['MinValue']} to {of['MaxValue']}"
        elif "AllowedValues" in of and value not in map(str, of["AllowedValues"]):
            expected = "one of " + ", ".join(map(str, of["AllowedValues"]))
        elif "AllowedPattern" in of and not all(
            re.fullmatch(of["AllowedPattern"], one) for one in each
        ):
            expected = _flat(of.get("ConstraintDescription") or of.get("Description", ""))
            if expected[1:2].islower():
                expected = expected[0].lower() + expected[1:]
        else:
            return None
        shown = repr(value) if self.shows(name) else "a value that is not shown"
        return f"{name}: expected {expected.rstrip('.')}; found {shown}"

    def _broken_rules(self, values: Mapping[str, str]) -> list[str]:
        return [
            _flat(assertion["AssertDescription"])
            for rule in self.document.get("Rules", {}).values()
            for assertion in rule["Assertions"]
            if not _evaluate(assertion["Assert"], values)
        ]


def _number_fits(of: Mapping[str, Any], value: str) -> bool:
    return bool(re.fullmatch(r"\d{1,9}", value)) and (
        of.get("MinValue", 0) <= int(value) <= of.get("MaxValue", 10**9)
    )


def _flat(text: str) -> str:
    return " ".join(text.split())


def _evaluate(term: Any, values: Mapping[str, str]) -> Any:
    """What a term of `Rules` comes to."""
    if isinstance(term, list):
        return [_evaluate(one, values) for one in term]
    if not isinstance(term, dict):
        return term
    ((function, given),) = term.items()
    if function == "Ref":
        return values.get(given, "")
    of = _evaluate(given, values)
    match function:
        case "Fn::Equals":
            return of[0] == of[1]
        case "Fn::Contains":
            return of[1] in of[0]
        case "Fn::Not":
            return not of[0]
        case "Fn::And":
            return all(of)
        case "Fn::Or":
            return any(of)
    raise ValueError(f"a template's rule uses {function}, which is not known here")


def read_given(words: Iterable[str], file: Path | None) -> tuple[dict[str, str], list[str]]:
    """Parameters of the command line and of a file, and what is wrong with them.

    Both are of the form NAME=VALUE, in the file one to a line; the command line wins.
    """
    lines: list[str] = []
    if file:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            return {}, [f"the parameters cannot be read: {error}"]
    given: dict[str, str] = {}
    problems = []
    for where, texts in (("line", lines), ("word", words)):
        seen = set()
        for number, text in enumerate(texts, 1):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            name, equals, value = (part.strip() for part in text.partition("="))
            # Not the text itself: it may be a secret that lost its name.
            place = f"{file}, line {number}" if where == "line" else f"parameter {number}"
            if not equals:
                problems.append(f"{place}: expected NAME=VALUE, found no equals sign")
            elif name in seen:
                problems.append(f"{place}: {name} is given twice")
            seen.add(name)
            given[name] = value
    return given, problems


def unknown(given: Iterable[str], known: Iterable[str]) -> list[str]:
    """What names no parameter, each with the one that may be meant."""
    names = sorted(known)
    found = []
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, 1, 0.6)
            hint = f"; did you mean {close[0]}?" if close else ""
            found.append(f"{name} is a parameter of neither template{hint}")
    return found
