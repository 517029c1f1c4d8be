"""`make bench`: the classic pipeline, plain Keras and ours, side by side in one run; tables here, everything in JSON.

Without options it takes about five minutes on two idle cores. `--long` adds two hours of video and 4K, which take more.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import clip, cost, model, programs
from benchmarks.programs import Run
from infra.local import function_environment
from training.environment import cache_directory

LENGTHS, LONG_LENGTHS = (10, 60, 180), (600, 1800, 7200)
HEIGHTS, LARGE_HEIGHTS = (360, 720, 1080), (2160,)
SECONDS = 180
ROOT = Path(__file__).parents[1]
FUNCTIONS = ROOT / "functions"
HANDLER = "screen_time.handler"
HANDLER_ENVIRONMENT = {
    "RESULTS_BUCKET": "results",
    "MODELS_BUCKET": "models",
    "IDEMPOTENCY_TABLE": "table",
    "QUEUE_URL": "http://localhost/queue",
    "REGISTRY_URI": "http://localhost",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LAMBDA_TASK_ROOT": str(FUNCTIONS),
    "PYTHONPATH": str(FUNCTIONS),
}

Results = dict[str, Any]


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    folder = cache_directory("benchmarks")
    short = clip.make(clip.Kind(10), options.video, folder)
    served = options.model or model.make(short, folder)
    results: Results = {"machine": machine(), "model": str(served.name), "source": str(options.video or "cartoon")}
    video = clip.make(clip.Kind(options.seconds), options.video, folder)
    results["pipelines"] = pipelines(video, served, classic=not options.ours_only)
    results["floor"] = programs.run("floor", video, served).report
    results["cold_start"] = cold_start(short, served)
    lengths = LENGTHS[:1] if options.quick else LENGTHS + (LONG_LENGTHS if options.long else ())
    results["lengths"] = {
        seconds: asdict(programs.run("ours", clip.make(clip.Kind(seconds), options.video, folder), served))
        for seconds in lengths
    }
    heights = HEIGHTS[:1] if options.quick else HEIGHTS + (LARGE_HEIGHTS if options.long else ())
    results["heights"] = {
        height: asdict(programs.run("ours", clip.make(clip.Kind(30, height), options.video, folder), served))
        for height in heights
    }
    for line in tables(results, options.seconds):
        print(line)
    options.out.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nEverything is in {options.out}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--video", type=Path, help="real motion to make the clips of; the project's cartoon otherwise")
    parser.add_argument("--model", type=Path, help="directory of a served model; an untrained INT8 VGG16 otherwise")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="length of the clip that all pipelines measure")
    parser.add_argument("--long", action="store_true", help="up to two hours and 4K")
    parser.add_argument("--quick", action="store_true", help="one length and one size")
    parser.add_argument("--ours-only", action="store_true", help="leave out the classic pipeline and plain Keras")
    parser.add_argument("--out", type=Path, default=Path("benchmark.json"), help="where the JSON goes")
    return parser.parse_args()


def machine() -> Results:
    """What the figures were measured on."""
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "processors": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def pipelines(video: Path, served: Path, *, classic: bool) -> dict[str, Results]:
    """Each pipeline on the same clip, one after the other."""
    runs = [programs.run("ours", video, served)]
    if classic:
        runs += [programs.run("classic", video), programs.run("plain_keras", video, served)]
    return {run.program: asdict(run) for run in runs}


def cold_start(video: Path, served: Path) -> Results:
    """From the start of the function's process to the result of the 10 s clip, by where the model lies; and imports."""
    return {"seconds": programs.run("cold_start", video, served).report, "handler_import": handler_import()}


def handler_import() -> float:
    """Seconds that importing the function's handler takes in a new process, without the interpreter's own start.

    In the environment that the image has, with Lambda's variables: elsewhere the tracer asks X-Ray for its rules.
    """
    python = function_environment.ensure(ROOT)
    code = f"import time; t = time.perf_counter(); import {HANDLER}; print(time.perf_counter() - t)"
    with tempfile.TemporaryDirectory() as directory:
        environment = os.environ | HANDLER_ENVIRONMENT | {"TMPDIR": directory}
        runs = [
            subprocess.run([str(python), "-c", code], env=environment, check=True, capture_output=True, text=True)
            for _ in range(3)
        ]
    return min(float(run.stdout) for run in runs)


def tables(results: Results, seconds: int) -> list[str]:
    """What people read, as Markdown."""
    found = {name: Run(**run) for name, run in results["pipelines"].items()}
    floor = results["floor"]
    floor_seconds = (floor["decode"]["cpu"] + floor["inference"]["cpu"]) / results["machine"]["processors"]
    ours = found["ours"]
    cold = results["cold_start"]
    lines = [
        f"{results['machine']['processor']}, {results['machine']['processors']} processors, "
        f"{results['machine']['date']}, load {results['machine']['load_average']:.1f}",
        "",
        f"| {seconds} s of 720p video | wall s | processor s | peak MB | cents an hour |",
        "| --- | --- | --- | --- | --- |",
        *(_row(name, run, seconds) for name, run in found.items()),
        "",
        f"Floor (decoding and inference alone, over all processors): {floor_seconds:.1f} s; "
        f"ours takes {ours.report['stages']['measure'] / floor_seconds:.2f} times as long.",
        *(
            f"{name}: {run.wall_seconds / ours.wall_seconds:.1f} times as long as ours."
            for name, run in found.items()
            if name != "ours"
        ),
        "",
        "| stage, s | " + " | ".join(found) + " |",
        "| --- |" + " --- |" * len(found),
        *_stages(found),
        "",
        "From the start of the function's process to the result of 10 s of video: "
        + ", ".join(f"{taken:.2f} s with the model {place}" for place, taken in cold["seconds"].items())
        + f". Import of the handler: {cold['handler_import']:.2f} s.",
        "",
        "| ours | wall s | processor s | peak MB |",
        "| --- | --- | --- | --- |",
    ]
    for unit, runs in (("s, 720p", results["lengths"]), ("p, 30 s", results["heights"])):
        lines += [
            f"| {size} {unit} | {run['wall_seconds']:.1f} | {run['cpu_seconds']:.1f} | {run['peak_bytes'] / 1e6:.0f} |"
            for size, run in runs.items()
        ]
    return lines


def _row(name: str, run: Run, seconds: int) -> str:
    cents = cost.cents_an_hour(run.cpu_seconds, seconds)
    return f"| {name} | {run.wall_seconds:.1f} | {run.cpu_seconds:.1f} | {run.peak_bytes / 1e6:.0f} | {cents:.2f} |"


def _stages(found: dict[str, Run]) -> list[str]:
    """A row for each stage that any pipeline has; those that overlap are marked."""
    columns = {
        name: run.report["stages"]
        | {f"{stage} (overlapping)": each for stage, each in run.report.get("overlapping", {}).items()}
        for name, run in found.items()
    }
    stages = dict.fromkeys(stage for column in columns.values() for stage in column)
    return [
        f"| {stage} | "
        + " | ".join(f"{column[stage]:.2f}" if stage in column else "" for column in columns.values())
        + " |"
        for stage in stages
    ]


if __name__ == "__main__":
    main()
