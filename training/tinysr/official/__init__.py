"""The published TinySR checkpoint (github.com/Microtreei/TinySR): reading it, and what it becomes here."""

from .load import Release, load

__all__ = ["Release", "load"]
