"""The report's sections, each from the result's document to markup; tables stand beside every picture."""

from collections.abc import Iterable, Sequence

from screen_time.documents import Document
from screen_time.highlights import Highlights
from screen_time.report.cast import NOBODY, Cast, Role
from screen_time.report.markup import Child, Markup, element, joined
from screen_time.report.pictures import Pictures, figure
from screen_time.report.timeline import Lane, drawing
from screen_time.report.wording import amount, clock, percent, probability, short, size

ROWS = 1500
"""Rows of all characters' tables of segments together; the JSON and the CSV have every one."""

PAIRS = 30
"""Pairs of characters of which the time together is shown."""


def headline(document: Document) -> Markup:
    """Which video this is, and its few facts that everybody wants."""
    video = document["video"]
    folder, _, name = video["key"].rpartition("/")
    rate = "" if video["frame_rate"] is None else f" · {video['frame_rate']:g} frames/s"
    about = f"{clock(video['duration_seconds'])} · {video['width']} × {video['height']} · {video['codec']}{rate}"
    where = "/".join(part for part in (video["bucket"], folder) if part)
    return element(
        "header",
        element("p", "Screen time", class_="kicker"),
        element("h1", element("bdi", short(name or video["key"]))),
        element("p", about, class_="about"),
        element("p", element("bdi", short(where)), class_="where") if where else None,
    )


def damage(document: Document) -> Markup | None:
    """What the file's damage means for the figures, where it is damaged."""
    counters = document["counters"]
    sentences = []
    if counters["truncated"]:
        sentences.append("The file ends before its header says: what is shown is of the part that is there.")
    if counters["corrupt_packets"]:
        sentences.append(f"{counters['corrupt_packets']} damaged packets could not be decoded and were passed over.")
    return element("p", " ".join(sentences), class_="notice", role="note") if sentences else None


def overview(document: Document, cast: Cast) -> Markup:
    """How long each character is on screen, as a table with bars."""
    titles = ("Character", "On screen", "Share", "First seen", "Last seen", "Mean confidence")
    rows = [_overview_row(role) for role in cast.shown]
    if document["nobody"] is not None:
        rows.append(_overview_row(Role(NOBODY, NOBODY, document["nobody"])))
    table = _table("Seconds on screen of each character", titles, rows, class_="overview")
    return _section(
        "Who is on screen",
        table,
        element("p", f"{cast.left_out} more characters are in the JSON.") if cast.left_out else None,
        _interval_note(cast),
        _together(document),
    )


def _overview_row(role: Role) -> Markup:
    found = role.found
    share = found["percent"]
    bar = element(
        "svg",
        element("rect", class_="track", width="100%", height="100%", rx=4),
        element("rect", class_="fill", width=f"{share:.2f}%", height="100%", rx=4),
        class_=f"bar {role.colour}",
        aria_hidden="true",
        focusable="false",
    )
    return element(
        "tr",
        element("th", element("bdi", short(role.name)), scope="row"),
        _cell("On screen", amount(found["seconds"]), _interval(found)),
        _cell("Share", element("span", percent(share)), bar, class_="share"),
        _cell("First seen", _moment(found["first_seen"])),
        _cell("Last seen", _moment(found["last_seen"])),
        _cell("Mean confidence", probability(found["mean_confidence"])),
    )


def _interval(found: Document) -> Markup | None:
    """The range in which the seconds really lie, where the model's errors are known."""
    interval = found.get("seconds_interval")
    if interval is None:
        return None
    low, high = interval
    return element("span", f"{low:,.1f} to {high:,.1f} s", class_="interval")


def _interval_note(cast: Cast) -> Markup | None:
    if not any(role.found.get("seconds_interval") for role in cast.shown):
        return None
    return element(
        "p",
        "In nine of ten videos like those that the model learned from, the true time lies in the range below the "
        "seconds. A video drawn quite differently can be further off.",
        class_="fine",
    )


