"""The TinySR architecture: one definition, many sizes."""

from .conditioning import LAST_TIMESTEP, Prompt
from .config import CONFIGS, HalfConfig, TinySRConfig, convolutional, named
from .count import Cost, count, count_config, on_meta, parameters
from .fold import fold_conditioning
from .model import TinySR

__all__ = [
    "CONFIGS",
    "LAST_TIMESTEP",
    "Cost",
    "HalfConfig",
    "Prompt",
    "TinySR",
    "TinySRConfig",
    "convolutional",
    "count",
    "count_config",
    "fold_conditioning",
    "named",
    "on_meta",
    "parameters",
]
