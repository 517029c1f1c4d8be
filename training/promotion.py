"""Promotion with a reason: a version that is worse than the champion on the yardstick does not become champion."""

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime

from training import registry
from training.compare import compare_on_video
from training.comparison import Comparison, compare_answers
from training.dataset import LabelledVideo
from training.errors import PromotionError
from training.model_names import ALIAS, MODEL_NAME
from training.reporting import Reporter
from training.yardstick import recorded_answers, same_test

TAGS = ("promoted_by", "promoted_at", "promoted_over", "promoted_reason", "promoted_comparison", "promoted_forced")
"""Tags of a version: who made it champion, when (UTC), in whose place, why, on what ground, and whether by force."""

LONGEST_REASON = 1000


class WorseError(PromotionError):
    """The version is worse than the champion beyond noise."""


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """Which version, why, on which labelled video it is compared (None: by what training has recorded), by force."""

    version: str
    reason: str = ""
    labelled: LabelledVideo | None = None
    force: bool = False
    name: str = MODEL_NAME
    alias: str = ALIAS


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was done, and the sentence that says how the two versions compare."""

    move: registry.AliasMove
    ground: str


def promote(request: PromotionRequest, reporter: Reporter | None = None) -> Promotion:
    """Make a version the champion unless it is worse than the present one, and tag it with who, when and why.

    Where nothing can be compared, that is said and the alias moves. Raises WorseError, and PromotionError where the
    version is missing or cannot be served; the alias then stays.
    """
    if len(request.reason) > LONGEST_REASON:
        raise PromotionError(f"The reason is longer than {LONGEST_REASON} letters.")
    before = registry.champion(request.name, request.alias)
    ground, comparison = _ground(request, before, reporter)
    if comparison is not None and comparison.difference.worse and not request.force:
        raise WorseError(
            f"{ground} The alias stays; to promote version {request.version} all the same: "
            f"screen-time promote {request.version} --force --reason WHY"
        )
    move = registry.promote(request.version, request.name, request.alias)
    registry.tag(request.name, request.version, _tags(request, move, ground))
    return Promotion(move, ground)


def _ground(request: PromotionRequest, before: str | None, reporter: Reporter | None) -> tuple[str, Comparison | None]:
    """On what ground the version is promoted or refused."""
    if before is None:
        return "There was no champion to compare it with.", None
    if before == request.version:
        return f"Version {before} is champion already.", None
    if request.labelled is not None:
        own_uri, champion_uri = (f"models:/{request.name}/{version}" for version in (request.version, before))
        comparison = compare_on_video(request.labelled, own_uri, champion_uri, reporter).comparison
        return _sentence(request.version, before, comparison, f"labelled frames of {request.labelled.video.name}")
    own, champions = (recorded_answers(registry.run_of(request.name, each)) for each in (request.version, before))
    if own is None or champions is None or not same_test(own, champions):
        return (
            f"Versions {request.version} and {before} were not tested on the same frames, so nothing says which is "
            f"better; compare them with: screen-time compare {request.version} {before} --video V --labels CSV"
        ), None
    return _sentence(request.version, before, compare_answers(own, champions), "held-out frames")


def _sentence(version: str, before: str, found: Comparison, where: str) -> tuple[str, Comparison]:
    difference = found.difference
    interval = f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}"
    sentence = (
        f"Version {version} is {difference.verdict} than version {before}"
        if difference.better or difference.worse
        else f"Versions {version} and {before} differ by no more than noise"
    )
    return (
        f"{sentence}: {100 * found.challenger.accuracy:.1f} % of {found.frames} {where} right against "
        f"{100 * found.champion.accuracy:.1f} % (difference {100 * difference.estimate:+.1f} points, "
        f"95 % interval {interval})."
    ), found


def _tags(request: PromotionRequest, move: registry.AliasMove, ground: str) -> dict[str, str]:
    values = (
        _user(),
        datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        move.before or "",
        request.reason,
        ground,
        str(request.force).lower(),
    )
    return dict(zip(TAGS, values, strict=True))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"
