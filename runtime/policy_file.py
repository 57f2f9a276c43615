"""The policy from its YAML file, and what is wrong with it: file, line, field, reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from runtime.refusal import Refusal
from schemas.policy import Policy

_PLAIN: Final = {
    "extra_forbidden": "no such field; check its spelling and its place",
    "missing": "is missing",
    "tuple_type": "should be a list",
    "dict_type": "should have fields of its own",
    "model_type": "should have fields of its own",
    "string_type": "should be text; put it in quotes if YAML takes it for something else",
    "too_short": "should not be empty",
}
"""pydantic's kinds of fault, in words for who does not write Python."""


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key that stands twice, which YAML 1.2 forbids and PyYAML lets through."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key_node.tag != "tag:yaml.org,2002:merge" and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_policy(path: Path | None) -> Policy:
    """The validated policy. Raises Refusal with one line for each fault: `file:line: field: reason`."""
    if path is None:
        message = "SWITCHBOARD_POLICY is not set; it names the policy file (see docs/policy.md)"
        raise Refusal(message)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path}: cannot be read: {reason}"
        raise Refusal(message) from error
    return parse_policy(text, str(path))


def parse_policy(text: str, file: str) -> Policy:
    """The policy that `text` holds; `file` is what faults are reported under. Raises Refusal."""
    try:
        root = yaml.compose(text, Loader=_Loader)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"{file}:{mark.line + 1 if mark else 1}: not YAML: {error.problem}"
        raise Refusal(message) from error
    except (yaml.YAMLError, RecursionError) as error:
        message = f"{file}:1: not YAML: {error}"
        raise Refusal(message) from error
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_url=False):
            field = ".".join(str(step) for step in fault["loc"] if step != "[key]") or "(document)"
            reason = _PLAIN.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
            faults.append((_line(root, fault["loc"]), field, reason))
        lines = [f"{file}:{line}: {field}: {reason}" for line, field, reason in sorted(faults)]
        raise Refusal("\n".join(lines)) from error


def resolve(source: str) -> str:
    """The value behind `env:NAME` or `file:/path`, or `source` itself. Raises Refusal when it is not
    there, without ever showing a value.
    """
    if source.startswith("env:"):
        name = source[4:]
        value = os.environ.get(name)
        if not value:
            message = f"the environment variable {name}, which the policy names, is not set"
            raise Refusal(message)
        return value
    if source.startswith("file:"):
        try:
            value = Path(source[5:]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            message = f"the file {source[5:]}, which the policy names, cannot be read: {getattr(error, 'strerror', None) or error}"
            raise Refusal(message) from error
        if not value:
            message = f"the file {source[5:]}, which the policy names, is empty"
            raise Refusal(message)
        return value
    return source


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the innermost node on the way to `location` that exists, counted from 1."""
    line = 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
