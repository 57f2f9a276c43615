"""Whether a machine wrote a mail, and what gives it away.

Source: RFC 3834 (Auto-Submitted), RFC 3464 (delivery reports), RFC 2919 (List-Id) and what mail programs
really send (MS-OXCMAIL's X-Auto-Response-Suppress, Precedence, X-Autoreply). The rules are tried in order;
the first that holds names the kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from schemas.messages import Automatic, AutomaticKind

_OUT_OF_OFFICE: Final = re.compile(
    r"^\s*(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|autoreply|out of (?:the )?office|ooo\b|on vacation|"
    r"on leave|автоответ|автоматический ответ|вне офиса|нет на месте|в отпуске|outomatiese antwoord|buite kantoor|"
    r"uit die kantoor|met verlof|abwesenheit|réponse automatique|absence du bureau|respuesta automática)",
    re.IGNORECASE,
)
_REPORT: Final[dict[str, AutomaticKind]] = {
    "delivery-status": "bounce",
    "disposition-notification": "auto_reply",
    "feedback-report": "auto_generated",
}
_MACHINE: Final = re.compile(r"^(?:mailer-daemon|mail-daemon|mdaemon)(?:[@\s]|$)", re.IGNORECASE)
_POSTMASTER: Final = re.compile(r"^postmaster(?:@|$)", re.IGNORECASE)
_UNDELIVERED: Final = re.compile(r"undeliver|not delivered|delivery|returned mail|failure notice", re.IGNORECASE)

Headers = Mapping[str, str]
"""The first header of each name, in lower case."""
Finding = tuple[AutomaticKind, str] | None


def _report(headers: Headers) -> Finding:
    content_type = headers.get("content-type", "").lower()
    if content_type.startswith("multipart/report"):
        for name, kind in _REPORT.items():
            if name in content_type:
                return kind, f"Content-Type: multipart/report; report-type={name}"
    return None


def _loop(headers: Headers) -> Finding:
    return ("loop", "X-Loop") if "x-loop" in headers else None


def _auto_submitted(headers: Headers) -> Finding:
    value = headers.get("auto-submitted", "").split(";")[0].strip().lower()
    if not value or value == "no":
        return None
    return ("auto_reply" if value == "auto-replied" else "auto_generated"), f"Auto-Submitted: {value[:40]}"


def _auto_reply_headers(headers: Headers) -> Finding:
    for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply"):
        if headers.get(name.lower(), "no").strip().lower() != "no":
            return "auto_reply", name
    return None


def _precedence(headers: Headers) -> Finding:
    value = headers.get("precedence", "").strip().lower()
    if value in {"auto_reply", "auto-reply"}:
        return "auto_reply", f"Precedence: {value}"
    return ("bulk", f"Precedence: {value}") if value in {"bulk", "junk", "list"} else None


def _list(headers: Headers) -> Finding:
    return ("bulk", "List-Id") if "list-id" in headers else None


def _suppress(headers: Headers) -> Finding:
    value = headers.get("x-auto-response-suppress", "").strip()
    return ("auto_generated", "X-Auto-Response-Suppress") if value and value.lower() != "none" else None


def _null_return_path(headers: Headers) -> Finding:
    return ("bounce", "Return-Path: <>") if headers.get("return-path", "-").strip() in {"<>", ""} else None


def _daemon(headers: Headers) -> Finding:
    address = headers.get("from", "").rpartition("<")[2].strip(" <>\t")
    if _MACHINE.match(address):
        return "bounce", "From: a mail daemon"
    # People are postmasters too.
    if _POSTMASTER.match(address) and _UNDELIVERED.search(headers.get("subject", "")):
        return "bounce", "From: postmaster, and the subject"
    return None


_RULES: Final[tuple[Callable[[Headers], Finding], ...]] = (
    _report,
    _loop,
    _auto_submitted,
    _auto_reply_headers,
    _precedence,
    _list,
    _null_return_path,
    _daemon,
    _suppress,
)


def recognise(headers: Headers, subject: str | None) -> Automatic | None:
    """The kind of machine and its mark; None for a person's mail.

    A subject alone proves nothing (people do write "out of office"); beside any of the marks it says
    which kind of machine it was.
    """
    found = next((finding for rule in _RULES if (finding := rule(headers))), None)
    if found is None:
        return None
    kind, evidence = found
    if kind in {"auto_generated", "bulk", "bounce"} and subject and _OUT_OF_OFFICE.match(subject):
        kind, evidence = "auto_reply", f"{evidence}, and the subject"
    return Automatic(kind=kind, evidence=evidence)
