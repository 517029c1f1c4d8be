"""The real VGG16: its tensors, its preprocessing, and the classic head on top of it."""

from pathlib import Path

import numpy as np
import pytest

from screen_time.manifest import Fit, InputSpec, Semantics, sha256
from training import head_classic, whole_backbone
from training.backbone import Preprocessing, build_backbone
from training.evaluation import draft_manifest
from training.export import build_model, export
from training.features import FeatureKind, extract_features
from training.head import Examples
from training.heads import HEADS
from training.labels import LabelScheme
from training.splits import Fold
from training.weights import DIGEST, Tensors
from training.whole_backbone import WholeBackbone
from training.winograd_backbone import WinogradBackbone

SPEC = InputSpec(64, 96, Fit.PAD)
AVERAGES = FeatureKind(SPEC, Preprocessing.CAFFE, "block4_pool", "averages", lambda maps: maps.mean(axis=(1, 2)))


@pytest.fixture(scope="module")
def frames() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Five frames of noise."""
    return np.random.default_rng(0).integers(0, 256, (5, 64, 96, 3), dtype=np.uint8)


def test_the_weights_are_keras_s_own(vgg16: Tensors) -> None:
    """Whatever source they came from."""
    assert len(vgg16) == 26
    assert sha256(b"".join(tensor.tobytes() for tensor in vgg16)) == DIGEST


@pytest.mark.parametrize("mode", Preprocessing)
def test_preprocessing_inside_the_graph_is_keras_s(
    vgg16: Tensors, frames: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], mode: Preprocessing
) -> None:
    """uint8 in, the same maps as keras.applications' preprocess_input and VGG16 give."""
    backbone = build_backbone(SPEC, mode, vgg16)
    import keras

    reference = keras.applications.VGG16(include_top=False, weights=None, input_shape=(64, 96, 3))
    reference.set_weights(vgg16)
    prepared = keras.applications.imagenet_utils.preprocess_input(frames.astype(np.float32), mode=str(mode))
    assert np.allclose(backbone(frames), reference(prepared), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("mode", "layer"), [(Preprocessing.CAFFE, "block4_pool"), (Preprocessing.TF, "block5_pool")])
def test_maps_with_fewer_multiplications_are_keras_s(vgg16: Tensors, mode: Preprocessing, layer: str) -> None:
    """To five digits, also of frames whose last rows and columns no pooling sees."""
    frames = np.random.default_rng(0).integers(0, 256, (2, 70, 106, 3), dtype=np.uint8)
    expected = np.asarray(build_backbone(InputSpec(70, 106, Fit.PAD), mode, vgg16, layer)(frames))
    maps = WinogradBackbone(mode, vgg16, layer).maps(frames)
    assert maps.dtype == np.float32
    assert maps.shape == expected.shape
    assert np.abs(maps - expected).max() < 1e-5 * expected.max()


def test_features_are_computed_once(
    vgg16: Tensors,
    frames: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second time nothing is computed: it works without any weights; a new frame is computed alone."""
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path))
    first = extract_features(frames, AVERAGES, WholeBackbone(AVERAGES, vgg16).features())
    assert first.shape == (5, 512)
    assert np.array_equal(extract_features(frames[::-1], AVERAGES, WholeBackbone(AVERAGES, []).features()), first[::-1])
    done: list[int] = []
    more = np.concatenate([frames, 255 - frames[:1]])
    extract_features(more, AVERAGES, WholeBackbone(AVERAGES, vgg16).features(), done.append)
    assert done == [5, 1]


def test_exact_features_are_kept_apart_in_single_precision(
    vgg16: Tensors,
    frames: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the served form is checked against must not be rounded; the others differ by that rounding."""
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path))
    backbone = WholeBackbone(AVERAGES, vgg16)
    kept, rounded = (extract_features(frames, AVERAGES, source) for source in (backbone.exact(), backbone.features()))
    assert (kept.dtype.name, rounded.dtype.name) == ("float32", "float16")
    assert np.allclose(kept, rounded, rtol=0.02, atol=0.02 * float(kept.max()))


def test_features_of_a_processor_with_bfloat16_are_the_same_but_for_its_rounding(
    vgg16: Tensors,
    frames: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They come from another engine; where a processor lacks bfloat16 it answers in single precision."""
    monkeypatch.setattr(whole_backbone, "has_bfloat16", lambda: True)
    monkeypatch.setenv("SCREEN_TIME_CACHE", str(tmp_path))
    backbone = WholeBackbone(AVERAGES, vgg16)
    kept, other = (extract_features(frames, AVERAGES, source) for source in (backbone.exact(), backbone.features()))
    assert np.allclose(kept, other, rtol=0.02, atol=0.02 * float(kept.max()))


@pytest.mark.parametrize("semantics", Semantics)
def test_the_classic_head_learns_and_keeps_its_best_epoch(
    vgg16: Tensors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, semantics: Semantics
) -> None:
    """Three classes told apart by their maps; layers, epochs and export as the article's."""
    monkeypatch.setattr(head_classic, "EPOCHS", 5)
    generator = np.random.default_rng(0)
    targets = np.eye(3, dtype=np.float32)[np.arange(48) % 3]
    vectors = generator.random((48, 25088)).astype(np.float32) * 0.1
    vectors[:, :3000] += np.repeat(targets, 1000, axis=1) * 5
    everything = np.arange(len(targets))
    (fitted,) = head_classic.fit(Examples.plain(vectors, targets), [Fold(everything, everything)], semantics, 0)
    losses = [epoch["val_loss"] for epoch in fitted.epochs]
    assert len(losses) == 5
    assert min(losses) < losses[0]
    model = build_model(WholeBackbone(HEADS["classic"].features, vgg16), fitted)
    names = [layer.name for layer in model.layers][-8:]
    assert names == [
        "by_maximum",
        "dense_1024",
        "dropout_1024",
        "dense_512",
        "dropout_512",
        "dense_256",
        "dropout_256",
        "probabilities",
    ]
    scheme = LabelScheme(("neither", "jerry", "tom"), semantics, None)
    pictures = generator.integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    served = export(model, draft_manifest(scheme, HEADS["classic"].features.spec, "classic"), pictures, tmp_path)
    assert served.differences.full_precision < 1e-3


def test_the_same_seed_trains_the_same_classic_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one machine."""
    monkeypatch.setattr(head_classic, "EPOCHS", 2)
    targets = np.eye(3, dtype=np.float32)[np.arange(24) % 3]
    data = Examples.plain(np.random.default_rng(0).random((24, 2000)).astype(np.float32), targets)
    folds = [Fold(np.arange(24), np.arange(24))]
    first, again, other = (
        next(head_classic.fit(data, folds, Semantics.EXCLUSIVE, seed)).probabilities(data.vectors) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("semantics", Semantics)
def test_each_fold_of_the_classic_head_starts_anew(monkeypatch: pytest.MonkeyPatch, semantics: Semantics) -> None:
    """As if it were the first: nothing is left of what the one before has learned."""
    monkeypatch.setattr(head_classic, "EPOCHS", 2)
    targets = np.eye(3, dtype=np.float32)[np.arange(24) % 3]
    data = Examples.plain(np.random.default_rng(0).random((24, 2000)).astype(np.float32), targets)
    folds = [Fold(np.arange(16), np.arange(16, 24)), Fold(np.arange(9, 24), np.arange(9))]
    *_first, after = head_classic.fit(data, folds, semantics, 0)
    (alone,) = head_classic.fit(data, folds[1:], semantics, 0)
    assert np.array_equal(after.probabilities(data.vectors), alone.probabilities(data.vectors))
