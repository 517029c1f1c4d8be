"""The default head: its members together, as numbers and as Keras layers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from screen_time.inference_engine import inference_engine
from screen_time.manifest import Semantics
from training import summaries
from training.conversion import to_openvino
from training.environment import import_keras
from training.head import VARIED, Examples
from training.head_joint import JOINT, JointHead
from training.splits import Fold

ROWS, COLUMNS, CHANNELS = 4, 6, 512


def maps(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each label that is shown lifts its channel at one place."""
    generator = np.random.default_rng(0)
    made = generator.random((len(targets), ROWS, COLUMNS, CHANNELS)).astype(np.float32)
    for row, labels in enumerate(targets):
        for label in np.flatnonzero(labels):
            made[row, generator.integers(ROWS), generator.integers(COLUMNS), label] += 9
    return made


@pytest.fixture(scope="module", params=Semantics)
def semantics(request: pytest.FixtureRequest) -> Semantics:
    """Both."""
    return Semantics(request.param)


@pytest.fixture(scope="module")
def examples(semantics: Semantics) -> Examples:
    """Plain, mirrored and varied views of 24 frames."""
    kinds = np.eye(3) if semantics is Semantics.EXCLUSIVE else np.array([[0, 0, 1], [1, 1, 0], [0, 1, 1], [0, 0, 0]])
    targets = np.array(kinds[np.arange(24) % len(kinds)], dtype=np.float32)
    views = np.repeat(np.arange(VARIED + 1), 8)
    return Examples(summaries.summarise(maps(targets)), targets, views)


@pytest.fixture(scope="module")
def fitted(examples: Examples, semantics: Semantics) -> JointHead:
    """All members."""
    (head,) = JOINT.fit(examples, [Fold(np.arange(24), np.arange(0))], semantics, 0)
    assert isinstance(head, JointHead)
    return head


def test_members_agree_on_what_they_learned(fitted: JointHead, examples: Examples, semantics: Semantics) -> None:
    """Together, and each by itself."""
    for head in (fitted, *(fitted.only(name) for name in fitted.members)):
        probabilities = head.probabilities(examples.vectors)
        shown = examples.targets == 1
        if semantics is Semantics.EXCLUSIVE:
            assert (probabilities.argmax(axis=1) == shown.argmax(axis=1)).mean() > 0.9
        else:
            assert ((probabilities > 0.5) == shown).mean() > 0.9


def test_keras_layers_answer_the_same_and_say_where(
    fitted: JointHead, examples: Examples, semantics: Semantics
) -> None:
    """Probabilities to rounding; maps are positive and highest where the label's channel was lifted."""
    import_keras()
    import keras

    tensor = keras.Input((ROWS, COLUMNS, CHANNELS))
    attached = fitted.attach(tensor)
    assert attached.maps is not None
    model = keras.Model(tensor, [attached.probabilities, attached.maps])
    pictures = maps(examples.targets)
    probabilities, looked = (np.asarray(output) for output in model(pictures))
    assert np.allclose(probabilities, fitted.probabilities(examples.vectors), atol=1e-4)
    assert looked.shape == (24, ROWS // 2, COLUMNS // 2, 3)
    assert looked.min() >= 0
    row, label = next((row, int(np.flatnonzero(shown)[0])) for row, shown in enumerate(examples.targets) if shown.any())
    channel = pictures[row, :, :, label].reshape(ROWS // 2, 2, COLUMNS // 2, 2).max(axis=(1, 3))
    assert looked[row, :, :, label].argmax() == channel.argmax()


def test_its_layers_become_openvino_s_with_the_same_answers(fitted: JointHead, examples: Examples) -> None:
    """What is served is made of them."""
    import_keras()
    import keras

    tensor = keras.Input((ROWS, COLUMNS, CHANNELS))
    converted = to_openvino(keras.Model(tensor, fitted.attach(tensor).probabilities))
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    answers = inference_engine().compile_model(converted, "CPU", options)(maps(examples.targets))
    assert np.allclose(answers[0], fitted.probabilities(examples.vectors), atol=1e-4)


def test_a_member_that_only_pools_has_no_maps(fitted: JointHead) -> None:
    """Then the model has one output."""
    import_keras()
    import keras

    assert fitted.only("pooled").attach(keras.Input((ROWS, COLUMNS, CHANNELS))).maps is None
