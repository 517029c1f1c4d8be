"""What is broken, and what must come of it. Each scenario says what it saw, or raises FaultError."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.parse import quote_plus

from tests.faults.aws_proxy import FAILED, THROTTLED, UNREACHABLE, Call, Fault, Rule
from tests.faults.registry_gate import Gate
from tests.faults.system import FaultError, FaultySystem, Seconds

SETTLE_SECONDS = 180.0
"""For one video, killed once; kills come back within a lease of 2 s, all else is a busy machine."""

REFRESH_SECONDS = 5.5
"""The registry is asked at most every five seconds."""

TOO_SHORT_SECONDS = 30
"""For a function whose network has stopped; enough for a cold start on a busy machine."""

VIDEO: Seconds = {"red": 2.0, "green": 1.0, "blue": 0.5}


def kill_points(system: FaultySystem, points: int, seed: int = 0) -> str:
    """Kill the function at `points` random moments over one video's processing: before a call, after it, by time."""
    chance = random.Random(seed)
    calls, seconds = _undisturbed(system)
    kinds = {"before a call": 0, "after a call": 0, "by time": 0}
    for number in range(points):
        kind = chance.choice(list(kinds))
        kinds[kind] += 1
        system.forget()
        if chance.random() < 0.3:
            system.kill_all()
        with _killing(system, kind, chance.randrange(calls), chance.uniform(0, seconds)):
            system.drop(f"kill/{number}.mp4", VIDEO)
            system.settle(SETTLE_SECONDS)
        system.aws.reset()
        system.verify()
        system.verify_dead_letters(0)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{points} kills ({told}; {calls} calls and {seconds:.2f} s a video): one correct result each"


def _undisturbed(system: FaultySystem) -> tuple[int, float]:
    """The calls and the seconds that a video takes in a warm function."""
    for name in ("cold", "warm"):
        system.forget()
        began = time.monotonic()
        system.drop(f"kill/{name}.mp4", VIDEO)
        system.settle(SETTLE_SECONDS)
        seconds = time.monotonic() - began
    system.verify()
    return len(system.aws.calls), seconds


@contextmanager
def _killing(system: FaultySystem, kind: str, call_number: int, seconds: float) -> Iterator[None]:
    if kind == "by time":
        timer = threading.Timer(seconds, system.kill_all)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
        return

    def rule(call: Call) -> Fault | None:
        if call.number != call_number:
            return None
        return Fault(before=system.kill) if kind == "before a call" else Fault(after=system.kill)

    system.aws.reset(rule)
    yield


def storm(system: FaultySystem, events: int, videos: int, one_in: int = 5, *, registry_down: bool = False) -> str:
    """Many events for fewer videos, duplicated and shuffled, while functions are killed at random.

    A fifth of the videos were uploaded twice, and the events of the older upload are among them.
    """
    chance = random.Random(events)
    system.forget()
    system.drop("storm/first.mp4", VIDEO)
    system.settle(SETTLE_SECONDS)
    if registry_down:
        system.gate.shut()
        system.kill_all()
    with quiet_bucket(system):
        told = [event for number in range(videos) for event in _uploads(system, number, chance)]
    told += [chance.choice(told) for _ in range(events - len(told))]
    chance.shuffle(told)
    system.lottery.invocations = system.lottery.killed = 0
    system.lottery.one_in = one_in
    began = time.monotonic()
    try:
        for event in told:
            system.sqs.send_message(QueueUrl=system.queue, MessageBody=event)
        system.settle(SETTLE_SECONDS + 6.0 * events)
    finally:
        system.lottery.one_in = None
    dead = system.messages(system.dead_letters)
    if dead:
        system.command("redrive")
        system.settle(SETTLE_SECONDS + 10.0 * dead)
    found = system.verify()
    system.verify_dead_letters(0)
    system.gate.open()
    return (
        f"{len(told)} events for {videos} videos, {system.lottery.killed} of {system.lottery.invocations} invocations "
        f"killed, {dead} dead letters sent back, {time.monotonic() - began:.0f} s: "
        f"{found} correct results, none twice, none lost"
    )


def _uploads(system: FaultySystem, number: int, chance: random.Random) -> list[str]:
    """Upload a video of its own lengths, a fifth of them over an older one; the events of it all."""
    key = f"storm/ep {number}+ü.mp4"
    events = []
    if number % 5 == 0:
        old = system.drop(key, b"not a video", error="not_a_video")
        events.append(system.event(_encoded(key), {**old, "sequencer": f"{number:08X}0"}))
    lengths: Seconds = {"red": float(1 + number % 3), "green": float(1 + number % 2), "blue": chance.choice([0.5, 1.0])}
    new = system.drop(key, lengths)
    events.append(system.event(_encoded(key), {**new, "sequencer": f"{number:08X}1"}))
    return events


