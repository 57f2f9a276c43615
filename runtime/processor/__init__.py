"""The processor: runs a service's cores on Kafka, exactly once.

One consumer for each process, one transactional producer for each input partition; what a core says,
what it remembers and how far it has read are committed together or not at all.

`Processor` joins the group again and again; a `Session` is one membership; a `Task` is the life of one
partition within it: fence, restore, then fetch, decide, commit.
"""

from runtime.processor.processor import Processor

__all__ = ["Processor"]
