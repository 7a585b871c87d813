"""Pictures out of Debian packages: real packages, built here."""

import io
import struct
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pictures import texture
from PIL import Image

from tinysr import debian_pictures
from tinysr.debian_pictures import Package, files_of, likeness, main, usable


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, kind, **options)
    return data.getvalue()


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    shared = root / "usr" / "share" / "pics"
    shared.mkdir(parents=True)
    (root / "DEBIAN").mkdir()
    control = "Package: pics\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: t\n"
    (root / "DEBIAN" / "control").write_text(control)
    (shared / "a.jpg").write_bytes(encoded(texture(480, 500, 1), "JPEG"))
    (shared / "same.jpg").write_bytes(encoded(texture(480, 500, 1), "JPEG"))
    (shared / "notes.txt").write_text("RIFF")
    with zipfile.ZipFile(shared / "surfaces.pk3", "w") as archive:
        archive.writestr("stone/b.tga", encoded(texture(400, 400, 2), "TGA"))
    webp = encoded(texture(480, 480, 3), "WEBP")
    assert struct.unpack_from("<I", webp, 4)[0] + 8 == len(webp)
    (shared / "resources.rcc").write_bytes(b"qres" + b"RIFF and no picture" + webp + b"\0" * 9)
    path = tmp_path / "pics_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(path)], check=True, capture_output=True)
    return path


def test_files_are_found_in_archives_too(deb: Path) -> None:
    found = {path.rsplit("/pics/", 1)[1]: data for path, data in files_of(deb)}
    assert sorted(found) == ["a.jpg", "resources.rcc!0.webp", "same.jpg", "surfaces.pk3!stone/b.tga"]
    with Image.open(io.BytesIO(found["resources.rcc!0.webp"])) as picture:
        assert picture.size == (480, 480)


def test_what_teaches_nothing_is_left_out() -> None:
    good = texture(400, 420)
    clear = np.dstack([good, np.full(good.shape[:2], 255, np.uint8)])
    clear[:100, :100, 3] = 0
    normals = np.clip(good // 8 + np.array([112, 112, 215]), 0, 255).astype(np.uint8)
    for data in (
        encoded(texture(300, 300), "PNG"),  # small
        encoded(clear, "PNG"),
        encoded(normals, "PNG"),
        encoded(good // 64 + 90, "PNG"),  # dull
        encoded(texture(1200, 240), "PNG"),  # narrower than a crop
        encoded(good[..., 0], "PNG"),  # grey
        encoded(good, "PNG")[:900],
        b"no picture",
    ):
        assert usable(data, 0.75) is None
    kept = usable(encoded(good, "PNG"), 0.75)
    assert kept is not None and kept.size == (420, 400)
    reduced = usable(encoded(good, "JPEG"), 0.75)
    assert reduced is not None and reduced.size == (315, 300)
    assert likeness(kept) == likeness(Image.fromarray(good)) != likeness(Image.fromarray(texture(400, 420, 9)))


def test_a_folder_is_filled_once(
    deb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian_pictures, "fetch", lambda package, folder: deb)
    monkeypatch.setattr(debian_pictures, "PACKAGES", (Package("pics", ("*.jpg", "*!*"), 9),))
    out = tmp_path / "out"
    main(["--out", str(out)])
    assert capsys.readouterr().out == "pics: 3 pictures\n"
    assert sorted(Image.open(path).size for path in out.glob("pics_*.png")) == [(360, 360), (375, 360), (400, 400)]
    main(["--out", str(out)])
    assert capsys.readouterr().out == ""
