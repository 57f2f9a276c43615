"""A policy that is wrong is refused, and the operator is told where, what and why."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from runtime.policy_file import parse_policy, read_policy, resolve
from runtime.refusal import Refusal

GOOD = textwrap.dedent(
    """\
    version: "1"
    desks:
      acme:
        name: Acme
        reference_prefix: AC
        region: ZA
        languages: [en]
        intake:
          - channel: chat
            provider: standard
            secrets: ["env:CHAT"]
        urgency:
          - name: down
            when: {text: [down]}
            level: critical
          - name: rest
            level: normal
        impact:
          - name: rest
            level: normal
        matrix:
          critical: {critical: P1, high: P1, normal: P2, low: P3}
          high: {critical: P1, high: P2, normal: P3, low: P4}
          normal: {critical: P2, high: P3, normal: P4, low: P5}
          low: {critical: P3, high: P4, normal: P5, low: P5}
        offers:
          expire: 20s
        sla:
          targets:
            P1: {first_response: 15m, resolution: 4h}
            P2: {first_response: 30m, resolution: 8h}
            P3: {first_response: 2h, resolution: 1d}
            P4: {first_response: 8h, resolution: 3d}
            P5: {first_response: 1d, resolution: 5d}
    """
)


def test_good() -> None:
    """A policy of the required fields alone is read, with durations in seconds."""
    desk = parse_policy(GOOD, "p.yaml").desks["acme"]
    assert (desk.offers.expire, desk.sla.targets["P1"].resolution, desk.updates.per_hour) == (20.0, 14400.0, 5000)


NOT_TEXT = "should be text; put it in quotes if YAML takes it for something else"
MATRIX_GAP = "no priority for low x normal, low x low (urgency x impact)"
IN_THE_CLEAR = "a secret never stands in the policy itself; write where it lies: env:NAME or file:/path"
NO_SECRET = (
    "needs secrets (e.g. ['env:ACME_CHAT_SECRET']); to run it without any, write: open: anyone can forge messages here"
)


@pytest.mark.parametrize(
    ("good", "bad", "faults"),
    [
        pytest.param(
            "    offers:\n      expire: 20s",
            "    offers:\n      expires: 20s",
            ["27: desks.acme.offers.expires: no such field; check its spelling and its place"],
            id="unknown field",
        ),
        pytest.param(
            "    region: ZA\n",
            "",
            ["3: desks.acme.region: is missing"],
            id="field missing: the line of what it is missing from",
        ),
        pytest.param(
            "languages: [en]",
            "languages: en",
            ["7: desks.acme.languages: should be a list"],
            id="wrong type",
        ),
        pytest.param(
            "languages: [en]",
            "languages: [en, no]",
            [f"7: desks.acme.languages.1: {NOT_TEXT}"],
            id="YAML's own boolean where Norwegian was meant",
        ),
        pytest.param(
            "expire: 20s",
            "expire: 20",
            ["27: desks.acme.offers.expire: a duration needs its unit: 500ms, 30s, 15m, 4h or 2d"],
            id="duration without unit",
        ),
        pytest.param(
            "expire: 20s",
            "expire: 20 parsecs",
            [
                "27: desks.acme.offers.expire: '20 parsecs' is no duration; write a number and a unit: 500ms, 30s, 15m, 4h or 2d"
            ],
            id="duration in no unit of time",
        ),
        pytest.param(
            "expire: 20s",
            "expire: 0s",
            ["27: desks.acme.offers.expire: Input should be greater than 0"],
            id="duration of nothing",
        ),
        pytest.param(
            "low: {critical: P3, high: P4, normal: P5, low: P5}",
            "low: {critical: P3, high: P4}",
            [f"21: desks.acme.matrix: {MATRIX_GAP}"],
            id="cells missing from the matrix",
        ),
        pytest.param(
            "low: {critical: P3, high: P4, normal: P5, low: P5}",
            "low: {critical: P3, high: P4, normal: P6, low: P5}",
            ["25: desks.acme.matrix.low.normal: Input should be 'P1', 'P2', 'P3', 'P4' or 'P5'"],
            id="no such priority",
        ),
        pytest.param(
            "        when: {text: [down]}\n",
            "",
            ["12: desks.acme.urgency: the rule down always holds, so the rules after it never count"],
            id="rule that is never reached",
        ),
        pytest.param(
            "      - name: rest\n        level: normal\n    impact:",
            "    impact:",
            ["12: desks.acme.urgency: the last rule (down) must have no `when`, so that one always holds"],
            id="no rule for the rest",
        ),
        pytest.param(
            "  - name: rest\n        level: normal\n    impact:",
            "  - name: down\n        level: normal\n    impact:",
            ["12: desks.acme.urgency: down stands more than once; reasons name it, so it must be unique"],
            id="two rules of one name",
        ),
        pytest.param(
            "    region: ZA\n",
            "    region: ZA\n    region: GB\n",
            ["7: not YAML: the key 'region' stands twice"],
            id="key twice",
        ),
        pytest.param(
            "languages: [en]",
            "languages: [en",
            ["8: not YAML: expected ',' or ']', but got ':'"],
            id="bracket left open",
        ),
        pytest.param(
            "    region: ZA",
            "\tregion: ZA",
            ["6: not YAML: found character '\\t' that cannot start any token"],
            id="tab",
        ),
        pytest.param(
            '["env:CHAT"]',
            '["whsec_c2VjcmV0"]',
            [f"11: desks.acme.intake.0.secrets.0: {IN_THE_CLEAR}"],
            id="secret given in the clear",
        ),
        pytest.param(
            '        secrets: ["env:CHAT"]\n',
            "",
            [f"9: desks.acme.intake.0: {NO_SECRET}"],
            id="way in without a secret",
        ),
        pytest.param(
            '        secrets: ["env:CHAT"]\n',
            "        open: true\n",
            ["11: desks.acme.intake.0.open: Input should be 'anyone can forge messages here'"],
            id="way in opened without saying what that means",
        ),
        pytest.param(
            "P5: {first_response: 1d, resolution: 5d}",
            "P4a: {first_response: 1d, resolution: 5d}",
            ["34: desks.acme.sla.targets.P4a: Input should be 'P1', 'P2', 'P3', 'P4' or 'P5'"],
            id="target of no priority",
        ),
        pytest.param(
            "        P5: {first_response: 1d, resolution: 5d}\n",
            "",
            ["28: desks.acme.sla: no target for P5; every priority from P1 to P5 needs one"],
            id="priority without a target",
        ),
        pytest.param(
            "  acme:",
            "  Acme Inc:",
            ["3: desks.Acme Inc: String should match pattern '^[a-z0-9][a-z0-9-]{0,62}$'"],
            id="desk that no address can name",
        ),
        pytest.param(
            'version: "1"\n',
            "version: 1\n",
            [f"1: version: {NOT_TEXT}"],
            id="version that YAML takes for a number",
        ),
        pytest.param(
            "    region: ZA\n    languages: [en]",
            "    region: South Africa\n    languages: []",
            [
                "6: desks.acme.region: String should match pattern '^[A-Z]{2}$'",
                "7: desks.acme.languages: should not be empty",
            ],
            id="two faults, each on its line",
        ),
    ],
)
def test_refused(good: str, bad: str, faults: list[str]) -> None:
    """Each fault is told as file, line, field and reason, and nothing else is."""
    assert GOOD.count(good) == 1, "the test breaks one place"
    with pytest.raises(Refusal) as refused:
        parse_policy(GOOD.replace(good, bad), "p.yaml")
    assert str(refused.value).splitlines() == [f"p.yaml:{fault}" for fault in faults]


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "- a\n- list\n", "just words", "42"])
def test_not_a_policy(text: str) -> None:
    """A document that is no mapping is refused on its first line."""
    with pytest.raises(Refusal, match=r"^p\.yaml:1: \(document\): "):
        parse_policy(text, "p.yaml")


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system [id]", "a: &a [*a]\nversion: *b", "[" * 20_000])
def test_hostile(text: str) -> None:
    """Tags that would run something, aliases that lead nowhere and nesting without end are refused."""
    with pytest.raises(Refusal, match=r"^p\.yaml:\d+: not YAML: "):
        parse_policy(text, "p.yaml")


def test_not_utf8(tmp_path: Path) -> None:
    """A file in another encoding is refused, and the reason says so."""
    file = tmp_path / "p.yaml"
    file.write_bytes("name: Kaapstad köpié".encode("latin-1"))
    with pytest.raises(Refusal, match=r"p\.yaml: cannot be read: 'utf-8' codec can't decode"):
        read_policy(file)


def test_not_there(tmp_path: Path) -> None:
    """A file that is not there is refused by name; a setting that is not made, by its name."""
    with pytest.raises(Refusal, match=r"missing\.yaml: cannot be read: No such file or directory"):
        read_policy(tmp_path / "missing.yaml")
    with pytest.raises(Refusal, match="SWITCHBOARD_POLICY is not set"):
        read_policy(None)


def test_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source is read from where it points to, and anything else is the value itself."""
    (tmp_path / "secret").write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("A_SECRET", "from the environment")
    assert [resolve(source) for source in ("env:A_SECRET", f"file:{tmp_path}/secret", "smtp://host:25")] == [
        "from the environment",
        "from a file",
        "smtp://host:25",
    ]


def test_resolve_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that is not there, or empty, is refused by its name, without a value."""
    (tmp_path / "empty").touch()
    monkeypatch.delenv("NOT_SET", raising=False)
    for source, reason in {
        "env:NOT_SET": "the environment variable NOT_SET, which the policy names, is not set",
        f"file:{tmp_path}/none": "which the policy names, cannot be read: No such file or directory",
        f"file:{tmp_path}/empty": "which the policy names, is empty",
    }.items():
        with pytest.raises(Refusal, match=reason):
            resolve(source)
