"""The notifier's core: from what happens to a case to what its customer is told.

    cases, sla   ->  UpdateRequested   when the policy tells this kind of thing, once for each occasion
    updates      ->  Settled           when a sender says what came of it
    nothing      ->  UpdateRequested   again, with the next attempt and the same id (webhooks)
                     UpdateFailed      in doubt (mail, or attempts used up)

The last line is the ledger: what is requested stays outstanding until its outcome comes in or its
deadline passes. Mail cannot be taken back and has no key to recognise a repeat by, so what may have
been sent is never sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeAlias

from runtime.core import Due
from schemas.base import Language, ReplyAddress
from schemas.cases import (
    AgentReplied,
    CaseAbandoned,
    CaseAssigned,
    CaseMerged,
    CaseOpened,
    CaseReleased,
    CaseReopened,
    CaseResolved,
    MessageAdded,
)
from schemas.codec import derive_id
from schemas.policy import Policy
from schemas.sla import ClockWarned
from schemas.updates import UpdateDelivered, UpdateFailed, UpdateKind, UpdateRequested
from services.notifier.core.case import Case
from services.notifier.core.facts import (
    Answered,
    CustomerWrote,
    Ended,
    Forgotten,
    Held,
    Known,
    OutcomeMissing,
    Reopened,
    RetentionOver,
    Settled,
)
from services.notifier.core.templates import Rendered, Templates, Variables, one_line, person_name, with_reference
from services.notifier.core.way import kind_of, way_out

REMEMBER: Final = timedelta(days=7)
"""How long an ended case is kept, since its customer may write again."""

FRESH: Final = timedelta(minutes=1)
"""A warning read later than that, after an outage, may be out of date: the answer to the customer can lie
unread on the other topic.
"""

Timer: TypeAlias = tuple[datetime, str, str, int]
"""When, case, update (empty: retention), attempt. Never removed early: stale ones are skipped."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the ledger waits."""

    outcome: timedelta
    """From a request to the deadline of its outcome; longer than a sender tries."""
    attempts: int
    """Requests of one update at most, where it can be repeated."""


