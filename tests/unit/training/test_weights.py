"""VGG16's weights: only the right ones, from the first place that has them, and no waiting for a host out of reach."""

import subprocess
import time
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from screen_time.manifest import sha256
from training import weights
from training.errors import WeightsError
from training.weights import load_weights


@pytest.fixture(autouse=True)
def small_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Two tiny convolutions in place of thirteen, an empty cache and home, and no network."""
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(weights.PATH_VARIABLE, raising=False)
    monkeypatch.setattr(weights, "LAYERS", (("block1_conv1", 4), ("block1_conv2", 5)))
    data = np.arange(3 * 3 * 3 * 4 + 4 + 3 * 3 * 4 * 5 + 5, dtype="<f4").tobytes()
    monkeypatch.setattr(weights, "DIGEST", sha256(data))
    monkeypatch.setattr(weights, "urlopen", unreachable)
    monkeypatch.setattr(subprocess, "run", no_index)
    return data


def unreachable(*_arguments: object, **_options: object) -> None:
    """A network without Keras's host."""
    raise URLError("no route to host")


def no_index(*_arguments: object, **_options: object) -> None:
    """A pip without an index."""
    raise subprocess.CalledProcessError(1, "pip")


def test_an_explicit_file_is_split_into_its_tensors(tmp_path: Path, small_weights: bytes) -> None:
    """Kernel and bias of each layer, in order."""
    path = tmp_path / "vgg16.f32"
    path.write_bytes(small_weights)
    tensors = load_weights(path)
    assert [tensor.shape for tensor in tensors] == [(3, 3, 3, 4), (4,), (3, 3, 4, 5), (5,)]
    assert tensors[1].tolist() == [108, 109, 110, 111]


def test_the_environment_names_a_file(tmp_path: Path, small_weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """For machines without a network."""
    (tmp_path / "w.f32").write_bytes(small_weights)
    monkeypatch.setenv(weights.PATH_VARIABLE, str(tmp_path / "w.f32"))
    assert len(load_weights()) == 4


def test_other_weights_are_refused(tmp_path: Path, small_weights: bytes) -> None:
    """A single changed bit is another network."""
    path = tmp_path / "vgg16.f32"
    path.write_bytes(small_weights[:-1] + b"\x01")
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        load_weights(path)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    """With the kinds that would do."""
    with pytest.raises(WeightsError, match=r"weights.zip is none of the kinds"):
        load_weights(tmp_path / "weights.zip")


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    """Not a traceback of a parser."""
    for name in ("a.h5", "a.onnx", "a.whl", "missing.f32"):
        if not name.startswith("missing"):
            (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(WeightsError, match="cannot be read as VGG16"):
            load_weights(tmp_path / name)


def test_keras_s_own_file_is_read(tmp_path: Path, small_weights: bytes) -> None:
    """As Keras lays it out: a group for each layer whose attribute names its tensors."""
    import h5py  # type: ignore[import-untyped]

    tensors = np.split(np.frombuffer(small_weights, "<f4"), [108, 112, 292])
    path = tmp_path / "keras" / "models" / weights.KERAS_FILE
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        for layer, kernel, bias in zip(("block1_conv1", "block1_conv2"), tensors[::2], tensors[1::2], strict=True):
            names = [f"{layer}_W_1:0", f"{layer}_b_1:0"]
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in names]
            group[names[0]], group[names[1]] = kernel.reshape(3, 3, -1, len(bias)), bias
    assert load_weights()[2][0, 0, 0, 0] == 112


def test_what_was_found_once_is_cached(tmp_path: Path, small_weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the digest's own file: the next training needs no network."""
    monkeypatch.setattr(weights, "_from_wheel", lambda: small_weights)
    load_weights()
    monkeypatch.setattr(weights, "_from_wheel", unreachable)
    assert len(load_weights()) == 4
    assert (tmp_path / "cache" / "weights" / "vgg16-notop.f32").read_bytes() == small_weights


def test_a_source_with_other_weights_is_passed_over(small_weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that serves something else does no harm."""
    monkeypatch.setattr(weights, "_from_keras", lambda: b"something else")
    monkeypatch.setattr(weights, "_from_wheel", lambda: small_weights)
    assert len(load_weights()) == 4


def test_without_any_source_the_remedies_are_named() -> None:
    """At once, in one sentence."""
    started = time.monotonic()
    with pytest.raises(WeightsError, match=weights.PATH_VARIABLE):
        load_weights()
    assert time.monotonic() - started < 5
