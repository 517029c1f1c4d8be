"""What the default head learns from: the convolutions of the version that will be served."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.classifier import OPTIONS
from screen_time.inference_engine import inference_engine
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from training import quantisation_frames
from training.backbone import Maps, Preprocessing
from training.environment import cache_directory
from training.export import export
from training.features import FeatureKind, extract_features
from training.served_backbone import KEPT_DAYS, ServedBackbone
from training.weights import Tensors
from training.whole_backbone import WholeBackbone

if TYPE_CHECKING:
    import keras
    import openvino

SPEC = InputSpec(64, 96, Fit.PAD)


def averages(maps: Maps) -> NDArray[np.float32]:
    """Of each channel of block 4's maps."""
    return np.asarray(maps.mean(axis=(1, 2)))


KIND = FeatureKind(SPEC, Preprocessing.CAFFE, "block4_pool", "averages", averages, as_served=True)


@pytest.fixture(scope="module")
def frames() -> NDArray[np.uint8]:
    """Twenty soft pictures."""
    coarse = np.random.default_rng(0).integers(0, 256, (20, 16, 24, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of its own for these tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCREEN_TIME_CACHE", str(folder))
        yield folder


def backbone(vgg16: Tensors, frames: NDArray[np.uint8]) -> ServedBackbone:
    """For these frames."""
    return ServedBackbone(KIND, vgg16, quantisation_frames.pictures(frames, SPEC))


@pytest.fixture(scope="module")
def features(vgg16: Tensors, frames: NDArray[np.uint8]) -> NDArray[np.floating]:
    return extract_features(frames, KIND, backbone(vgg16, frames).features())


def answers(model: "openvino.Model | Path", frames: NDArray[np.uint8], output: int) -> NDArray[np.float32]:
    compiled = inference_engine().compile_model(model, "CPU", OPTIONS)
    return np.concatenate([np.array(compiled(frame[None])[output]) for frame in frames])


def test_they_are_what_the_exported_model_computes(
    vgg16: Tensors, frames: NDArray[np.uint8], features: NDArray[np.floating], tmp_path: Path
) -> None:
    """And exporting it finds the convolutions in the cache: they are not quantised twice."""
    made = set(cache_directory("quantised").iterdir())
    import keras

    convolutions = backbone(vgg16, frames).model()
    pooled = keras.layers.GlobalAveragePooling2D()(convolutions.output)
    # Probabilities that never move, so that nothing but the convolutions is looked at.
    dense = keras.layers.Dense(2, kernel_initializer="zeros", activation="softmax")
    model = keras.Model(convolutions.input, [dense(pooled), pooled])
    manifest = Manifest(("a", "b"), Semantics.EXCLUSIVE, None, (), SPEC, "averages", "", {})
    exported = export(model, manifest, frames, tmp_path)
    served = answers(exported.directory / "model.xml", frames, 1)
    assert np.allclose(served, features, rtol=2e-3, atol=2e-3 * float(features.max()))
    assert set(cache_directory("quantised").iterdir()) == made


def test_single_precision_is_what_keras_answers(vgg16: Tensors, frames: NDArray[np.uint8]) -> None:
    """The reference of the served form, from a faster engine."""
    served = backbone(vgg16, frames)
    found = extract_features(frames, KIND, served.exact())
    expected = averages(np.asarray(served.model()(frames)))
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-4 * expected.max()


def test_it_has_less_arithmetic_and_nearly_the_answers_of_the_whole(
    vgg16: Tensors, frames: NDArray[np.uint8], features: NDArray[np.floating]
) -> None:
    """Two fifths of the multiplications; the averages of channels move by a few percent."""
    reduced, whole = backbone(vgg16, frames).model(), WholeBackbone(KIND, vgg16).model()
    assert arithmetic(reduced) <= 0.41 * arithmetic(whole)
    expected = averages(np.asarray(whole(frames)))
    assert 0.001 < np.abs(expected - features).mean() / expected.mean() < 0.2


def arithmetic(model: "keras.Model") -> int:
    """Multiplications a frame."""
    kernels = [(layer, layer.weights[0].shape) for layer in model.layers if "conv" in layer.name]
    return sum(int(np.prod(kernel)) * int(np.prod(layer.output.shape[1:3])) for layer, kernel in kernels)


def test_the_same_frames_need_neither_weights_nor_time(
    frames: NDArray[np.uint8], features: NDArray[np.floating]
) -> None:
    """Everything is in the cache, under what it depends on."""
    assert np.array_equal(extract_features(frames, KIND, backbone([], frames).features()), features)


def test_features_that_nobody_used_for_a_week_are_deleted(
    frames: NDArray[np.uint8], features: NDArray[np.floating]
) -> None:
    """Every set of frames has its own; those of other kinds stay, those used lately, and those that are asked for."""
    asked = cache_directory(f"features/{KIND.name}-{backbone([], frames).features().name}")
    names = (f"{KIND.name}-served-old", f"{KIND.name}-served-new", f"{KIND.name}-exact", "other-served-old")
    old, new, *others = (cache_directory(f"features/{name}") for name in names)
    long_ago = time.time() - (KEPT_DAYS + 1) * 24 * 3600
    for folder in (asked, old, *others):
        os.utime(folder, (long_ago, long_ago))
    again = extract_features(frames, KIND, backbone([], frames).features())
    assert np.array_equal(again, features)
    assert not old.exists()
    assert all(folder.exists() for folder in (asked, new, *others))
    assert asked.stat().st_mtime > long_ago
