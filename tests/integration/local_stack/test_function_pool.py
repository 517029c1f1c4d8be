"""Warm environments are used again, concurrent invocations get their own, and closing ends all of them."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from infra.local.execution_environment import ExecutionEnvironment, Platform
from infra.local.function import FunctionConfiguration
from infra.local.function_pool import FunctionPool

Configure = Callable[..., FunctionConfiguration]


@pytest.fixture
def pool(platform: Platform) -> Iterator[FunctionPool]:
    """The environments of one function."""
    pool = FunctionPool(lambda configuration: ExecutionEnvironment(configuration, platform))
    yield pool
    pool.close()


def test_sequential_invocations_share_an_environment(pool: FunctionPool, configure: Configure) -> None:
    """Only the first invocation starts cold."""
    pids = {pool.invoke(configure("small.sleep"), b"0").payload for _ in range(3)}
    assert len(pids) == 1
    assert len(pool.environments) == 1


def test_concurrent_invocations_do_not_wait_for_each_other(pool: FunctionPool, configure: Configure) -> None:
    """Two at a time run in two processes, which both stay warm."""
    with ThreadPoolExecutor(2) as threads:
        pids = set(threads.map(lambda _: pool.invoke(configure("small.sleep"), b"1").payload, range(2)))
    assert len(pids) == 2
    assert {str(each.pid).encode() for each in pool.environments} == pids


def test_changed_configuration_starts_anew(pool: FunctionPool, configure: Configure) -> None:
    """After an update of the function no environment of the old configuration serves."""
    before = pool.invoke(configure("small.sleep"), b"0").payload
    after = pool.invoke(configure("small.sleep", environment={"COLOUR": "red"}), b"0").payload
    assert before != after
    assert [str(each.pid).encode() for each in pool.environments] == [after]


def test_dead_environment_is_replaced(pool: FunctionPool, configure: Configure) -> None:
    """One that died while it waited does not fail the next invocation."""
    pool.invoke(configure("small.sleep"), b"0")
    pool.environments[0].kill()
    assert not pool.invoke(configure("small.sleep"), b"0").failed


def test_close_ends_what_is_at_work(pool: FunctionPool, configure: Configure, platform: Platform) -> None:
    """An invocation under way fails at once instead of keeping the stack from ending."""
    ended: list[bool] = []
    work = threading.Thread(target=lambda: ended.append(pool.invoke(configure("small.sleep"), b"60").failed))
    work.start()
    while not pool.environments:
        time.sleep(0.01)
    pids = [each.pid for each in pool.environments]
    pool.close()
    work.join(timeout=10)
    assert ended == [True]
    assert platform.processes.pids == []
    assert not any(psutil.pid_exists(pid) for pid in pids)