def _together(document: Document) -> Markup | None:
    pairs = sorted((pair for pair in document["together"] if pair["seconds"]), key=lambda pair: -pair["seconds"])
    if not pairs:
        return None
    rows = [
        element(
            "tr",
            element("th", element("bdi", " and ".join(map(short, pair["characters"]))), scope="row"),
            _cell("Together", amount(pair["seconds"])),
            _cell("Share", percent(pair["percent"])),
        )
        for pair in pairs[:PAIRS]
    ]
    return joined(
        element("h3", "Together on screen"),
        _table(
            "Seconds that characters share the screen", ("Characters", "Together", "Share"), rows, class_="together"
        ),
    )


def watch(document: Document, every: Sequence[Lane]) -> Markup:
    """The timeline, and the video where it can be found."""
    duration = document["video"]["duration_seconds"]
    name = element("bdi", short(document["video"]["key"].rpartition("/")[2] or document["video"]["key"]))
    slider = element(
        "div",
        element("div", element("span", class_="now"), class_="cursor", hidden=True),
        drawing(every, duration),
        class_="lanes",
        id="timeline",
        role="slider",
        tabindex=0,
        aria_label="Timeline of the video. Enter plays from the chosen position.",
        aria_valuemin=0,
        aria_valuemax=duration,
        aria_valuenow=0,
        aria_valuetext=clock(0),
        aria_describedby="how",
    )
    how = element(
        "p",
        "Full colour: counted as on screen. Pale: how likely the model found it. The height is the confidence. ",
        element(
            "span",
            "Click a moment, or choose one with the arrow keys and press Enter, to play the video from there.",
            class_="screen-only",
        ),
        id="how",
        class_="fine",
    )
    player = element(
        "div",
        element("video", controls=True, preload="none", playsinline=True, hidden=True),
        element("p", id="status", role="status", class_="fine"),
        element(
            "label",
            element("span", "Choose the file "),
            name,
            element("input", type="file", accept="video/*,.mkv,.avi,.mov,.ts,.mxf"),
            class_="choose",
        ),
        class_="player screen-only",
    )
    return _section("Who is on screen when", how, slider, player)


def characters(document: Document, cast: Cast, highlights: Highlights, pictures: Pictures) -> Markup:
    """Each character's best moments, and the table of its segments."""
    shaded = any(moment.thumbnail.shade for best in highlights.characters.values() for moment in best)
    switch = element(
        "label",
        element("input", type="checkbox", id="looked", checked=True),
        element("span", "Darken what the model did not look at"),
        class_="switch screen-only",
    )
    rows = ROWS // max(1, len(cast.shown))
    blocks = [_character(document, role, highlights, pictures, rows) for role in cast.shown]
    return _section("The characters", switch if shaded else None, *blocks)


def _character(document: Document, role: Role, highlights: Highlights, pictures: Pictures, rows: int) -> Markup:
    column = document["model"]["labels"].index(role.name)
    best = pictures.of(highlights.characters.get(role.name, ()))
    figures = [
        figure(
            pictures.picture(moment, f"{short(role.name)}, {probability(moment.probabilities[column])} sure"),
            element("span", clock(moment.time_ms / 1000), class_="time"),
            element("span", probability(moment.probabilities[column])),
        )
        for moment in best
    ]
    return element(
        "section",
        element("h3", element("span", class_="swatch"), element("bdi", short(role.name))),
        element("div", *figures, class_="pictures") if figures else None,
        _segments(role, rows) if role.found["segments"] else element("p", "Never on screen.", class_="fine"),
        class_=f"character {role.colour}",
    )


def _segments(role: Role, most: int) -> Markup:
    segments = role.found["segments"]
    rows = [
        element(
            "tr",
            element("td", _moment(each["start"])),
            element("td", clock(each["end"])),
            element("td", amount(round(each["end"] - each["start"], 3))),
            element("td", probability(each["confidence"])),
        )
        for each in segments[:most]
    ]
    left = len(segments) - len(rows)
    count = f"{len(segments)} times on screen" if len(segments) > 1 else "Once on screen"
    return element(
        "details",
        element("summary", count),
        _table(f"When {short(role.name)} is on screen", ("From", "To", "Length", "Confidence"), rows),
        element("p", f"{left} more are in screen-time.json.", class_="fine") if left else None,
    )


