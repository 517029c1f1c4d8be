"""The comparison of two versions as one page: figures, a timeline of both, and pictures of where they disagree."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.answers_file import NamedAnswers, Names
from training.compare import VideoComparison

_PAGES = Environment(loader=PackageLoader("training", "."), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the timeline, in percent of the width: where it starts and how wide it is; `right` by its colour."""

    start: float
    width: float
    title: str
    right: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the timeline: who says it, and its stretches."""

    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame on which the two disagree."""

    second: float
    address: str
    shown: str
    challenger: str
    champion: str


def comparison_page(found: VideoComparison) -> str:
    """HTML that needs no other file and no network."""
    titles = [
        f"version {model.version}" if model.version else model.uri for model in (found.challenger, found.champion)
    ]
    return _PAGES.get_template("comparison_page.html").render(
        found=found,
        comparison=found.comparison,
        difference=found.comparison.difference,
        titles=titles,
        timelines=[(name, _lanes(found, name, titles)) for name in found.comparison.true_seconds],
        pictures=list(_pictures(found)),
    )


def _lanes(found: VideoComparison, name: str, titles: list[str]) -> list[Lane]:
    """When a character is there by the labels and by each version."""
    one, other = found.answers
    shown = {key: answer.shown for key, answer in one.items()}
    said = [{key: answer.said for key, answer in answers.items()} for answers in (one, other)]
    rows = ((title, each) for title, each in zip(("labels", *titles), (shown, *said), strict=True))
    return [Lane(title, tuple(_bars(one, each, name))) for title, each in rows]


def _bars(answers: NamedAnswers, said: dict[tuple[str, int], Names], name: str) -> Iterator[Bar]:
    """Runs of frames in which `name` is said, right and wrong ones apart; frames that are not labelled are gaps."""
    end_of_all = max(time_ms + answers[video, time_ms].milliseconds for video, time_ms in answers)
    run: tuple[int, int, bool] | None = None
    for (video, time_ms), names in sorted(said.items()):
        answer = answers[video, time_ms]
        end, right = time_ms + answer.milliseconds, name in answer.shown
        if run is not None and (name not in names or run[1] != time_ms or run[2] != right):
            yield _bar(run, end_of_all, name)
            run = None
        if name in names:
            run = (time_ms, end, right) if run is None else (run[0], end, right)
    if run is not None:
        yield _bar(run, end_of_all, name)


def _bar(run: tuple[int, int, bool], end_of_all: int, name: str) -> Bar:
    start, end, right = run
    title = f"{name}, {start / 1000:g} to {end / 1000:g} s" + ("" if right else ", wrong")
    return Bar(round(100 * start / end_of_all, 3), round(100 * (end - start) / end_of_all, 3), title, right)


def _pictures(found: VideoComparison) -> Iterator[Picture]:
    one, other = found.answers
    for time_ms, picture in found.pictures.items():
        key = (found.video, time_ms)
        address = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
        names = (", ".join(sorted(each)) or "nobody" for each in (one[key].shown, one[key].said, other[key].said))
        yield Picture(time_ms / 1000, address, *names)
