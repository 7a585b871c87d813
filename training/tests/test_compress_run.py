"""The run that measures the steps of compression, on a tiny budget."""

from pathlib import Path

import numpy as np
import pytest
from pictures import texture

from compress import main


def test_every_step_is_measured_and_a_stopped_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hr = np.stack([texture(64, 64) for _ in range(5)]).astype(np.uint8)
    np.save(tmp_path / "hr.npy", hr)
    np.save(tmp_path / "lr.npy", hr[:, ::4, ::4])
    small = ["--width", "8", "--batch", "2", "--crop", "8", "--side", "32", "--held-out", "2", "--threads", "1"]
    options = ["--cache", str(tmp_path), "--out", str(tmp_path / "out"), "--steps", "3", "--recovery-steps", "2", *small]
    with pytest.raises(SystemExit, match="goes on"):
        main([*options, "--minutes", "0"])
    main(options)
    text = capsys.readouterr().out
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][2:]
    assert [row[1].strip() for row in rows] == [
        "uncompressed", "attention removed", "channels pruned to 8", "SepConv, encoder", "SepConv, both",
    ]  # fmt: skip
    weights = [int(row[2].split()[0]) for row in rows]
    assert weights == sorted(weights, reverse=True)
    assert all(np.isfinite(float(row[6])) for row in rows)
