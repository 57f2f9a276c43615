"""The router's decisions, pure: one writer for each desk (see docs/architecture.md).

entities    what is remembered, and how it is written down
facts       what happened but is nobody else's business; and what the core tells itself to look at
rules       the policy, compiled: urgency, impact, needs, tiers
matching    who fits what: requirement sets, queues, available agents
desk        the state of one desk: entities with their indexes and timers
decisions   command -> facts, one module for each kind of command
evolution   fact -> state, the only change
router      the core that the shell drives
"""
