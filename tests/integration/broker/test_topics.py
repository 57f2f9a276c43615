"""Topics come from the registry."""

from runtime import topic_admin


async def test_apply_twice_changes_nothing(kafka, installation):
    """A second apply finds every topic as it should be."""
    outcomes = await topic_admin.apply(kafka, installation.topics(), 1)
    assert {o.state for o in outcomes} == {"as it should be"}, outcomes
