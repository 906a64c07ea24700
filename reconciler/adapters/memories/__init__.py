"""What incidents are recognised by: their vectors in an SQLite file, and the words of log templates."""

from reconciler.adapters.memories.embedded import EmbeddedMemory
from reconciler.adapters.memories.templates import KeptTemplates

__all__ = ["EmbeddedMemory", "KeptTemplates"]
