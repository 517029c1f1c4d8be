"""What the default head learns from: the convolutions of the version that will be served."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.classifier import OPTIONS
from screen_time.inference_engine import inference_engine
from screen_time.manifest import Fit, InputSpec, Manifest, Semantics
from training import quantisation_frames
from training.backbone import Maps, Preprocessing, build_backbone
from training.conversion import to_openvino
from training.environment import cache_directory
from training.export import export
from training.features import FeatureKind, extract_features
from training.served_backbone import KEPT_DAYS, served
from training.weights import Tensors

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


@pytest.fixture(scope="module")
def features(vgg16: Tensors, frames: NDArray[np.uint8]) -> NDArray[np.floating]:
    pictures = quantisation_frames.pictures(frames, SPEC)
    return extract_features(frames, KIND, served(KIND, vgg16, pictures))


def test_they_are_what_the_exported_model_computes(
    vgg16: Tensors, frames: NDArray[np.uint8], features: NDArray[np.floating], tmp_path: Path
) -> None:
    """And exporting it finds the convolutions in the cache: they are not quantised twice."""
    made = set(cache_directory("quantised").iterdir())
    import keras

    backbone = build_backbone(SPEC, Preprocessing.CAFFE, vgg16, KIND.layer)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    # Probabilities that hardly move, so that nothing but the convolutions is looked at.
    dense = keras.layers.Dense(2, kernel_initializer="zeros", activation="softmax")
    model = keras.Model(backbone.input, [dense(pooled), pooled])
    manifest = Manifest(("a", "b"), Semantics.EXCLUSIVE, None, (), SPEC, "averages", "", {})
    exported = export(model, manifest, frames, tmp_path)
    compiled = inference_engine().compile_model(exported.directory / "model.xml", "CPU", OPTIONS)
    answers = np.concatenate([np.array(compiled(frame[None])[1]) for frame in frames])
    assert np.allclose(answers, features, rtol=2e-3, atol=2e-3 * float(features.max()))
    assert set(cache_directory("quantised").iterdir()) == made


def test_they_differ_from_those_of_the_whole_convolutions(
    vgg16: Tensors, frames: NDArray[np.uint8], features: NDArray[np.floating]
) -> None:
    """A little: that is why they are learned from."""
    compiled = inference_engine().compile_model(
        to_openvino(build_backbone(SPEC, Preprocessing.CAFFE, vgg16, KIND.layer)), "CPU", OPTIONS
    )
    whole = averages(np.concatenate([np.array(compiled(frame[None])[0]) for frame in frames]).astype(np.float32))
    apart = np.abs(whole - features).mean() / whole.mean()
    assert 0.001 < apart < 0.2


def test_the_same_frames_need_neither_weights_nor_time(
    frames: NDArray[np.uint8], features: NDArray[np.floating]
) -> None:
    """Everything is in the cache, under what it depends on."""
    again = extract_features(frames, KIND, served(KIND, [], quantisation_frames.pictures(frames, SPEC)))
    assert np.array_equal(again, features)


def test_features_that_nobody_used_for_a_week_are_deleted(
    frames: NDArray[np.uint8], features: NDArray[np.floating]
) -> None:
    """Every set of frames has its own; those of other kinds stay, and so do those used lately."""
    names = (f"{KIND.name}-served-old", f"{KIND.name}-served-new", f"{KIND.name}-exact", "other-served-old")
    folders = [cache_directory(f"features/{name}") for name in names]
    for folder in folders[:1] + folders[2:]:
        long_ago = folder.stat().st_mtime - (KEPT_DAYS + 1) * 24 * 3600
        os.utime(folder, (long_ago, long_ago))
    served(KIND, [], quantisation_frames.pictures(frames, SPEC))
    assert [folder.exists() for folder in folders] == [False, True, True, True]
    assert len(features) == len(frames)
