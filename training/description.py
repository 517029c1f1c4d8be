"""What a registered version says of itself: a page in Markdown, and tags to search by."""

from collections.abc import Mapping

from screen_time.manifest import Manifest
from training.agreement import Differences
from training.dataset import Dataset, Source
from training.evaluation import Scores

_SPLITS = {
    "random": "random 70/30 split, as the classic has it; neighbouring frames leak, so it flatters",
    "grouped": "out of fold: whole groups of frames were held out",
    "classic random": "the article's own head, on the same random split",
    "classic grouped": "the article's own head, on the same groups",
}


def describe_version(
    manifest: Manifest, dataset: Dataset, scores: Mapping[str, Scores], differences: Differences
) -> str:
    """The version's page: its head, its figures by split, its data, and how far the served form differs."""
    return "\n\n".join(
        [
            f"Head **{manifest.head}** on VGG16's frozen convolutions; labels {', '.join(manifest.labels)} "
            f"({manifest.semantics}); input {manifest.input.height}×{manifest.input.width}, {manifest.input.fit}.",
            _figures(scores),
            "\n".join(f"- {split}: {_SPLITS[split]}" for split in scores),
            _data(dataset),
            f"Served form {manifest.form}. {differences.describe()}",
        ]
    )


def version_tags(manifest: Manifest, scores: Mapping[str, Scores]) -> dict[str, str]:
    """Tags of the version: what it is, and its accuracy by split."""
    tags = {"head": manifest.head, "labels": ",".join(manifest.labels), "semantics": str(manifest.semantics)}
    return {**tags, **{f"accuracy_{split}": f"{each.accuracy:.4f}" for split, each in scores.items()}}


def _figures(scores: Mapping[str, Scores]) -> str:
    rows = [("", *scores), ("---", *["---"] * len(scores))]
    rows.append(("frames tested", *(str(each.frames) for each in scores.values())))
    rows.append(("accuracy", *(f"{each.accuracy:.1%}" for each in scores.values())))
    rows.append(("macro F1", *(f"{each.macro_f1:.3f}" for each in scores.values())))
    for label in next(iter(scores.values())).labels:
        rows.append((f"F1 of {label}", *(f"{each.labels[label].f1:.3f}" for each in scores.values())))
        rows.append((f"seconds of {label}", *(_seconds(each, label) for each in scores.values())))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _seconds(scores: Scores, label: str) -> str:
    return f"{scores.seconds_predicted[label]:g} of {scores.seconds_true[label]:g}"


def _data(dataset: Dataset) -> str:
    counts = ", ".join(
        f"{label} {int(count)}" for label, count in zip(dataset.scheme.labels, dataset.targets.sum(axis=0), strict=True)
    )
    videos = "\n".join(f"- {_source(source)}" for source in dataset.sources)
    return f"Learned from {len(dataset.examples)} labelled frames ({counts}) of:\n\n{videos}"


def _source(source: Source) -> str:
    video = f"{source.video.name}, SHA-256 {source.video_sha256}"
    return f"{video}; labels {source.labels.name}, SHA-256 {source.labels_sha256}"
