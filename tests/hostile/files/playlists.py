"""Texts and containers that ask whoever opens them to open something else, all of them named .mp4."""

import struct
from collections.abc import Callable

from screen_time.errors import ErrorCode
from tests.hostile.files.boxes import Box, edited, full_box
from tests.hostile.files.case import Bait, Case, Fate, Measured, refused
from tests.hostile.files.clips import clip

NO_VIDEO = refused(ErrorCode.NOT_A_VIDEO)

HLS_HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n"


def _hls(*addresses: str) -> str:
    return HLS_HEAD + "".join(f"#EXTINF:10.0,\n{address}\n" for address in addresses) + "#EXT-X-ENDLIST\n"


def _hls_with_key(address: str) -> str:
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{address}"\n#EXT-X-MAP:URI="{address}"\n'
    return HLS_HEAD + key + f"#EXTINF:10.0,\n{address}\n#EXT-X-ENDLIST\n"


def _hls_master(address: str) -> str:
    return f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{address}\n"


def _dash(address: str) -> str:
    return f"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S" minBufferTime="PT1S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation
 id="1" bandwidth="1" codecs="avc1.42c00d" width="64" height="48"><BaseURL>{address}</BaseURL><SegmentList>
 <Initialization sourceURL="{address}"/><SegmentURL media="{address}"/></SegmentList></Representation></AdaptationSet>
</Period></MPD>"""


def _ffconcat(*addresses: str) -> str:
    return "ffconcat version 1.0\n" + "".join(f"file '{address}'\nduration 1\n" for address in addresses)


def _sdp(bait: Bait) -> str:
    return (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {bait.udp_port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )


def _imf(bait: Bait) -> str:
    return f"""<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">
<Id>urn:uuid:8713c020-2489-45f5-a9f7-87be539e20b5</Id><ExtensionProperties>{bait.http}</ExtensionProperties>
<EditRate>24 1</EditRate><SegmentList/></CompositionPlaylist>"""


def _behind_a_good_start(bait: Bait) -> bytes:
    """A playlist after an ID3 tag, where a probe may look further than the first bytes."""
    return b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + _hls(bait.http).encode()


def _avi_with_playlist(bait: Bait) -> bytes:
    """CVE-2017-9993: an AVI whose subtitle track is a playlist."""
    playlist = _hls(f"file://{bait.canary}", bait.http).encode()
    subtitle = b"GAB2\x00\x02\x00" + struct.pack("<I", 2) + b"x\x00" + b"\x04\x00" + struct.pack("<I", len(playlist))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)

    avih = chunk(b"avih", struct.pack("<14I", 40000, 0, 0, 0x10, 1, 0, 2, 0, 64, 48, 0, 0, 0, 0))
    video = chunk(b"strh", b"vidsMJPG" + struct.pack("<10IHHHH", 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0, 64, 48))
    video += chunk(b"strf", struct.pack("<IiiHH4sIIIII", 40, 64, 48, 1, 24, b"MJPG", 0, 0, 0, 0, 0))
    text = chunk(b"strh", b"txts\x00\x00\x00\x00" + struct.pack("<10IHHHH", 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0, 0, 0))
    headers = b"hdrl" + avih + chunk(b"LIST", b"strl" + video) + chunk(b"LIST", b"strl" + text)
    movie = b"movi" + chunk(b"01sb", subtitle + playlist + playlist)
    return chunk(b"RIFF", b"AVI " + chunk(b"LIST", headers) + chunk(b"LIST", movie))


def _mov_elsewhere(bait: Bait) -> bytes:
    """A good index whose data reference says that the pictures lie in another file."""

    def send_away(moov: Box) -> None:
        name = b"url " + struct.pack(">I", 0) + f"file://{bait.canary}".encode() + b"\x00"
        entry = struct.pack(">I", len(name) + 4) + name
        moov.find("trak/mdia/minf/dinf").children = [Box(b"dref", struct.pack(">II", 0, 1) + entry)]

    return edited(clip(), send_away)


def _mov_alias(bait: Bait) -> bytes:
    """The same by QuickTime's alias, which holds a path."""

    def send_away(moov: Box) -> None:
        path = str(bait.canary).encode()
        alias = bytearray(150)
        struct.pack_into(">H", alias, 6, 2)
        record = (
            bytes(alias) + struct.pack(">HH", 2, len(path)) + path + b"\x00" * (len(path) % 2) + b"\xff\xff\x00\x00"
        )
        entry = b"alis" + struct.pack(">I", 0) + record
        references = struct.pack(">III", 0, 1, len(entry) + 4) + entry
        moov.find("trak/mdia/minf/dinf").children = [Box(b"dref", references)]

    return edited(clip(), send_away)