def _encoded(key: str) -> str:
    return quote_plus(key, safe="/")


@contextmanager
def quiet_bucket(system: FaultySystem) -> Iterator[None]:
    """Uploads without S3's own events: the scenario sends them, in its own order."""
    asked = system.s3.get_bucket_notification_configuration(Bucket=system.videos)
    asked.pop("ResponseMetadata")
    system.s3.put_bucket_notification_configuration(Bucket=system.videos, NotificationConfiguration={})
    try:
        yield
    finally:
        system.s3.put_bucket_notification_configuration(Bucket=system.videos, NotificationConfiguration=asked)


def registry_outage(system: FaultySystem, states: tuple[Gate, ...] = (Gate.SHUT, Gate.SILENT)) -> str:
    """Stop the registry while functions are warm, before a cold start, and let it hang; then bring it back."""
    fallen_back = []
    system.forget()
    _measure(system, "registry/before.mp4")
    for state, cold in product(states, (False, True)):
        system.gate.shut(state)
        if cold:
            system.kill_all()
        time.sleep(REFRESH_SECONDS)
        _measure(system, key := f"registry/{state.value}-{'cold' if cold else 'warm'}.mp4")
        fallen_back.append(key)
    system.gate.open()
    time.sleep(REFRESH_SECONDS)
    _measure(system, "registry/after.mp4")
    found = system.verify()
    system.verify_dead_letters(0)
    marked = [key for key in system.expected if system.model(key)["fallback"] == "registry_unavailable"]
    if marked != fallen_back:
        raise FaultError(f"marked as fallbacks are {marked} instead of {fallen_back}")
    return f"{found} videos with the registry up, down or silent, and up again: one correct result each, marked"


def registry_lost_midway(system: FaultySystem) -> str:
    """The registry goes down while a cold start is fetching the model from it."""
    system.forget()
    _measure(system, "registry/first.mp4")  # so that there is a last good version
    version = system.registry.register(alias="champion")
    system.kill_all()
    system.gate.shut_after_bytes(3000)
    _measure(system, "registry/midway.mp4")
    system.gate.open()
    time.sleep(REFRESH_SECONDS)
    _measure(system, "registry/midway-after.mp4")
    system.verify()
    system.verify_dead_letters(0)
    if system.model("registry/midway-after.mp4")["version"] != version:
        raise FaultError("the new version does not serve once the registry is back")
    return "a cold start that lost the registry served the last good version, and the next one the new version"


def refused_version(system: FaultySystem) -> str:
    """Promote a version whose files are not those of its digest, warm and cold."""
    system.forget()
    _measure(system, "refused/before.mp4")
    good = system.model("refused/before.mp4")["version"]
    system.registry.damage(system.registry.register(alias="champion"))
    time.sleep(REFRESH_SECONDS)
    _measure(system, "refused/warm.mp4")
    system.kill_all()
    _measure(system, "refused/cold.mp4")
    system.registry.move("champion", good)
    time.sleep(REFRESH_SECONDS)
    system.verify()
    for key in ("refused/warm.mp4", "refused/cold.mp4"):
        model = system.model(key)
        if (model["version"], model["fallback"]) != (good, "version_refused"):
            raise FaultError(f"{key} was measured by {model}")
    if not system.logged('"ModelRefused"'):
        raise FaultError("no metric tells of the refused version")
    return "a promoted version with damaged files was refused, the one before stayed, and the alarm's metric counted"


def damaged_models(system: FaultySystem) -> str:
    """Damage the copy in the models bucket; then, with the registry down too, nothing can serve: dead letters."""
    system.forget()
    _measure(system, "damaged/before.mp4")
    bucket = system.stack.outputs["ModelsBucketName"]
    listed = system.s3.list_objects_v2(Bucket=bucket)["Contents"]
    for key in (item["Key"] for item in listed if item["Key"].endswith("model.bin")):
        system.s3.put_object(Bucket=bucket, Key=key, Body=b"damaged")
    system.kill_all()
    _measure(system, "damaged/bucket.mp4")
    system.verify()
    system.gate.shut()
    system.kill_all()
    system.drop("damaged/everything.mp4", VIDEO)
    _wait_for_dead_letter(system)
    system.gate.open()
    return f"a damaged copy was passed over; with no copy left, {_back_from_the_dead(system)}"


