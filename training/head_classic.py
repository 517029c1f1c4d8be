"""The classic head, layer by layer as the article on the screen time of Tom and Jerry has it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from screen_time.classifier import Probabilities
from screen_time.manifest import Fit, InputSpec, Semantics
from training.backbone import LAST_LAYER, Maps, Preprocessing
from training.dataset import Targets
from training.environment import import_keras
from training.features import FeatureKind, Vectors
from training.head import Attached, Epoch, Examples, Head
from training.splits import Fold

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

UNITS = (1024, 512, 256)
DROPOUT = 0.5
EPOCHS = 100
BASELINE_PATIENCE = 5
"""As a baseline it is given up after so many epochs without a lower validation loss: it is fitted for every group."""

BATCH = 32


@dataclass(frozen=True, slots=True)
class ClassicHead:
    """The trained dense layers, and the training features' maximum by which every feature is divided first."""

    dense: "keras.Model"
    maximum: float
    epochs: tuple[Epoch, ...]

    def probabilities(self, vectors: Vectors) -> Probabilities:
        """What the dense layers answer to flattened features."""
        scaled = vectors.astype(np.float32) / self.maximum
        return np.asarray(self.dense.predict(scaled, verbose=0), dtype=np.float32)

    def attach(self, maps: "keras.KerasTensor") -> Attached:
        """Flatten, divide, and the trained layers themselves."""
        from keras import layers

        tensor = layers.Rescaling(1 / self.maximum, name="by_maximum")(layers.Flatten(name="flatten")(maps))
        for layer in self.dense.layers:
            tensor = layer(tensor)
        return Attached(tensor)


def flatten(maps: Maps) -> Vectors:
    """Every channel of every place: n × 25088."""
    return maps.reshape(len(maps), -1)


def fit(
    examples: Examples, folds: Sequence[Fold], semantics: Semantics, seed: int, patience: int | None = None
) -> Iterator[ClassicHead]:
    """Train on each fold for EPOCHS, and keep the weights of the epoch with the lowest loss on what it tests on.

    With `patience`, give up after so many epochs without a lower one. The same seed gives the same weights on the same
    machine; elsewhere sums may be added in another order. One fold after the other: Keras has one random state for all
    threads.
    """
    for fold in folds:
        yield _fit(examples.at(fold.train), examples.at(fold.test), semantics, seed, patience)


def _fit(train: Examples, validation: Examples, semantics: Semantics, seed: int, patience: int | None) -> ClassicHead:
    import_keras()
    import keras

    from training.fused_adam import FusedAdam

    keras.utils.set_random_seed(seed)
    maximum = float(train.vectors.max())
    dense = _dense_layers(train.vectors.shape[1], train.targets.shape[1], semantics)
    dense.compile(optimizer=FusedAdam(), loss=_loss(train.targets, semantics), metrics=["accuracy"])
    lowest = keras.callbacks.EarlyStopping(
        monitor="val_loss", mode="min", patience=patience or EPOCHS, restore_best_weights=True
    )
    history = dense.fit(
        _batches(train, maximum, shuffled_by=seed),
        validation_data=_batches(validation, maximum),
        epochs=EPOCHS,
        shuffle=False,
        class_weight=_class_weights(train.targets) if semantics is Semantics.EXCLUSIVE else None,
        callbacks=[lowest],
        verbose=0,
    )
    return ClassicHead(dense, maximum, _epochs(history.history))


def _dense_layers(features: int, labels: int, semantics: Semantics) -> "keras.Model":
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((features,))])
    for units in UNITS:
        model.add(layers.Dense(units, activation="sigmoid", name=f"dense_{units}"))
        model.add(layers.Dropout(DROPOUT, name=f"dropout_{units}"))
    activation = "softmax" if semantics is Semantics.EXCLUSIVE else "sigmoid"
    model.add(layers.Dense(labels, activation=activation, name="probabilities"))
    return model


def _batches(examples: Examples, maximum: float, shuffled_by: int | None = None) -> "tf.data.Dataset":
    """Vectors, divided by `maximum`, and targets; with a seed in another order each epoch.

    Not tuned while it runs, as what Keras makes of plain arrays is: it waits for the tuner at the end of an epoch, on
    two processors for half a second in every fourth epoch, as long as an epoch takes.
    """
    import tensorflow as tf

    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    rows = tf.data.Dataset.from_tensor_slices((examples.vectors.astype(np.float32) / maximum, examples.targets))
    if shuffled_by is not None:
        rows = rows.shuffle(len(examples.vectors), seed=shuffled_by)
    return rows.batch(BATCH).with_options(untuned)


def _class_weights(targets: Targets) -> dict[int, float]:
    """Balanced: a class weighs in inverse proportion to its examples."""
    counts = targets.sum(axis=0)
    present = int((counts > 0).sum())
    return {label: len(targets) / (present * count) for label, count in enumerate(counts.tolist()) if count}


def _loss(targets: Targets, semantics: Semantics) -> "str | Callable[[keras.KerasTensor, keras.KerasTensor], object]":
    """Categorical cross-entropy; for independent labels the binary one, balanced label by label."""
    if semantics is Semantics.EXCLUSIVE:
        return "categorical_crossentropy"
    from keras import ops

    share = np.clip(targets.mean(axis=0), 1 / len(targets), 1 - 1 / len(targets))
    present, absent = (0.5 / share).astype(np.float32), (0.5 / (1 - share)).astype(np.float32)

    def balanced(truth: "keras.KerasTensor", answer: "keras.KerasTensor") -> object:
        losses = ops.binary_crossentropy(truth, answer) * (truth * present + (1 - truth) * absent)
        return ops.mean(losses, axis=-1)

    return balanced


def _epochs(history: dict[str, list[float]]) -> tuple[Epoch, ...]:
    rows: NDArray[np.float64] = np.array(list(history.values())).T
    return tuple(dict(zip(history, map(float, row), strict=True)) for row in rows)


CLASSIC = Head(
    name="classic",
    features=FeatureKind(InputSpec(224, 224, Fit.SQUEEZE), Preprocessing.TF, LAST_LAYER, "flat", flatten),
    fit=fit,
    views=1,
    needs_validation=True,
    cheap=False,
    parameters={
        "units": ", ".join(map(str, UNITS)),
        "dropout": DROPOUT,
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "optimizer": "adam",
        "class_weight": "balanced",
    },
)

BASELINE = replace(
    CLASSIC,
    fit=partial(fit, patience=BASELINE_PATIENCE),
    cheap=True,
    parameters={**CLASSIC.parameters, "patience": BASELINE_PATIENCE},
)
"""What every other head is compared with."""
