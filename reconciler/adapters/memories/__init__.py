"""Where the memory of incidents is kept: vectors in an SQLite file behind `ports.memory.Memory`."""

from reconciler.adapters.memories.embedded import EmbeddedMemory

__all__ = ["EmbeddedMemory"]