def aws_failures(system: FaultySystem, names: tuple[str, ...] | None = None) -> str:
    """Throttle, fail and cut off each kind of call: twice, which the client bears, and for a whole attempt."""
    system.forget()
    _measure(system, "calls/traced.mp4")
    every = names or tuple(sorted(set(system.aws.calls)))
    faults = {"throttled": None, "failed": FAILED, "cut off": UNREACHABLE}
    for number, (name, (kind, fault), times) in enumerate(product(every, faults.items(), (2, 5))):
        system.forget()
        system.aws.reset(_first(name, times, fault or THROTTLED[name.partition(":")[0]]))
        system.drop(f"calls/{number}.mp4", VIDEO)
        system.settle(SETTLE_SECONDS)
        system.aws.reset()
        try:
            system.verify()
            system.verify_dead_letters(0)
        except FaultError as error:
            raise FaultError(f"{name} {kind} {times} times: {error}") from error
    return f"{', '.join(every)}: {', '.join(faults)} 2 and 5 times, one correct result each"


def _first(name: str, times: int, fault: Fault) -> Rule:
    left = [times]

    def rule(call: Call) -> Fault | None:
        if call.name != name or not left[0]:
            return None
        left[0] -= 1
        return fault

    return rule


def network(system: FaultySystem) -> str:
    """S3 answers slowly, and is cut off within what it sends."""
    trouble = {
        "slow": Fault(bytes_per_second=4000),
        "late": Fault(delay_seconds=3),
        "cut": Fault(answer_bytes=700),
    }
    for name, fault in trouble.items():
        system.forget()
        system.aws.reset(_first("s3:GetObject", 6, fault))
        system.drop(f"network/{name}.mp4", VIDEO)
        system.settle(SETTLE_SECONDS)
        system.aws.reset()
        system.verify()
        system.verify_dead_letters(0)
    return f"a network that is {', '.join(trouble)}: one correct result each"


def time_limit(system: FaultySystem, *, for_good: bool = True) -> str:
    """Let a video take longer than the function may: once, and each time."""
    functions = system.stack.client("lambda")
    name = system.stack.outputs["FunctionName"]
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=TOO_SHORT_SECONDS)
    try:
        told = [_out_of_time_once(system)]
        if for_good:
            told.append(_out_of_time_for_good(system))
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=before)
        system.aws.reset()
    return "; ".join(told)


def _out_of_time_once(system: FaultySystem) -> str:
    system.forget()
    _measure(system, "time/warm.mp4")
    # Twice: the client gives the first one up before the function's time is over, and asks again.
    system.aws.reset(_first("s3:GetObject", 2, Fault(delay_seconds=TOO_SHORT_SECONDS)))
    _measure(system, "time/once.mp4")
    system.verify()
    if system.logged("Task timed out") or not system.logged('"OutOfTime"'):
        raise FaultError(f"the function did not stop by itself: {system.log[-8:]}")
    return "out of time once: the function said so, and the next attempt measured the video"


def _out_of_time_for_good(system: FaultySystem) -> str:
    system.forget()
    system.aws.reset(_first("s3:GetObject", 1000, Fault(delay_seconds=TOO_SHORT_SECONDS)))
    system.drop("time/always.mp4", VIDEO)
    _wait_for_dead_letter(system)
    if system.logged("Task timed out") or not system.logged('"GivenUp"'):
        raise FaultError(f"the last attempt was silent: {system.log[-8:]}")
    system.aws.reset()
    return f"out of time for good: {_back_from_the_dead(system)}"


def full_disk(system: FaultySystem, full: Path) -> str:
    """Functions that may write next to nothing to /tmp, as long as the file `full` is there."""
    system.forget()
    full.touch()
    try:
        system.kill_all()
        system.drop("disk/full.mp4", VIDEO)
        _wait_for_dead_letter(system)
        if not system.logged("cannot be stored on local disk"):
            raise FaultError(f"nothing says that the disk is full: {system.log[-8:]}")
    finally:
        full.unlink()
    system.kill_all()
    return f"a full /tmp: {_back_from_the_dead(system)}"


def _measure(system: FaultySystem, key: str) -> None:
    system.drop(key, VIDEO)
    system.settle(SETTLE_SECONDS)


def _wait_for_dead_letter(system: FaultySystem) -> None:
    end = time.monotonic() + 3 * SETTLE_SECONDS
    while not system.messages(system.dead_letters):
        if time.monotonic() > end:
            raise FaultError(f"no dead letter after {3 * SETTLE_SECONDS:.0f} s: {system.log[-8:]}")
        time.sleep(0.1)
    system.settle(SETTLE_SECONDS)


def _back_from_the_dead(system: FaultySystem) -> str:
    """Send the one dead letter back, with the command, and see its video measured."""
    system.verify_dead_letters(1)
    redriven = system.command("redrive")
    system.settle(SETTLE_SECONDS)
    system.verify()
    system.verify_dead_letters(0)
    return f"one dead letter, then `screen-time redrive` ({redriven}), then one correct result"
