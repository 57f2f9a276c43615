"""Reply extraction against talon's fixtures: real replies of real mail programs, with what is expected of them.

Read from the folder that SWITCHBOARD_CORPUS names; none of it is kept here.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.ingest.normalise import html, reply
from services.ingest.normalise.mail import Mail

CORPUS = os.environ.get("SWITCHBOARD_CORPUS", "")
TALON = Path(CORPUS) / "mail" / "talon" / "tests" / "fixtures"
LEAST = 0.95
EXPECTED_FAILURES: set[str] = set()
"""What is known to come out otherwise, and may."""

pytestmark = pytest.mark.skipif(not TALON.is_dir(), reason="SWITCHBOARD_CORPUS names no folder with talon's fixtures")


def fold(text: str) -> str:
    return " ".join(text.split())


def standard_replies() -> dict[str, tuple[str, str]]:
    """Name to what came out and what is expected. An expected text still has its signature."""
    found = {}
    for path in sorted((TALON / "standard_replies").glob("*.eml")):
        full = Mail.read(path.read_bytes()).text()
        found[path.name] = reply.latest(full), "Hello"
        whole = path.with_name(f"{path.stem}_reply_text")
        if whole.exists():
            found[whole.name] = reply.without_quotation(full), whole.read_text()
    return found


def html_replies() -> dict[str, tuple[str, str]]:
    return {
        path.name: (
            reply.without_quotation(html.to_texts(path.read_text())[1]),
            "Hi. I am fine. Thanks, Alex",
        )
        for path in sorted((TALON / "html_replies").glob("*.html"))
    }


def signatures() -> dict[str, tuple[str, str]]:
    """The files mark what belongs to signature and quotation; the marks are taken off first."""
    found = {}
    for path in sorted((TALON / "signature" / "emails" / "stripped").glob("*_body")):
        stem = path.name.removesuffix("_body")
        body, sender, signature = (
            path.with_name(f"{stem}_{kind}").read_text().replace("#sig#", "")
            for kind in ("body", "sender", "signature")
        )
        before = body[: body.rindex(signature.strip())] if signature.strip() else body
        found[path.name] = reply.latest(body, sender.strip()), before
    for path in sorted((TALON / "signature" / "emails" / "P").glob("*")):
        if "#sig#" in (marked := path.read_text()):
            head, body = marked.split("\n\n", 1) if marked.startswith("From:") else ("John Doe", marked)
            sender = "John Doe" if "(John Doe)" in head or head == "John Doe" else head
            kept = [row for row in body.split("\n") if not row.startswith(("#sig#", "#reply#"))]
            found[f"P/{path.name}"] = (
                reply.latest(body.replace("#sig#", "").replace("#reply#", ""), sender),
                "\n".join(kept),
            )
    return found


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, str]]:
    return standard_replies() | html_replies() | signatures()


def test_all_are_there(outcomes):
    """An empty folder would prove nothing."""
    assert len(outcomes) >= 30


def test_exact(outcomes):
    """At least 95% come out exactly, whitespace folded; the others are those that are known."""
    failed = {name for name, (found, expected) in outcomes.items() if fold(found) != fold(expected)}
    assert failed == EXPECTED_FAILURES
    assert len(failed) <= (1 - LEAST) * len(outcomes)
