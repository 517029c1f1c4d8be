"""moto checks the condition of a write of an object and then writes: of two writers both may find it met."""

import functools
import threading
from collections.abc import Callable

from moto.s3.responses import S3Response

from infra.local.moto_extensions.creation import Moto

CONDITIONAL = ("put_object", "copy_object", "delete_object")

_writing: dict[tuple[str, str], threading.RLock] = {}
"""One lock a key, as S3 serialises writes of one object: a notification that a write sends must not stop the others."""


def install() -> None:
    """Make each write of an object one step with the check of its condition."""
    for name in CONDITIONAL:
        setattr(S3Response, name, _one_at_a_time(getattr(S3Response, name)))


def _one_at_a_time(write: Callable[[Moto], object]) -> Callable[[Moto], object]:
    @functools.wraps(write)
    def whole(self: Moto) -> object:
        # setdefault, which no other thread can come between: a defaultdict gave two first writers a lock each.
        with _writing.setdefault((self.bucket_name, self.parse_key_name()), threading.RLock()):
            return write(self)

    return whole
