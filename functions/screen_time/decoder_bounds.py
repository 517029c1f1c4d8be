"""What decoding one video may take before it counts as an attack."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DecoderBounds:
    """What one video may take: bytes of address space, seconds of processor time, seconds without any progress."""

    memory_bytes: int = 3 * 1024**3
    cpu_seconds: int = 24 * 3600
    stall_seconds: float = 60.0
