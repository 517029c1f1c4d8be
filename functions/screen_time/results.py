"""Where a video's documents are written: one prefix of the results bucket for each video, named by its key.

Many functions may write for one key at once: duplicates, retries of what was killed, an older and a newer upload, two
model versions. S3's conditional writes decide between them, and nothing else has to: what is replaced is exactly what
was seen before the video was last found to be the latest of its key. In the end one document stands, a result or an
error, and it is of the latest upload.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from screen_time.conditional_writes import ConditionalBucket, ConflictError, File, Labels
from screen_time.documents import ERROR_NAME, RESULT_NAME, SHADOW_NAME
from screen_time.errors import PermanentError, SupersededError, TransientError
from screen_time.provenance import Provenance

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 5
"""How often a write is begun anew because somebody else wrote in between."""

LONGEST_KEY_BYTES = 1024
"""S3's limit; documents have longer keys than their video."""

LONGEST_NAME_BYTES = 32
"""Room for a document's own name."""

StillLatest = Callable[[], object]
"""Raises SupersededError where the video is not the latest of its key any more."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A result or an error that stands in the bucket; `files` maps the documents beside it to their etags."""

    etag: str
    provenance: Provenance | None = None
    files: Mapping[str, str] = field(default_factory=dict)


class ResultFolder:
    """The documents of one video. Every method raises TransientError where S3 does not do what it is asked."""

    def __init__(self, s3: "S3Client", bucket: str, key: str) -> None:
        """Look what stands there: what is written later replaces exactly that."""
        self._bucket = ConditionalBucket(s3, bucket)
        self.path = folder_name(key)
        self._look()

    def address(self, name: str) -> str:
        """The document's s3:// address."""
        return f"s3://{self._bucket.name}/{self.path}/{name}"

    def read(self, name: str) -> bytes:
        """The document's content."""
        return self._bucket.read(f"{self.path}/{name}")

    def tags(self, name: str) -> dict[str, str]:
        """The document's tags."""
        return self._bucket.tags(f"{self.path}/{name}")

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Give the document these tags in place of those it has."""
        self._bucket.tag(f"{self.path}/{name}", tags)

    def check_not_superseded(self, provenance: Provenance) -> None:
        """Raise SupersededError where a document of a later upload stands there."""
        for standing in (self._result, self._error):
            if standing and standing.provenance and standing.provenance.supersedes(provenance):
                raise SupersededError("A newer upload of the same key has its document already.")

    def answer(self, provenance: Provenance) -> str | None:
        """The address of the whole document of this very identity, if there is one; None where there is none."""
        if self._is_of(self._result, provenance) and self._is_whole(self._result):
            self._settle(RESULT_NAME, provenance, None)
            return self.address(RESULT_NAME)
        if self._is_of(self._error, provenance):
            self._settle(ERROR_NAME, provenance, None)
            return self.address(ERROR_NAME)
        return None

    def write_result(
        self,
        provenance: Provenance,
        result: bytes,
        files: Sequence[File],
        still_latest: StillLatest,
        labels: Labels | None = None,
    ) -> str:
        """Write `files`, then `screen-time.json`, whose address is returned; an error from before is taken away.

        Raises SupersededError where a newer upload exists. What a duplicate has written meanwhile is left alone.
        """
        begun = self._result
        for _ in range(ATTEMPTS):
            seen = {file.name: self._etag(file.name) for file in files}
            still_latest()
            before = self._result
            try:
                etags = {file.name: self._put(file, seen[file.name]) for file in files}
                document = File(RESULT_NAME, result, "application/json")
                self._put(document, before.etag if before else None, _labelled(labels, provenance, etags))
            except ConflictError:
                self._look()
                if address := self.answer(provenance):
                    return address
                self._check_not_remeasured(begun, provenance)
                continue
            if before is not None:
                self._delete({name: etag for name, etag in before.files.items() if name not in etags})
            self._discard_shadow()
            self._settle(RESULT_NAME, provenance, still_latest)
            return self.address(RESULT_NAME)
        raise TransientError(f"{RESULT_NAME} cannot be written: others write it all the time.")

    def write_shadow(self, provenance: Provenance, document: bytes, labels: Labels | None = None) -> str:
        """Write `shadow.json` beside the result of `provenance`, and return its address.

        Raises SupersededError where another result or none stands there. Whoever writes or removes a result removes the
        shadow afterwards, and here is looked afterwards whether the result still stands: one of the two sees the other.
        """
        seen = self._etag(SHADOW_NAME)
        self._check_result_stands(provenance)
        file = File(SHADOW_NAME, document, "application/json")
        try:
            etag = self._put(file, seen, _labelled(labels, provenance, {}))
        except ConflictError as error:
            raise SupersededError("Another function has written a shadow meanwhile.") from error
        try:
            self._check_result_stands(provenance)
        except SupersededError:
            self._delete({SHADOW_NAME: etag})
            raise
        return self.address(SHADOW_NAME)

    def write_error(
        self,
        provenance: Provenance,
        error: bytes,
        still_latest: StillLatest | None,
        labels: Labels | None = None,
    ) -> str | None:
        """Write `error.json`, whose address is returned; the result of an earlier upload is taken away.

        A result of the same object stays, and None is returned. `still_latest` is None where the video cannot be asked
        about any more: then only what is known to be older is replaced, and SupersededError is raised for the rest.
        """
        for _ in range(ATTEMPTS):
            if self._result and self._result.provenance and self._result.provenance.is_of_the_object_of(provenance):
                return None
            self.check_not_superseded(provenance)
            if still_latest is None:
                self._check_only_older(provenance)
            else:
                still_latest()
            document = File(ERROR_NAME, error, "application/json")
            try:
                self._put(document, self._error.etag if self._error else None, _labelled(labels, provenance, {}))
            except ConflictError:
                self._look()
                if address := self.answer(provenance):
                    return address
                continue
            self._settle(ERROR_NAME, provenance, still_latest)
            return self.address(ERROR_NAME)
        raise TransientError(f"{ERROR_NAME} cannot be written: others write it all the time.")

    def _look(self) -> None:
        self._result, self._error = self._standing(RESULT_NAME), self._standing(ERROR_NAME)

    @staticmethod
    def _is_of(standing: Standing | None, provenance: Provenance) -> bool:
        return bool(standing and standing.provenance and standing.provenance.identity == provenance.identity)

    def _is_whole(self, standing: Standing | None) -> bool:
        return standing is not None and all(self._etag(name) == etag for name, etag in standing.files.items())

    def _check_not_remeasured(self, begun: Standing | None, provenance: Provenance) -> None:
        """Of two models that measured one object at a time, the champion of the next attempt decides."""
        self.check_not_superseded(provenance)
        now = self._result
        if now is None or now.provenance is None or (begun is not None and begun.etag == now.etag):
            return
        if now.provenance.is_of_the_object_of(provenance) and now.provenance.identity != provenance.identity:
            raise TransientError("Another model has measured the video meanwhile.")

    def _check_result_stands(self, provenance: Provenance) -> None:
        if not self._is_of(self._standing(RESULT_NAME), provenance):
            raise SupersededError("The champion's result does not stand there any more.")

    def _check_only_older(self, provenance: Provenance) -> None:
        for standing in (self._result, self._error):
            if standing is None or standing.provenance is None:
                continue
            theirs = standing.provenance
            if not (theirs.is_of_the_object_of(provenance) or provenance.supersedes(theirs)):
                raise SupersededError("Another upload of the same key has its document already.")

    def _settle(self, mine: str, provenance: Provenance, still_latest: StillLatest | None) -> None:
        """Leave one of result and error where both stand: every writer comes here last, and all judge alike."""
        other_name = ERROR_NAME if mine == RESULT_NAME else RESULT_NAME
        other = self._standing(other_name)
        if other is None:
            return
        if self._stays(mine, provenance, other.provenance, still_latest):
            self._remove(other_name, other)
            return
        if (written := self._standing(mine)) is not None and self._is_of(written, provenance):
            self._remove(mine, written)
        raise SupersededError("A document of a newer upload stands there.")

    @staticmethod
    def _stays(mine: str, provenance: Provenance, theirs: Provenance | None, still_latest: StillLatest | None) -> bool:
        """Whether `mine` stays and not the other: the later upload's document does, and of one upload the result."""
        if theirs is None or provenance.supersedes(theirs):
            return True
        if theirs.supersedes(provenance):
            return False
        if still_latest is None or provenance.is_of_the_object_of(theirs):
            return mine == RESULT_NAME
        try:
            still_latest()
        except SupersededError:
            return False
        except PermanentError:
            return mine == RESULT_NAME
        return True

    def _standing(self, name: str) -> Standing | None:
        stored = self._bucket.look(f"{self.path}/{name}")
        if stored is None:
            return None
        files = dict(pair.split("=", 1) for pair in stored.metadata.get("files", "").split(",") if "=" in pair)
        return Standing(stored.etag, Provenance.from_metadata(stored.metadata), files)

    def _etag(self, name: str) -> str | None:
        stored = self._bucket.look(f"{self.path}/{name}")
        return None if stored is None else stored.etag

    def _put(self, file: File, seen: str | None, labels: Labels | None = None) -> str:
        return self._bucket.put(self.path, file, seen, labels)

    def _remove(self, name: str, standing: Standing) -> None:
        """Take a document away and those beside it, unless written anew; itself last, for a retry to find it."""
        self._delete({**standing.files, name: standing.etag})
        if name == RESULT_NAME:
            self._discard_shadow()

    def _discard_shadow(self) -> None:
        """Take away what a challenger has measured beside a result that was replaced or removed."""
        if (etag := self._etag(SHADOW_NAME)) is not None:
            self._delete({SHADOW_NAME: etag})

    def _delete(self, etags: Mapping[str, str]) -> None:
        for name, etag in etags.items():
            with suppress(ConflictError):
                self._bucket.delete(f"{self.path}/{name}", etag)


def folder_name(key: str) -> str:
    """The prefix of a video's documents: its key, shortened where a document's would be longer than S3 allows."""
    encoded = key.encode()
    room = LONGEST_KEY_BYTES - LONGEST_NAME_BYTES - 1
    if len(encoded) <= room:
        return key
    digest = hashlib.sha256(encoded).hexdigest()
    return f"{encoded[: room - len(digest) - 1].decode(errors='ignore')}~{digest}"


def _labelled(labels: Labels | None, provenance: Provenance, files: Mapping[str, str]) -> Labels:
    """A document's labels, with what the next writer has to know of it."""
    labels = labels or Labels()
    listed = {"files": ",".join(f"{name}={etag}" for name, etag in files.items())} if files else {}
    return replace(labels, metadata={**labels.metadata, **provenance.to_metadata(), **listed})
