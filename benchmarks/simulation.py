"""What happens when many long videos come at once: queue, functions, Step Functions' Map, and what it costs.

A simulation, event by event, of what template.yaml deploys: messages wait for a function that takes them up; it hands
a video to an execution; its segments are measured at most `map_concurrency` at a time; whatever finds the account's
functions all at work is throttled and tried again, as the state machine's definition says. docs/scale.md uses it, and
tests/e2e compares it with what the local stack does.

    python -m benchmarks.simulation
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from screen_time.planning import segments

RETRY_FIRST_SECONDS, RETRY_LONGEST_SECONDS, RETRY_ATTEMPTS = 5.0, 600.0, 100
"""Of a throttled task: the retrier for Lambda.TooManyRequestsException in statemachine/long-video.asl.json."""

STATES_BESIDE_SEGMENTS = 6
"""Plan, Segments, Merge, Discard, Discarded, Measured; each segment is one more, and so is each retry."""


@dataclass(frozen=True, slots=True)
class LongVideo:
    """One video: when it is dropped, and the seconds that each of its tasks takes on a function that is warm."""

    arrival: float
    probe: float
    plan: float
    segments: tuple[float, ...]
    merge: float
    discard: float = 0.3


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds the work; seconds for a function that has to be started first."""

    ingest_concurrency: int = 5
    map_concurrency: int = 40
    account_concurrency: int = 1000
    cold_start: float = 2.0
    transition: float = 0.05
    """Between two states, and before each task."""


@dataclass(slots=True)
class Outcome:
    """What happened: seconds from a video's drop to its result, in order of arrival; None where it failed."""

    finished: list[float | None]
    queue_age: float = 0.0
    """The longest that a message waited."""
    throttles: int = 0
    most_functions: int = 0
    function_seconds: float = 0.0
    invocations: int = 0
    transitions: int = 0

    @property
    def slowest(self) -> float:
        """Seconds of the video that took longest; infinite where one failed."""
        return max(float("inf") if each is None else each for each in self.finished)


class Simulation:
    """One run; `seed` decides the retries' jitter."""

    def __init__(self, limits: Limits, seed: int = 0) -> None:
        self.limits = limits
        self._random = random.Random(seed)  # noqa: S311 (chance, not secrecy)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._now = 0.0
        self._busy = self._ingesting = 0
        self._warm = {"ingest": 0, "tasks": 0}
        self._waiting: deque[tuple[int, LongVideo]] = deque()
        self._outcome = Outcome([])

    def run(self, videos: Sequence[LongVideo]) -> Outcome:
        """Drop the videos and let everything come to its end; usable once."""
        self._outcome = Outcome([None] * len(videos))
        for number, video in enumerate(videos):
            self._at(video.arrival, partial(self._drop, number, video))
        while self._events:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
        return self._outcome

    # ---- The queue

    def _drop(self, number: int, video: LongVideo) -> None:
        self._waiting.append((number, video))
        self._take_up()

    def _take_up(self) -> None:
        while self._waiting and self._ingesting < self.limits.ingest_concurrency:
            number, video = self._waiting[0]
            if not self._invoke("ingest", video.probe, partial(self._handed_over, number, video)):
                self._after(1.0, self._take_up)
                return
            self._waiting.popleft()
            self._ingesting += 1
            self._outcome.queue_age = max(self._outcome.queue_age, self._now - video.arrival)

    def _handed_over(self, number: int, video: LongVideo) -> None:
        self._ingesting -= 1
        self._execute(number, video)
        self._take_up()

    # ---- The state machine

    def _execute(self, number: int, video: LongVideo) -> None:
        self._outcome.transitions += STATES_BESIDE_SEGMENTS + len(video.segments)
        left, running = deque(video.segments), len(video.segments)

        def done() -> None:
            self._outcome.finished[number] = self._now - video.arrival
            self._task(video.discard, lambda: None)

        def measured() -> None:
            nonlocal running
            running -= 1
            if left:
                self._task(left.popleft(), measured)
            if not running:
                self._task(video.merge, done)

        def planned() -> None:
            for _ in range(min(self.limits.map_concurrency, len(left))):
                self._task(left.popleft(), measured)

        self._task(video.plan, planned)

    def _task(self, seconds: float, done: Callable[[], None], attempt: int = 0) -> None:
        """Invoke after a transition; where it is throttled, after a pause that has grown, as long as there are any."""

        def invoke() -> None:
            if self._invoke("tasks", seconds, done):
                return
            self._outcome.throttles += 1
            self._outcome.transitions += 1
            if attempt < RETRY_ATTEMPTS:
                longest = min(RETRY_LONGEST_SECONDS, RETRY_FIRST_SECONDS * 2.0**attempt)
                self._after(self._random.uniform(0, longest), partial(self._task, seconds, done, attempt + 1))

        self._after(self.limits.transition, invoke)

    # ---- Functions

    def _invoke(self, function: str, seconds: float, done: Callable[[], None]) -> bool:
        """Run a function for `seconds`, longer where it has to be started first; False where the account is full."""
        if self._busy >= self.limits.account_concurrency:
            return False
        if self._warm[function]:
            self._warm[function] -= 1
        else:
            seconds += self.limits.cold_start
        self._busy += 1
        outcome = self._outcome
        outcome.most_functions = max(outcome.most_functions, self._busy)
        outcome.function_seconds += seconds
        outcome.invocations += 1

        def end() -> None:
            self._busy -= 1
            self._warm[function] += 1
            done()

        self._after(seconds, end)
        return True

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        self._at(self._now + seconds, happen)

    def _at(self, time: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), happen))