def _reference_movie(bait: Bait) -> bytes:
    """QuickTime's reference movie: an index that is nothing but another file's address."""
    address = bait.http.encode() + b"\x00"
    reference = Box(b"rdrf", struct.pack(">I4sI", 0, b"url ", len(address)) + address)
    return bytes(Box(b"ftyp", b"qt  \x00\x00\x02\x00qt  ")) + bytes(
        Box(b"moov", children=[Box(b"rmra", children=[Box(b"rmda", children=[reference, full_box(b"rmdr", 0)])])])
    )


TEXTS: dict[str, Callable[[Bait], str]] = {
    "hls-http": lambda bait: _hls(bait.http),
    "hls-file": lambda bait: _hls(f"file://{bait.canary}"),
    "hls-path": lambda bait: _hls(str(bait.canary)),
    "hls-environment": lambda _: _hls("file:///proc/self/environ"),
    "hls-tcp": lambda bait: _hls(f"tcp://127.0.0.1:{bait.tcp_port}"),
    "hls-udp": lambda bait: _hls(f"udp://127.0.0.1:{bait.udp_port}"),
    "hls-concat": lambda bait: _hls(f"concat:{bait.http}|file://{bait.canary}"),
    "hls-subfile": lambda bait: _hls(f"subfile,,start,0,end,64,,:{bait.canary}"),
    "hls-crypto": lambda bait: _hls(f"crypto+file://{bait.canary}"),
    "hls-data": lambda bait: _hls(f"data:application/x-mpegurl,{_hls(bait.http)}"),
    "hls-gopher": lambda bait: _hls(f"gopher://127.0.0.1:{bait.tcp_port}/_GET"),
    "hls-ftp": lambda bait: _hls(f"ftp://127.0.0.1:{bait.tcp_port}/x"),
    "hls-key": lambda bait: _hls_with_key(bait.http),
    "hls-key-file": lambda bait: _hls_with_key(f"file://{bait.canary}"),
    "hls-master": lambda bait: _hls_master(bait.http),
    "dash-http": lambda bait: _dash(bait.http),
    "dash-file": lambda bait: _dash(f"file://{bait.canary}"),
    "ffconcat-http": lambda bait: _ffconcat(bait.http),
    "ffconcat-file": lambda bait: _ffconcat(str(bait.canary), "/proc/self/environ"),
    "sdp": _sdp,
    "imf": _imf,
    "rtsp-address": lambda bait: f"rtsp://127.0.0.1:{bait.tcp_port}/video",
    "redirect": lambda bait: f"[Reference]\nRef1={bait.http}\n",
    "asx": lambda bait: f'<asx version="3.0"><entry><ref href="{bait.http}"/></entry></asx>',
    "xspf": lambda bait: (
        f"<playlist version='1'><trackList><track><location>{bait.http}</location></track></trackList></playlist>"
    ),
    "svg": lambda bait: f"<svg xmlns='http://www.w3.org/2000/svg'><image href='{bait.http}'/></svg>",
}


def _text(name: str, write: Callable[[Bait], str], fate: Fate) -> Case:
    return Case(name, lambda bait: write(bait).encode(), fate)


CASES = [_text(name, write, NO_VIDEO) for name, write in TEXTS.items()] + [
    Case("hls-behind-an-id3-tag", _behind_a_good_start, NO_VIDEO),
    Case("avi-with-a-playlist-as-subtitle", _avi_with_playlist, refused(ErrorCode.NO_FRAMES, ErrorCode.NOT_A_VIDEO)),
    # A URL is not followed: the pictures are looked for in the file itself. An alias ends the reading.
    Case("mov-whose-data-lie-elsewhere", _mov_elsewhere, Measured(3000)),
    Case("mov-whose-alias-lies-elsewhere", _mov_alias, refused(ErrorCode.NO_FRAMES)),
    Case("mov-that-only-refers", _reference_movie, refused(ErrorCode.NO_VIDEO_STREAM, ErrorCode.NOT_A_VIDEO)),
]
