"""Several processes share the partitions, come and go."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from schemas.assignments import CommandRejected
from schemas.codec import decode
from schemas.topics import ASSIGNMENTS
from tests.integration.processor.playing import desk_in, member, outputs, presence, publish, read

pytestmark = pytest.mark.kafka


async def counts(kafka, settings):
    """The counts that were told, by desk, in the order of the commands."""
    told = defaultdict(list)
    for record in await read(kafka, settings, ASSIGNMENTS):
        event = decode(record.value, record.headers).event
        assert isinstance(event, CommandRejected)
        told[event.desk].append(int(event.detail))
    return told


@pytest.mark.parametrize("installation", [4], indirect=True)
async def test_two_share_and_a_third_joins(kafka, installation):
    """Two members share four partitions, a third joins in the middle; each command counts just once."""
    desks = [desk_in(partition, 4) for partition in range(4)]

    async def send(first):
        await publish(
            kafka, installation, [(f"{n}-{d}", presence(d)) for n in range(first, first + 250) for d in desks]
        )

    async with member(kafka, installation) as one, member(kafka, installation) as two:
        await send(0)
        async with member(kafka, installation) as three:
            await send(250)
            await outputs(kafka, installation, ASSIGNMENTS, 2000)
            owned = [sorted(each.cores) for each in (one, two, three)]
            assert sorted(itertools.chain(*owned)) == [0, 1, 2, 3]
            assert all(owned)

    assert await counts(kafka, installation) == {desk: list(range(1, 501)) for desk in desks}
