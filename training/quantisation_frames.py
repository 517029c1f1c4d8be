"""Which frames tell how to quantise a model, and which others both of its forms answer before it is registered."""

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import InputSpec
from training.dataset import Frames
from training.variation import vary

QUANTISED_WITH = 16
"""How many frames tell the ranges and ranks of activations, at most, every second one with a varied copy: other videos
are drawn and lit differently."""

CHECKED_FRAMES = 100
"""How many other frames both forms answer before a version is registered, at most."""

BLOCK = 16
"""Neighbouring frames are nearly the same picture: blocks of so many are quantised with and checked in turn."""

Positions = NDArray[np.intp]


def pictures(frames: Frames, spec: InputSpec) -> Frames:
    """Those of `frames` to quantise with, and a varied copy of every second one; the same for the same frames."""
    chosen = frames[_halves(len(frames))[0]]
    generator = np.random.default_rng(0)
    return np.concatenate([chosen, [vary(frame, spec, generator) for frame in chosen[::2]]])


def checked(count: int) -> Positions:
    """Positions of those of `count` frames on which both forms must agree."""
    return _halves(count)[1]


def evenly(positions: Positions, most: int) -> Positions:
    """At most so many of the positions, from the first to the last."""
    return np.asarray(positions[np.unique(np.linspace(0, len(positions) - 1, most).astype(int))])


def _halves(count: int) -> tuple[Positions, Positions]:
    """To quantise with and to check, blocks in turn; a lone frame serves for both."""
    positions = np.arange(count)
    if count < 2:
        return positions, positions
    block = min(BLOCK, max(1, count // 4))
    odd = positions // block % 2 == 1
    return evenly(positions[~odd], QUANTISED_WITH), evenly(positions[odd], CHECKED_FRAMES)
