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
VALIDATION_BATCH = 256
"""No step follows it: what reads 26 million weights should answer many examples."""

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Kernel (d × units) and biases (units) of a dense layer."""


@dataclass(frozen=True, slots=True)
class ClassicHead:
    """The weights of the dense layers, and the maximum of the features learned from, by which each is divided first."""

    semantics: Semantics
    weights: tuple[Weights, ...]
    maximum: float
    epochs: tuple[Epoch, ...]

    def probabilities(self, vectors: Vectors) -> Probabilities:
        """What the dense layers answer to flattened features."""
        from scipy.special import expit, softmax

        *hidden, (kernel, bias) = self.weights
        values = vectors.astype(np.float32) / self.maximum
        for of_layer, biases in hidden:
            values = expit(values @ of_layer + biases)
        exclusive = self.semantics is Semantics.EXCLUSIVE
        logits = values @ kernel + bias
        return np.asarray(softmax(logits, axis=1) if exclusive else expit(logits), dtype=np.float32)

    def attach(self, maps: "keras.KerasTensor") -> Attached:
        """Flatten, divide, and the dense layers with these weights."""
        from keras import layers

        tensor = layers.Rescaling(1 / self.maximum, name="by_maximum")(layers.Flatten(name="flatten")(maps))
        made = _layers(len(self.weights[-1][1]), self.semantics)
        for layer in made:
            tensor = layer(tensor)
        for layer, weights in zip(_dense(made), self.weights, strict=True):
            layer.set_weights(weights)
        return Attached(tensor)


def flatten(maps: Maps) -> Vectors:
    """Every channel of every place: n × 25088."""
    return maps.reshape(len(maps), -1)


def fit(
    examples: Examples, folds: Sequence[Fold], semantics: Semantics, seed: int, patience: int | None = None
) -> Iterator[ClassicHead]:
    """Train on each fold for EPOCHS, and keep the weights of the epoch with the lowest loss on what it tests on.

    With `patience`, give up after so many epochs without a lower one. The same seed gives the same weights on the same
    machine; elsewhere sums may be added in another order.
    """
    learner = _Learner(examples.vectors.shape[1], examples.targets.shape[1], semantics, seed)
    for fold in folds:
        yield learner.fit(examples.at(fold.train), examples.at(fold.test), patience or EPOCHS)


class _Learner:
    """The dense layers in training. Each fit starts from the same state, and none but the first has them traced."""

    def __init__(self, features: int, labels: int, semantics: Semantics, seed: int) -> None:
        import_keras()
        import keras

        from training.fused_adam import FusedAdam

        keras.utils.set_random_seed(seed)
        self._semantics, self._seed = semantics, seed
        self._model = keras.Sequential([keras.Input((features,)), *_layers(labels, semantics)])
        self._balance = keras.Variable(np.ones((2, labels)), dtype="float32", trainable=False)
        self._model.compile(FusedAdam(), _loss(semantics, self._balance), metrics=["accuracy"])
        self._model.optimizer.build(self._model.trainable_variables)
        # Weights, and the states of random numbers; what the optimizer remembers starts from zero.
        self._start = [(variable, np.array(variable.numpy())) for variable in self._model.variables]

    def fit(self, train: Examples, validation: Examples, patience: int) -> ClassicHead:
        """Learn from `train`; `validation` chooses the epoch."""
        import keras

        self._start_anew()
        self._balance.assign(_balance(train.targets))
        maximum = float(train.vectors.max())
        history = self._model.fit(
            _batches(train, maximum, BATCH, shuffled_by=self._seed),
            validation_data=_batches(validation, maximum, VALIDATION_BATCH),
            epochs=EPOCHS,
            shuffle=False,
            class_weight=_class_weights(train.targets) if self._semantics is Semantics.EXCLUSIVE else None,
            callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)],
            verbose=0,
        )
        weights = tuple(
            (np.array(layer.kernel.numpy()), np.array(layer.bias.numpy())) for layer in _dense(self._model.layers)
        )
        return ClassicHead(self._semantics, weights, maximum, _epochs(history.history))

    def _start_anew(self) -> None:
        for variable, value in self._start:
            variable.assign(value)
        optimizer = self._model.optimizer
        for variable in optimizer.variables:
            if variable is not optimizer.learning_rate:
                variable.assign(np.zeros(variable.shape, variable.dtype))


def _layers(labels: int, semantics: Semantics) -> "list[keras.Layer]":
    from keras import layers

    made: list[keras.Layer] = []
    for units in UNITS:
        made.append(layers.Dense(units, activation="sigmoid", name=f"dense_{units}"))
        made.append(layers.Dropout(DROPOUT, name=f"dropout_{units}"))
    activation = "softmax" if semantics is Semantics.EXCLUSIVE else "sigmoid"
    return [*made, layers.Dense(labels, activation=activation, name="probabilities")]


def _dense(made: "Sequence[keras.Layer]") -> "list[keras.Layer]":
    return [layer for layer in made if layer.weights]


def _batches(examples: Examples, maximum: float, batch: int, shuffled_by: int | None = None) -> "tf.data.Dataset":
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
    return rows.batch(batch).with_options(untuned)


def _class_weights(targets: Targets) -> dict[int, float]:
    """Balanced: a class weighs in inverse proportion to its examples."""
    counts = targets.sum(axis=0)
    present = int((counts > 0).sum())
    return {label: len(targets) / (present * count) for label, count in enumerate(counts.tolist()) if count}


def _balance(targets: Targets) -> NDArray[np.float32]:
    """What the presence and the absence of each label weigh (2 × labels): each as much as the other, in all."""
    share = np.clip(targets.mean(axis=0), 1 / len(targets), 1 - 1 / len(targets))
    return np.stack([0.5 / share, 0.5 / (1 - share)]).astype(np.float32)


def _loss(
    semantics: Semantics, balance: "keras.Variable"
) -> "str | Callable[[keras.KerasTensor, keras.KerasTensor], object]":
    """Categorical cross-entropy; for independent labels the binary one, balanced label by label."""
    if semantics is Semantics.EXCLUSIVE:
        return "categorical_crossentropy"
    from keras import ops

    def balanced(truth: "keras.KerasTensor", answer: "keras.KerasTensor") -> object:
        losses = ops.binary_crossentropy(truth, answer) * (truth * balance[0] + (1 - truth) * balance[1])
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