def film(hours: float, estimated_seconds: float, arrival: float = 0.0) -> LongVideo:
    """A video of so many hours and so much estimated work, cut as the planner cuts, on functions of default memory."""
    count = segments(estimated_seconds, SEGMENT_SECONDS)
    each = estimated_seconds * MEASURED / count / PROCESSORS / OVERLAP + SEGMENT_OVERHEAD
    return LongVideo(arrival, probe=1.0, plan=1.0 + 0.2 * hours, segments=(each,) * count, merge=0.5 + 0.2 * hours)


SEGMENT_SECONDS = 30.0
"""The template's SegmentSeconds."""

MEASURED = 1.5
"""Processor seconds that benchmarks/segments.py has measured for each one estimated, on a busy machine."""

PROCESSORS = 3008 / 1769
"""Of a function with the template's FunctionMemory."""

OVERLAP = 0.85
"""Share of these that decoding and classifying beside each other keep busy."""

SEGMENT_OVERHEAD = 1.0
"""Seconds of a warm function for the decoder's start, the index, the seek and the partial."""

FILM_1080P = film(2, 1101.0)
"""Two hours of H.264 at 24 frames a second, by screen_time.planning's estimate for a VGG16 model at 224 x 398."""

GB_SECOND, REQUEST, TRANSITION, GET, PUT = 1.66667e-5, 2e-7, 2.5e-5, 4e-7, 5e-6
"""US dollars, us-east-1."""


def dollars(outcome: Outcome, gets: int) -> float:
    """What a run costs: functions, state transitions and requests to S3, without storage and logs."""
    compute = outcome.function_seconds * 3008 / 1024 * GB_SECOND + outcome.invocations * REQUEST
    return compute + outcome.transitions * TRANSITION + gets * GET + outcome.invocations * 2 * PUT


def scenarios() -> dict[str, tuple[list[LongVideo], Limits]]:
    """What docs/scale.md tells of: the videos and the limits of each case."""
    burst = [film(2, 1101.0, arrival=3600.0 * number / 10_000) for number in range(10_000)]
    crowd = [film(2, 1101.0, arrival=0.36 * number) for number in range(1000)]
    return {
        "one film of 2 hours, 1080p": ([FILM_1080P], Limits()),
        "the same, every function cold and slow to start": ([FILM_1080P], Limits(cold_start=6.0)),
        "one film of 10 hours, 4K": ([film(10, 16_500.0)], Limits()),
        "a hundred films at once": ([FILM_1080P] * 100, Limits()),
        "1,000 films within six minutes": (crowd, Limits()),
        "10,000 films within an hour, 10,000 functions": (burst, Limits(account_concurrency=10_000)),
    }


def main() -> None:
    """Print a row for each case."""
    columns = (
        "first (s)",
        "median (s)",
        "last (s)",
        "failed",
        "queue age (s)",
        "functions",
        "throttles",
        "transitions",
    )
    print("| case |", " | ".join(columns), "| $ a video |")
    print("| --- |" + " --: |" * (len(columns) + 1))
    for name, (videos, limits) in scenarios().items():
        outcome = Simulation(limits).run(videos)
        done = sorted(each for each in outcome.finished if each is not None)
        gets = sum(len(video.segments) * 40 for video in videos)
        figures = (
            done[0],
            done[len(done) // 2],
            done[-1],
            len(videos) - len(done),
            outcome.queue_age,
            outcome.most_functions,
            outcome.throttles,
            outcome.transitions,
        )
        cells = " | ".join(f"{figure:,.0f}" for figure in figures)
        print(f"| {name} | {cells} | {dollars(outcome, gets) / len(videos):.3f} |", flush=True)


if __name__ == "__main__":
    main()
