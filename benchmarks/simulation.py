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
