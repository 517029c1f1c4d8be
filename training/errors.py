"""What can go wrong offline; every text is one sentence for the person at the terminal.

ScreenTimeError
└── TrainingError
    ├── LabelError          a label file, or labels that do not fit their video
    ├── WeightsError        VGG16's weights cannot be had, or are not the ones expected
    ├── ExportError         the served form does not answer as the Keras form does
    └── PromotionError      the alias cannot be moved to that version

What the registry itself answers wrongly is screen_time.errors.RegistryError, a served form that cannot be verified
screen_time.errors.ModelError.
"""

from screen_time.errors import ScreenTimeError


class TrainingError(ScreenTimeError):
    """Base of the errors of training, evaluation and promotion."""


class LabelError(TrainingError):
    """A label file cannot be used, or says what its video cannot show."""


class WeightsError(TrainingError):
    """No source has VGG16's weights, or what it has are other weights."""


class ExportError(TrainingError):
    """The served form differs from the Keras form; such a version is not registered."""


class PromotionError(TrainingError):
    """The alias stays where it is."""
