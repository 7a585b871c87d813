"""More pictures to learn from, out of Debian's packages: landscapes, monuments, surfaces of things, user interfaces.

python -m tinysr.debian_pictures --out FOLDER

Needs apt and dpkg-deb, and up to two gigabytes of space while it works. What is there already is not fetched again.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import random
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from .prepare import HR_CROP, detail

# A file in a package larger than this is neither a picture nor an archive that we look into.
_LARGEST = 1 << 30
# Pixels of a picture that is worth opening.
_AREA = (150_000, 40_000_000)
# Mean change from pixel to pixel below which a picture teaches nothing.
_DULL = 3.0


@dataclass(frozen=True)
class Package:
    """Pictures of one package.

    patterns: of paths; what lies in an archive has its path behind a `!`. most: how many are taken, by chance. reduced: the
    factor that hides what JPEG or WebP did to its pictures; those that were never lossy keep their size.
    """

    name: str
    patterns: tuple[str, ...]
    most: int
    reduced: float = 0.75


_PICTURES = ("*.jpg", "*.png", "*.tga")
PACKAGES = (
    Package("endless-sky-high-dpi", ("*/images/land/*.jpg", "*/images/scene/*.jpg"), 300),
    Package("gcompris-qt-data", ("*explore_monuments*!*", "*explore_world_animals*!*", "*explore_farm*!*", "*erase*!*"), 120),
    Package("naev-data", ("*/gfx/*.webp", "*/gfx/*.png", "*/gfx/*.jpg"), 40),
    Package("supertuxkart-data", _PICTURES, 120),
    Package("ufoai-textures", _PICTURES, 80),
    Package("redeclipse-data", _PICTURES, 80),
    Package("nexuiz-textures", _PICTURES, 60),
    Package("flightgear-data-base", ("*/Textures/Terrain*/*.png",), 60),
    Package("cube2-data", _PICTURES, 40),
    Package("openarena-081-textures", _PICTURES, 40),
    Package("kstars-data", ("*/doc/HTML/en/*.png",), 30, 1.0),
    Package("gimp-help-en", ("*/images/*/*.png", "*/images/*/*.jpg"), 40, 1.0),
)


def fetch(package: str, folder: Path) -> Path:
    """The package's file. @raises CalledProcessError: apt has no such package"""
    subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True, capture_output=True)
    return next(folder.glob(f"{package}_*.deb"))


def webps_in(data: bytes) -> Iterator[bytes]:
    """WebP files that lie uncompressed in a file of Qt's resources (RFC 9649: `RIFF`, length, `WEBP`)."""
    at = data.find(b"RIFF")
    while at >= 0:
        if data[at + 8 : at + 12] == b"WEBP":
            yield data[at : at + 8 + struct.unpack_from("<I", data, at + 4)[0]]
        at = data.find(b"RIFF", at + 4)


def files_of(deb: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a package by its path, those of zips and of Qt's resources too."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as tar:
        with tarfile.open(fileobj=tar.stdout, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() and member.size < _LARGEST else None
                if content is None:
                    continue
                path = member.name.lower()
                if path.endswith((".pk3", ".zip")):
                    with zipfile.ZipFile(io.BytesIO(content.read())) as inner:
                        for entry in inner.infolist():
                            if entry.file_size < _LARGEST:
                                yield f"{member.name}!{entry.filename}", inner.read(entry)
                elif path.endswith(".rcc"):
                    for number, data in enumerate(webps_in(content.read())):
                        yield f"{member.name}!{number}.webp", data
                elif path.endswith((".jpg", ".jpeg", ".png", ".webp", ".tga")):
                    yield member.name, content.read()
        if tar.stdout:
            tar.stdout.read()


def usable(data: bytes, reduced: float) -> PilImage.Image | None:
    """The picture as RGB, or nothing: too small, see-through, dull, or a map of surface normals."""
    try:
        with PilImage.open(io.BytesIO(data)) as opened:
            if not _AREA[0] <= opened.width * opened.height <= _AREA[1] or opened.mode not in ("RGB", "RGBA", "P"):
                return None
            seen = opened.convert("RGBA")
            lossy = opened.format in ("JPEG", "WEBP")
    except (OSError, ValueError, SyntaxError):
        return None
    if (np.asarray(seen)[..., 3] < 250).mean() > 0.002:
        return None
    picture = seen.convert("RGB")
    if lossy and reduced < 1:
        size = (round(reduced * picture.width), round(reduced * picture.height))
        picture = picture.resize(size, PilImage.Resampling.LANCZOS)
    if min(picture.size) < HR_CROP:
        return None
    pixels = np.asarray(picture)
    red, green, blue = pixels.reshape(-1, 3).mean(0)
    normals = blue > 200 and abs(red - 128) < 30 and abs(green - 128) < 30
    return None if normals or detail(pixels) < _DULL else picture


def likeness(picture: PilImage.Image) -> bytes:
    """The same for a picture that is there twice, in other files."""
    return (np.asarray(picture.resize((12, 12), PilImage.Resampling.BOX)) // 12).tobytes()


def pick(package: Package, folder: Path, out: Path) -> int:
    """Writes this package's pictures as PNG; how many."""
    matching = [
        data
        for path, data in files_of(fetch(package.name, folder))
        if any(fnmatch.fnmatch(path, pattern) for pattern in package.patterns)
    ]
    random.Random(package.name).shuffle(matching)
    known: set[bytes] = set()
    for data in matching:
        if len(known) == package.most:
            break
        picture = usable(data, package.reduced)
        if picture is None or likeness(picture) in known:
            continue
        picture.save(out / f"{package.name}_{len(known):03}.png", compress_level=1)
        known.add(likeness(picture))
    return len(known)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    args = parser.parse_args(arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if any(args.out.glob(f"{package.name}_*.png")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            print(f"{package.name}: {pick(package, Path(folder), args.out)} pictures", flush=True)


if __name__ == "__main__":
    main()
