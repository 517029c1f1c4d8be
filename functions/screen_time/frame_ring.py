"""Prepared frames in memory that two processes share: one writes a slot, the other reads it and gives it back."""

import mmap
import os
import tempfile

import numpy as np

from screen_time.manifest import InputSpec
from screen_time.samples import Frame


class FrameRing:
    """`slots` frames of the size of `spec` in the file `descriptor`, which lies in memory and has no name."""

    def __init__(self, descriptor: int, slots: int, spec: InputSpec) -> None:
        shape = (slots, spec.height, spec.width, 3)
        size = int(np.prod(shape))
        if os.fstat(descriptor).st_size < size:
            os.ftruncate(descriptor, size)
        self._frames = np.frombuffer(mmap.mmap(descriptor, size), dtype=np.uint8).reshape(shape)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, slot: int) -> Frame:
        """The frame in a slot, not a copy of it."""
        frame: Frame = self._frames[slot]
        return frame

    def __setitem__(self, slot: int, frame: Frame) -> None:
        self._frames[slot] = frame


def new_shared_memory() -> int:
    """A descriptor for a FrameRing, which whoever calls closes.

    Not multiprocessing's shared memory: that needs /dev/shm, which Lambda has not.
    """
    try:
        return os.memfd_create("frames")
    except OSError:
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