def uncertain(document: Document, highlights: Highlights, pictures: Pictures) -> Markup | None:
    """The samples nearest to another answer: what to look at, and to label next."""
    shown = pictures.of(highlights.least_certain)
    by_time = {moment.time_ms: moment for moment in shown}
    figures = []
    for sample in document["least_certain"]:
        moment = by_time.get(round(sample["time"] * 1000))
        counted = ", ".join(map(short, sample["labels"])) or NOBODY
        values = sorted(sample["probabilities"].items(), key=lambda pair: -pair[1])[:3]
        told = element("ul", *(element("li", f"{short(label)} {probability(value)}") for label, value in values))
        head = element("span", clock(sample["time"]), class_="time")
        caption = (head, element("span", "counted as ", element("bdi", counted)), told)
        if moment is not None:
            figures.append(figure(pictures.picture(moment, f"counted as {counted}"), *caption))
        else:
            figures.append(figure(_moment(sample["time"]), *caption[1:]))
    if not figures:
        return None
    return _section(
        "Where the model was least sure",
        element("p", "The samples nearest to another answer. Labelling them teaches a model the most.", class_="fine"),
        element("div", *figures, class_="pictures"),
    )


def model(document: Document) -> Markup:
    """Which model measured, and what is known of how good it is."""
    about = document["model"]
    rows = [
        ("Model", about["name"]),
        ("Version", about["version"]),
        ("Chosen by the alias", about["alias"]),
        ("Labels", ", ".join(map(short, about["labels"][:100]))),
        ("A sample shows", "one of them" if about["semantics"] == "exclusive" else "any number of them"),
        ("Head, form", f"{about['head']}, {about['form']}"),
        ("How far the seconds can be trusted", _trust(document)),
        ("MLflow run", about["run_id"]),
        ("SHA-256", about["digest"]),
    ]
    return _section("The model", _list(rows))


def _trust(document: Document) -> str:
    """What was found out at training about this version's totals, and what was not."""
    if any(found.get("seconds_interval") for found in document["characters"].values()):
        return "their ranges come of frames that the model had not learned from"
    return "not known for this version: it was registered without that figure"


def facts(document: Document) -> Markup:
    """Everything else that the result says of the video and of how it was measured."""
    video, sampling, counters = document["video"], document["sampling"], document["counters"]
    rate = None if video["frame_rate"] is None else f"{video['frame_rate']:g} frames a second on average"
    rows = [
        ("File", video["key"]),
        ("Bucket", video["bucket"]),
        ("Object version", video["version_id"]),
        ("ETag", video["etag"]),
        ("Size", size(video["bytes"])),
        ("Duration", amount(video["duration_seconds"])),
        ("Picture", f"{video['width']} × {video['height']} pixels as displayed"),
        ("Codec, container", f"{video['codec']}, {video['container']}"),
        ("Frame rate", rate),
        ("Samples", f"{sampling['samples']:,}, one each {sampling['interval_seconds']:g} s"),
        ("Frames decoded", f"{counters['frames_decoded']:,}"),
        ("Measured at", document["measured_at"]),
        ("Request", document["request_id"]),
    ]
    return _section("The video and its measurement", _list(rows))


def _section(title: str, *content: Child | Iterable[Child]) -> Markup:
    return element("section", element("h2", title), *content)


def _table(caption: str, titles: Sequence[str], rows: Iterable[Markup], class_: str | None = None) -> Markup:
    """A table that scrolls by itself where it is wider than the page."""
    head = element("thead", element("tr", *(element("th", title, scope="col") for title in titles)))
    table = element("table", element("caption", caption), head, element("tbody", *rows), class_=class_)
    return element("div", table, class_="table", role="region", aria_label=caption, tabindex=0)


def _cell(title: str, *content: Child, class_: str | None = None) -> Markup:
    """A cell that knows its column's title, for narrow screens where the table becomes a list."""
    return element("td", *content, data_title=title, class_=class_)


def _moment(seconds: float | None) -> Markup | str:
    if seconds is None:
        return "–"
    return element("button", clock(seconds), type="button", class_="moment", data_time=seconds)


def _list(rows: Iterable[tuple[str, str | None]]) -> Markup:
    pairs = [
        element("div", element("dt", title), element("dd", element("bdi", short(value))))
        for title, value in rows
        if value is not None
    ]
    return element("dl", *pairs)
