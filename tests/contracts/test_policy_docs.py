"""docs/policy.md says what the policy's model is, no more and no less, and its examples hold."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from runtime.policy_file import parse_policy, read_policy
from runtime.refusal import Refusal
from schemas import policy
from schemas.policy import Part, Updates
from services.notifier.core.templates import VARIABLES

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "local" / "sample" / "policy.yaml"

SECTIONS: dict[type[Part], str] = {
    policy.Policy: "The document",
    policy.DeskPolicy: "`desks.<id>`",
    policy.IntakeSource: "`desks.<id>.intake`",
    policy.Tier: "`desks.<id>.tiers`",
    policy.LevelRule: "`desks.<id>.urgency` and `impact`",
    policy.NeedRule: "`desks.<id>.needs`",
    policy.When: "`when`",
    policy.Offers: "`desks.<id>.offers`",
    policy.Presence: "`desks.<id>.presence`",
    policy.Sla: "`desks.<id>.sla`",
    policy.Target: "`desks.<id>.sla.targets.<priority>`",
    policy.Sending: "`desks.<id>.sending`",
    policy.MailSender: "`desks.<id>.sending.email`",
    policy.WebhookSender: "`desks.<id>.sending.webhooks`",
    policy.Updates: "`desks.<id>.updates`",
    policy.TemplateText: "`desks.<id>.updates.templates.<kind>.<language>`",
    policy.AutomaticMail: "`desks.<id>.automatic_mail`",
    policy.Facts: "`desks.<id>.facts`",
}


def rows(section: str) -> dict[str, str]:
    """Field to default, of a section's first table."""
    text = re.split(r"^### ", DOCUMENT, flags=re.MULTILINE)
    found = next(part for part in text if part.startswith(f"{section}\n"))
    table = found[found.index("| field | default | meaning |") :].split("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| *(.*?) *\| ", table, flags=re.MULTILINE))


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, flags=re.MULTILINE | re.DOTALL)


def test_every_part_has_a_section() -> None:
    """A part of the model that the document passes over would be found by nobody."""
    assert set(SECTIONS) == set(Part.__subclasses__())


@pytest.mark.parametrize(("part", "section"), SECTIONS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_fields(part: type[Part], section: str) -> None:
    """Each field has its row, and no row speaks of a field that is not there."""
    assert set(rows(section)) == set(part.model_fields)


@pytest.mark.parametrize(("part", "section"), SECTIONS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_defaults(part: type[Part], section: str) -> None:
    """A required field has no default, any other has one; where it is written as a value, it is the model's."""
    for name, written in rows(section).items():
        field = part.model_fields[name]
        assert (written == "") == field.is_required(), name
        if written.startswith("`"):
            value = yaml.safe_load(written.strip("`"))
            if isinstance(value, str):
                value = TypeAdapter(policy.Duration).validate_python(value)
            assert value == (list(field.default) if isinstance(field.default, tuple) else field.default), name


def test_smallest() -> None:
    """The smallest policy of the document is valid."""
    assert set(parse_policy(examples("yaml")[0], "policy.yaml").desks) == {"acme"}


def test_faults() -> None:
    """The faults that the document shows are those that its example with that mistake gives."""
    bad = examples("yaml")[0].replace("region", "regoin")
    with pytest.raises(Refusal) as refused:
        parse_policy(bad, "policy.yaml")
    assert sorted(str(refused.value).splitlines()) == sorted(examples("text")[0].splitlines())


def test_template_example() -> None:
    """The example of a template fits into the model."""
    Updates.model_validate(yaml.safe_load(textwrap.dedent(examples("yaml")[1]))["updates"])


def test_template_variables() -> None:
    """The document names exactly the variables that templates have."""
    assert re.findall(r"^\| `\{\{ (\w+) \}\}` \|", DOCUMENT, flags=re.MULTILINE) == list(VARIABLES)


def test_sample() -> None:
    """The sample policy is valid, and each of its rules could be told apart in a decision."""
    desk = read_policy(SAMPLE).desks["acme"]
    assert {(source.channel, source.provider) for source in desk.intake} == {
        ("email", "mime"),
        ("chat", "standard"),
        ("phone", "twilio"),
        ("social", "whatsapp"),
    }
    assert {webhook.channel for webhook in desk.sending.webhooks} == {"chat", "phone", "social"}
