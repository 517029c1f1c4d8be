"""Promotion against a real MLflow store: what is worse is refused, and who promoted what, when and why is kept."""

from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.clips import ClipSpec, write_clip
from tests.registered_models import ModelRegistry
from training import registry as training_registry
from training.answers_file import NamedAnswer, NamedAnswers
from training.compare import compare_on_video
from training.comparison_page import comparison_page
from training.dataset import LabelledVideo, file_sha256
from training.errors import LabelError, PromotionError
from training.model_names import MODEL_NAME
from training.promotion import PromotionRequest, WorseError, promote
from training.registry import VIDEO_DIGEST_TAG
from training.yardstick import log_answers

COLOURS = {"red": (200, 0, 0), "green": (0, 200, 0), "blue": (0, 0, 200)}
SECONDS = 96


@pytest.fixture(scope="module")
def models(store: Path) -> ModelRegistry:
    """The store, and how to register small models in it."""
    return ModelRegistry(f"sqlite:///{store / 'mlflow.db'}", store)


@pytest.fixture(autouse=True)
def nothing_registered(models: ModelRegistry) -> None:
    """Each test begins without versions."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):  # the first test has nothing to delete
        MlflowClient(models.uri).delete_registered_model(MODEL_NAME)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> LabelledVideo:
    """A minute and a half of red, green and blue, named as the good model names them."""
    folder = tmp_path_factory.mktemp("frames")
    rows = ["Image_ID,Class"]
    for second in range(SECONDS):
        name = list(COLOURS)[second // 4 % 3]
        image = np.full((32, 48, 3), COLOURS[name][::-1], dtype=np.uint8)
        cv2.imwrite(str(folder / f"frame{second}.png"), image)
        rows.append(f"frame{second}.png,{name}")
    labels = folder / "labels.csv"
    labels.write_text("\n".join(rows))
    return LabelledVideo(folder, labels)


def tags(models: ModelRegistry, version: str) -> dict[str, str]:
    from mlflow import MlflowClient

    return dict(MlflowClient(models.uri).get_model_version(MODEL_NAME, version).tags)


def record(models: ModelRegistry, version: str, answers: NamedAnswers) -> None:
    """What training leaves with the version's run."""
    import mlflow
    from mlflow import MlflowClient

    with mlflow.start_run(run_id=MlflowClient(models.uri).get_model_version(MODEL_NAME, version).run_id):
        log_answers(answers)


def log_video(models: ModelRegistry, version: str, digest: str) -> None:
    """What training leaves with the version's run: which video it has learned from."""
    import mlflow
    import pandas as pd  # type: ignore[import-untyped]
    from mlflow import MlflowClient
    from mlflow.data.pandas_dataset import from_pandas

    with mlflow.start_run(run_id=MlflowClient(models.uri).get_model_version(MODEL_NAME, version).run_id):
        data = from_pandas(pd.DataFrame({"second": [0.0]}), name="clip.mp4", digest=digest[:36])
        mlflow.log_input(data, context="training", tags={VIDEO_DIGEST_TAG: digest})


def held_out(*wrong: int, video: str = "v") -> NamedAnswers:
    """Answers on 96 held-out seconds, wrong where told."""
    right, nobody = frozenset({"red"}), frozenset[str]()
    return {
        (video, 1000 * second): NamedAnswer(1000, f"block {second // 16}", right, nobody if second in wrong else right)
        for second in range(SECONDS)
    }


GOOD = ("red", "green", "blue")
SWAPPED = ("red", "blue", "green")
"""A model that takes green for blue and blue for green."""