class NotifierCore:
    """The cases of one partition. See runtime.core for the protocol."""

    def __init__(self, policy: Policy, templates: Templates, patience: Patience) -> None:
        self.cases: dict[str, Case] = {}
        self._policy = policy
        self._templates = templates
        self._patience = patience
        self._timers: list[Timer] = []
        self._changed: dict[str, None] = {}

    def decide(self, cause: str, command: Any, now: datetime) -> Sequence[Any]:  # noqa: C901, PLR0911, PLR0912 - one line for each event
        """What the customer is told because of `command`. A desk that the policy does not name tells nothing."""
        match command:
            case CaseOpened():
                return self._opened(command, now)
            case MessageAdded():
                return self._message(command)
            case CaseAssigned():
                return self._assigned(command, now)
            case CaseReleased(assigned=True):
                return (Held(command.case_id),) if command.case_id in self.cases else ()
            case AgentReplied():
                return self._replied(command, now)
            case CaseResolved():
                return self._resolved(cause, command, now)
            case CaseMerged() | CaseAbandoned():
                return (Ended(command.case_id, command.at),) if command.case_id in self.cases else ()
            case CaseReopened():
                return (Reopened(command.case_id),) if command.case_id in self.cases else ()
            case ClockWarned(clock="first_response"):
                return self._warned(command, now)
            case UpdateDelivered() | UpdateFailed():
                return self._outcome(command)
            case OutcomeMissing():
                return self._missing(command, now)
            case RetentionOver():
                return (Forgotten(command.case_id),)
            case _:
                return ()

    def evolve(self, fact: Any) -> None:  # noqa: C901 - one line for each fact
        """Make `fact` part of its case."""
        match fact:
            case Known(case):
                self._put(case)
            case CustomerWrote(case_id, reply_to, language):
                self._change(case_id, reply_to=reply_to, language=language, automatic=False, ended_at=None)
            case Held(case_id, agent_id, agent_name):
                self._change(case_id, agent_id=agent_id, agent_name=agent_name)
            case Answered(case_id):
                self._change(case_id, answered=True)
            case Reopened(case_id):
                self._change(case_id, ended_at=None)
            case Ended(case_id, at):
                self._change(case_id, ended_at=at)
                heappush(self._timers, (at + REMEMBER, case_id, "", 0))
            case UpdateRequested():
                case = self.cases[fact.case_id]
                self._change(
                    fact.case_id,
                    requested={**case.requested, fact.update_id: fact.update_kind},
                    outstanding={**case.outstanding, fact.update_id: fact},
                )
                heappush(self._timers, self._ledger_timer(fact))
            case UpdateFailed():
                self._settle(fact.case_id, fact.update_id)
            case Settled(request):
                self._settle(request.case_id, request.update_id)
            case Forgotten(case_id):
                del self.cases[case_id]
                self._changed[case_id] = None

    def follow_ups(self, fact: Any) -> Iterable[Any]:  # noqa: ARG002 - the protocol's
        """Nothing follows from telling."""
        return ()

    def next_deadline(self) -> datetime | None:
        """The earliest timer; it may be stale."""
        return self._timers[0][0] if self._timers else None

    def take_due(self, now: datetime) -> Due | None:
        """The earliest deadline that still means something."""
        while self._timers and self._timers[0][0] <= now:
            timer = heappop(self._timers)
            while self._timers and self._timers[0] == timer:
                heappop(self._timers)
            due, case_id, update_id, attempt = timer
            case = self.cases.get(case_id)
            if case is None:
                continue
            if update_id:
                request = case.outstanding.get(update_id)
                if request is not None and request.attempt == attempt:
                    cause = derive_id(update_id, "outcome-missing", attempt)
                    return Due(cause, OutcomeMissing(case_id, update_id, attempt))
            elif case.ended_at is not None and case.ended_at + REMEMBER <= due:
                if not case.outstanding:
                    return Due(derive_id(case_id, "retention-over", case.ended_at.isoformat()), RetentionOver(case_id))
                # Told something just before: first what comes of that.
                last = max(now, *map(self._deadline, case.outstanding.values()))
                heappush(self._timers, (last + timedelta(seconds=1), case_id, "", 0))
        return None

    def take_changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Snapshots of the cases that changed since the last call."""
        changed, self._changed = self._changed, {}
        for case_id in changed:
            case = self.cases.get(case_id)
            yield case_id, None if case is None else case.model_dump_json(exclude_none=True).encode()

    def load(self, key: str, snapshot: bytes) -> None:
        """A case from its snapshot."""
        self.cases[key] = Case.model_validate_json(snapshot)

    def loaded(self) -> None:
        """Timers from the cases."""
        self._timers = [
            *(self._ledger_timer(r) for case in self.cases.values() for r in case.outstanding.values()),
            *((c.ended_at + REMEMBER, c.case_id, "", 0) for c in self.cases.values() if c.ended_at is not None),
        ]
        heapify(self._timers)

    # What happens to a case

    def _opened(self, event: CaseOpened, now: datetime) -> Sequence[Any]:
        if event.case_id in self.cases or event.desk not in self._policy.desks:
            return ()
        case = Case(
            case_id=event.case_id,
            desk=event.desk,
            reference=event.reference,
            opened_at=event.at,
            reply_to=event.reply_to,
            language=event.language,
            customer=person_name(event.customer_name) if event.verified else None,
            subject=event.subject,
            automatic=event.automatic,
        )
        tell = event.acknowledge and not event.automatic
        return (Known(case), *(self._tell(case, "acknowledged", event.message_id, now) if tell else ()))

    def _message(self, event: MessageAdded) -> Sequence[Any]:
        if event.automatic or event.desk not in self._policy.desks:
            return ()
        wrote = CustomerWrote(event.case_id, event.reply_to, event.language)
        return (wrote,) if event.case_id in self.cases else (Known(_late(event, event.language)), wrote)

    def _assigned(self, event: CaseAssigned, now: datetime) -> Sequence[Any]:
        case = self.cases.get(event.case_id)
        if case is None:
            return ()
        held = Held(event.case_id, event.agent_id, event.agent_name)
        if case.automatic:
            return (held,)
        return (held, *self._tell(case, "assigned", event.agent_id, now, agent=event.agent_name))

    def _replied(self, event: AgentReplied, now: datetime) -> Sequence[Any]:
        """A person's own words go out in every case, also to where only machines wrote so far."""
        if event.desk not in self._policy.desks:
            return ()
        known = self.cases.get(event.case_id)
        case = known or _late(event, self._policy.desks[event.desk].languages[0])
        subject = None
        if event.reply_to.channel == "email":
            subject = with_reference(_answer_to(case.subject), event.reference)
        words = Rendered(event.text, subject, case.language)
        return (
            *(() if known else (Known(case),)),
            Answered(event.case_id),
            *self._request(case, "reply", event.reply_id, now, words, "agent", event.reply_to),
        )

    def _resolved(self, cause: str, event: CaseResolved, now: datetime) -> Sequence[Any]:
        case = self.cases.get(event.case_id)
        if case is None:
            return ()
        ended = Ended(event.case_id, event.at)
        if event.agent_id is None or case.automatic:
            return (ended,)
        agent = case.agent_name if case.agent_id == event.agent_id else None
        return (*self._tell(case, "resolved", cause, now, agent=agent), ended)

    def _warned(self, event: ClockWarned, now: datetime) -> Sequence[Any]:
        case = self.cases.get(event.case_id)
        if case is None or case.automatic or case.answered or case.ended_at is not None or now - event.at > FRESH:
            return ()
        return self._tell(case, "progress", event.clock, now, agent=case.agent_name)

    # What is said

    def _tell(
        self, case: Case, kind: UpdateKind, occasion: str, now: datetime, *, agent: str | None = None
    ) -> Sequence[UpdateRequested]:
        """The update that a template writes."""
        desk = self._policy.desks.get(case.desk)
        if desk is None:
            return ()
        variables = Variables(
            reference=case.reference,
            desk=desk.name,
            channel=case.reply_to.channel,
            since_opened=now - case.opened_at,
            customer=case.customer,
            agent=one_line(agent, 100) if agent else None,
        )
        words = self._templates.render(case.desk, kind, case.language, variables)
        return self._request(case, kind, occasion, now, words, f"{kind}.{words.language}", case.reply_to)

    def _request(
        self,
        case: Case,
        kind: UpdateKind,
        occasion: str,
        now: datetime,
        words: Rendered,
        template: str,
        reply_to: ReplyAddress,
    ) -> Sequence[UpdateRequested]:
        """The request, unless the policy leaves this kind out or it was requested before."""
        update_id = derive_id(case.case_id, kind, occasion)
        if kind not in self._policy.desks[case.desk].updates.tell or update_id in case.requested:
            return ()
        return (
            UpdateRequested(
                desk=case.desk,
                at=now,
                update_id=update_id,
                case_id=case.case_id,
                reference=case.reference,
                update_kind=kind,
                reply_to=reply_to,
                language=words.language,
                subject=words.subject,
                text=words.text,
                template=template,
                policy_version=self._policy.version,
            ),
        )

    # The ledger

    def _outcome(self, event: UpdateDelivered | UpdateFailed) -> Sequence[Any]:
        case = self.cases.get(event.case_id)
        request = case.outstanding.get(event.update_id) if case else None
        return () if request is None else (Settled(request, event),)

    def _missing(self, deadline: OutcomeMissing, now: datetime) -> Sequence[Any]:
        request = self.cases[deadline.case_id].outstanding[deadline.update_id]
        way = kind_of(way_out(self._policy.desks.get(request.desk), request.reply_to))
        if way == "webhook" and request.attempt < self._patience.attempts:
            return (request.model_copy(update={"at": now, "attempt": request.attempt + 1}),)
        failed = UpdateFailed(
            desk=request.desk,
            at=now,
            update_id=request.update_id,
            case_id=request.case_id,
            reference=request.reference,
            update_kind=request.update_kind,
            channel=request.reply_to.channel,
            provider=request.reply_to.provider,
            attempts=request.attempt,
            reason="in_doubt",
            detail="no sender told what came of it; it may have been sent, so it is not sent again",
        )
        return (failed,)

    def _deadline(self, request: UpdateRequested) -> datetime:
        return request.at + self._patience.outcome

    def _ledger_timer(self, request: UpdateRequested) -> Timer:
        return (self._deadline(request), request.case_id, request.update_id, request.attempt)

    # State

    def _settle(self, case_id: str, update_id: str) -> None:
        outstanding = {i: r for i, r in self.cases[case_id].outstanding.items() if i != update_id}
        self._change(case_id, outstanding=outstanding)

    def _change(self, case_id: str, **changes: Any) -> None:
        self._put(self.cases[case_id].model_copy(update=changes))

    def _put(self, case: Case) -> None:
        self.cases[case.case_id] = case
        self._changed[case.case_id] = None


def _late(event: MessageAdded | AgentReplied, language: Language) -> Case:
    """What can be known of a case that was forgotten, or opened before the notifier was installed."""
    return Case(
        case_id=event.case_id,
        desk=event.desk,
        reference=event.reference,
        opened_at=event.at,
        reply_to=event.reply_to,
        language=language,
    )


def _answer_to(subject: str | None) -> str:
    """`Re:` before a subject, once."""
    line = one_line(subject or "", 150)
    while line[:3].lower() == "re:":
        line = line[3:].lstrip()
    return f"Re: {line}" if line else "Re:"