class TestByTheRecord:
    """Both versions were tested on the same held-out frames at training."""

    def test_the_first_promotion_is_easy(self, models: ModelRegistry) -> None:
        """There is nothing to compare with."""
        version = models.register()
        promotion = promote(PromotionRequest(version))
        assert promotion.move.after == version
        assert promotion.ground == "There was no champion to compare it with."

    def test_a_worse_version_is_refused_unless_forced(self, models: ModelRegistry) -> None:
        """With the figures and the remedy; force is kept with the version, and so is the reason."""
        good, bad = models.register(), models.register()
        record(models, good, held_out(3))
        record(models, bad, held_out(*range(0, SECONDS, 3)))
        promote(PromotionRequest(good))
        with pytest.raises(WorseError, match=r"66\.7 % of 96 held-out frames right against 99\.0 %.*--force"):
            promote(PromotionRequest(bad))
        assert training_registry.champion() == good
        assert "promoted_by" not in tags(models, bad)
        promote(PromotionRequest(bad, "the good one is on fire", force=True))
        assert training_registry.champion() == bad
        kept = tags(models, bad)
        assert kept["promoted_reason"] == "the good one is on fire"
        assert kept["promoted_forced"] == "true"
        assert kept["promoted_over"] == good
        assert kept["promoted_by"]
        assert "Version 2 is worse than version 1" in kept["promoted_comparison"]
        when = datetime.fromisoformat(kept["promoted_at"])
        assert abs((datetime.now(UTC) - when).total_seconds()) < 300

    def test_a_better_version_and_one_within_noise_are_promoted(self, models: ModelRegistry) -> None:
        """A few frames more or less wrong are chance."""
        first, second, third = (models.register() for _ in range(3))
        record(models, first, held_out(*range(0, SECONDS, 3)))
        record(models, second, held_out(1, 2, 3))
        record(models, third, held_out(1, 2, 3, 4, 50))
        promote(PromotionRequest(first))
        assert "Version 2 is better than version 1" in promote(PromotionRequest(second)).ground
        assert "differ by no more than noise" in promote(PromotionRequest(third)).ground

    @pytest.mark.parametrize("other", [None, held_out(video="w")])
    def test_what_cannot_be_compared_is_said_with_the_remedy(
        self, models: ModelRegistry, other: NamedAnswers | None
    ) -> None:
        """An older version without a record, or one that learned from another video."""
        first, second = models.register(), models.register()
        record(models, first, held_out())
        if other is not None:
            record(models, second, other)
        promote(PromotionRequest(first))
        ground = promote(PromotionRequest(second)).ground
        assert "were not tested on the same frames" in ground
        assert "screen-time compare 2 1 --video V --labels CSV" in ground

    def test_a_missing_version_is_refused(self, models: ModelRegistry) -> None:
        """In one sentence, whatever it would be compared with."""
        promote(PromotionRequest(models.register()))
        with pytest.raises(PromotionError, match="no version 99"):
            promote(PromotionRequest("99"))

    def test_promoting_the_champion_again_changes_nothing(self, models: ModelRegistry) -> None:
        """It is not compared with itself."""
        version = models.register()
        promote(PromotionRequest(version))
        assert "champion already" in promote(PromotionRequest(version)).ground


class TestOnAVideo:
    """Both versions answer the same labelled frames."""

    def test_a_worse_version_is_refused_by_what_a_video_shows(
        self, models: ModelRegistry, labelled: LabelledVideo
    ) -> None:
        """The labelled video given to `promote` decides."""
        good, bad = models.register(GOOD), models.register(SWAPPED)
        promote(PromotionRequest(good))
        with pytest.raises(WorseError, match=r"33\.3 % of 96 labelled frames of frames0 right against 100\.0 %"):
            promote(PromotionRequest(bad, labelled=labelled))

    def test_figures_seconds_and_disagreements(self, models: ModelRegistry, labelled: LabelledVideo) -> None:
        """By number and by alias; the page holds them and pictures, and asks for nothing from elsewhere."""
        good, bad = models.register(GOOD, alias="champion"), models.register(SWAPPED)
        found = compare_on_video(labelled, bad, "champion")
        document = found.to_json()
        assert (document["challenger"]["version"], document["champion"]["version"]) == (bad, good)
        assert document["frames"] == SECONDS
        assert document["true_seconds"] == {"blue": 32, "green": 32, "red": 32}
        assert document["challenger"]["f1"] == {"blue": 0, "green": 0, "red": 1}
        assert document["accuracy_difference"]["verdict"] == "worse"
        assert document["disagreements"][0] == {
            "time": 4, "shown": ["green"], "challenger": ["blue"], "champion": ["green"]
        }  # fmt: skip
        assert len(document["disagreements"]) == 64
        assert len(found.pictures) == 24
        page = comparison_page(found)
        assert page.count("data:image/jpeg;base64,") == 24
        assert "http" not in page

    def test_a_version_that_has_learned_from_the_video_is_named(self, models: ModelRegistry, tmp_path: Path) -> None:
        """It is right by heart; the figures say so."""
        video = write_clip(
            tmp_path / "clip.mp4",
            ClipSpec(frame_rate=Fraction(1)),
            ((Fraction(second), np.full((32, 48, 3), COLOURS["red"], dtype=np.uint8)) for second in range(8)),
        )
        labels = tmp_path / "labels.csv"
        labels.write_text("Image_ID,Class\n" + "".join(f"frame{second}.jpg,red\n" for second in range(8)))
        models.register(alias="champion")
        learned = models.register()
        log_video(models, learned, file_sha256(video))
        found = compare_on_video(LabelledVideo(video, labels), learned)
        assert [note for note in found.notes if "has learned from clip.mp4" in note] == [*found.notes]
        assert found.notes[0].startswith(f"Version {learned} ")
        assert "has learned from clip.mp4" in comparison_page(found)

    def test_models_of_other_characters_are_compared_by_what_is_labelled(
        self, models: ModelRegistry, labelled: LabelledVideo
    ) -> None:
        """A champion that has never heard of blue is wrong there; a class that neither knows is a mistake."""
        models.register(("red", "green", "yellow"), alias="champion")
        found = compare_on_video(labelled, models.register(GOOD))
        assert found.comparison.champion.f1["blue"] == 0
        assert found.comparison.difference.verdict == "better"
        models.register(("red", "green", "yellow"), alias="other")
        with pytest.raises(LabelError, match="blue"):
            compare_on_video(labelled, "champion", "other")
