"""Training on a lent machine: packed data, degradation on the device, and the whole procedure on a CPU."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from pictures import texture
from PIL import Image
from safetensors.torch import load_file, save_file
from test_graphs import upsample_chroma
from torch.nn import functional

import train_on_gpu
from tinysr.arch import TinySR, TinySRConfig, convolutional, count_config, named
from tinysr.color import rgb_to_ycc, ycc_to_rgb
from tinysr.compact import compact_state
from tinysr.degrade import reduce_bicubic, to_u8
from tinysr.gpu.batches import Batches, Shares
from tinysr.gpu.degrade import blur, degrade, jpeg, noise
from tinysr.gpu.pack import Packed, Pictures, encode, read_pack, write_pack
from tinysr.gpu.pieces import from_bytes, read_pieces, to_bytes, write_pieces
from tinysr.gpu.plan import FIDELITY, check, plan, trial
from tinysr.gpu.trainer import Progress, Trainer, pictures
from tinysr.pairs import Batch
from tinysr.rgb_graph import build_rgb_graph, receptive_radius

TRAINING = Path(__file__).resolve().parent.parent


def planes(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_jpeg_on_the_device_is_jpeg(quality: int) -> None:
    image = texture(64, 80)
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=quality, subsampling="4:2:0")
    expected = np.asarray(Image.open(data)).astype(float)
    found = jpeg(planes(image), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    changed = np.abs(expected - image).mean()
    assert np.abs(found - expected).mean() < 0.3 * changed + 0.4


def test_a_clean_sample_is_only_reduced() -> None:
    image = texture(128, 128)
    lr = 255 * degrade(planes(image) / 255, 4, 1.0)[0].permute(1, 2, 0).numpy()
    assert np.abs(lr - to_u8(reduce_bicubic(image, 4))).max() <= 1


def test_degraded_samples_differ_from_each_other() -> None:
    torch.manual_seed(0)
    hr = planes(texture(128, 128)).expand(6, 3, 128, 128) / 255
    lr = degrade(hr, 4, 0.0)
    assert lr.shape == (6, 3, 32, 32)
    assert torch.equal((255 * lr).round() / 255, lr)
    assert (lr[1:] - lr[:1]).abs().mean((1, 2, 3)).min() > 1 / 255


def test_blur_keeps_the_mean_and_noise_adds_what_it_says() -> None:
    torch.manual_seed(0)
    flat = torch.full((64, 3, 32, 32), 100.0)
    torch.testing.assert_close(blur(flat, 1.0), flat, atol=1e-3, rtol=0)
    assert 0.5 < float((noise(flat, 1.0) - flat).std()) < 5


def test_crops_are_squares_of_the_pictures() -> None:
    images = [texture(20, 30, 0), texture(24, 18, 1)]
    pictures = Pictures(images, "cpu")
    crops = pictures.crops(torch.tensor([1, 0]), torch.tensor([3, 4]), torch.tensor([5, 6]), 8)
    for crop, (image, y, x) in zip(crops, [(images[1], 3, 5), (images[0], 4, 6)], strict=True):
        assert np.array_equal(crop.permute(1, 2, 0).numpy(), image[y : y + 8, x : x + 8])


def test_video_pairs_show_the_same_place(tmp_path: Path) -> None:
    images = [texture(96, 96, seed) for seed in range(3)]
    packed = [Packed(encode(image, 95), {4: encode(to_u8(reduce_bicubic(image, 4)), 95)}) for image in images]
    assert write_pack(tmp_path / "pack.zip", iter(packed), 10**6, None)[0] == 3
    pack, held_out = read_pack(tmp_path / "pack.zip", 4, "cpu", tmp_path, held_out=1)
    assert (len(pack.hr), len(held_out), pack.owners.tolist()) == (2, 1, [0, 1])
    torch.manual_seed(0)
    lr, hr, *_ = Batches(pack, 4).draw(4, 16, Shares(0, 0, 1))
    again = degrade(hr, 4, 1.0)
    inner = (..., slice(2, -2), slice(2, -2))
    assert (255 * (lr - again)[inner]).abs().mean() < 6
    lr, hr, *_ = Batches(pack, 4).draw(6, 16, Shares(0.5, 0.3, 0.2))
    assert (lr.shape, hr.shape) == ((6, 3, 16, 16), (6, 3, 64, 64))


def test_a_pack_stops_at_its_limit(tmp_path: Path) -> None:
    packed = Packed(b"x" * 1000, {4: b"y" * 100})
    assert write_pack(tmp_path / "a.zip", iter([packed] * 9), 3500, None)[0] == 3


def test_weights_survive_their_pieces(tmp_path: Path) -> None:
    state = {"a.weight": torch.randn(40, 5), "b": torch.zeros(3)}
    paths = write_pieces(tmp_path, {"one": state, "two": state}, {"note": 1}, 300)
    assert len(paths) > 2
    assert max(path.stat().st_size for path in paths) <= 300
    weights, notes = read_pieces(tmp_path)
    assert notes == {"note": 1}
    assert list(weights) == ["one", "two"]
    assert torch.equal(weights["two"]["a.weight"], state["a.weight"].half().float())
    assert torch.equal(from_bytes(to_bytes(state))["b"], state["b"])


def test_the_plan_spends_all_time_and_stays_under_the_limits() -> None:
    jobs = plan()
    check(jobs)
    for job in jobs:
        cost = count_config(job.config, 64, 64)
        assert cost.macs / 64**2 <= (425e3 if "small" in job.name else 1.79e6)
    names = [job.name for job in jobs]
    for job in jobs:
        assert job.init is None or names.index(job.init.removesuffix(FIDELITY)) < names.index(job.name)


def restoring(scale: int, cell: int) -> TinySR:
    """A small network whose output is a picture, and not that of interpolation."""
    torch.manual_seed(0)
    model = TinySR(convolutional(16, 2, scale=scale, cell=cell, skip=cell == 2)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("cell", [1, 2])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("pixel_format", "top"), [("rgb24", 255), ("rgb48le", 65535)])
def test_graphs_give_what_pytorch_gives(cell: int, scale: int, pixel_format: str, top: int) -> None:
    model = restoring(scale, cell)
    kind = np.uint8 if top == 255 else np.uint16
    frame = (texture(12, 18).astype(np.float64) / 255 * top).astype(kind)
    frame[0, 0] = np.random.default_rng(0).integers(0, top, 3)
    session = onnxruntime.InferenceSession(build_rgb_graph(model, pixel_format).SerializeToString())
    found = np.asarray(session.run(None, {"input": frame[None]})[0])
    with torch.no_grad():
        expected = model(planes(frame) / top)[0].permute(1, 2, 0).clamp(0, 1).numpy() * top
    assert found.shape == (1, 12 * scale, 18 * scale, 3)
    assert found.dtype == kind
    assert np.ptp(expected) > top / 4
    assert np.abs(found[0] - expected).max() <= (0.51 if top == 255 else 4)


@pytest.mark.parametrize("cell", [1, 2])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("pixel_format", "unit", "kind"), [("yuv420p", 255, np.uint8), ("yuv420p10le", 1020, np.uint16)])
def test_planar_graphs_give_what_pytorch_gives_of_the_same_frame_as_rgb(
    cell: int, scale: int, pixel_format: str, unit: int, kind: type
) -> None:
    model = restoring(scale, cell)
    h, w = 12, 18
    frame: np.ndarray = (np.random.default_rng(0).uniform(0.3, 0.7, (1, h * 3 // 2, w)) * unit).astype(kind)
    session = onnxruntime.InferenceSession(build_rgb_graph(model, pixel_format).SerializeToString())
    found = np.asarray(session.run(None, {"input": frame})[0])
    flat = torch.from_numpy(frame.astype(np.float32)).reshape(-1) / unit
    u, v = flat[h * w :].reshape(2, 1, h // 2, w // 2)
    planes = [flat[: h * w].reshape(1, h, w), upsample_chroma(u), upsample_chroma(v)]
    with torch.no_grad():
        big = rgb_to_ycc(model(ycc_to_rgb(torch.stack(planes, 1))))
    small = (big[:, 1:, 0::2, 0::2] + big[:, 1:, 1::2, 0::2]) / 2
    expected = torch.cat([big[:, 0].flatten(), small.flatten()]).numpy() * unit
    assert found.shape == (1, h * 3 // 2 * scale, w * scale)
    assert found.dtype == kind
    assert np.abs(found.reshape(-1) - np.clip(expected, 0, 255 if unit == 255 else 1023)).max() <= 0.52


@pytest.mark.parametrize("cell", [1, 2])
def test_no_output_pixel_sees_further_than_the_radius_says(cell: int) -> None:
    model, side = restoring(4, cell), 64
    frame = torch.rand(1, 3, side, side, requires_grad=True)
    middle = 4 * side // 2
    model(frame)[..., middle : middle + 8, middle : middle + 8].sum().backward()
    assert frame.grad is not None
    seen = frame.grad.abs().amax((0, 1, 2)).nonzero().flatten()
    # Eight output pixels are two of the frame's; two more are for the samples of chroma, which RGB has not.
    reach = max(side // 2 - int(seen[0]), int(seen[-1]) - (side // 2 + 1))
    assert reach <= receptive_radius(model) - 2 <= reach + 2 * cell


REFUSED = (
    named("nano"),
    named("small", scale=3, cell=1, skip=False),
    named("base-lr", cell=2),
    named("base", skip=False),
)


@pytest.mark.parametrize("config", REFUSED)
def test_graphs_of_other_models_are_refused(config: TinySRConfig) -> None:
    with pytest.raises(ValueError, match="small"):
        build_rgb_graph(TinySR(config), "rgb24")


# What the lent machine may lack: the child process cannot import it.
LACKING = ("cv2", "onnx", "onnxruntime", "safetensors", "scipy", "skimage")


def train_there(folder: Path, *words: str) -> str:
    code = f"import sys\nfor name in {LACKING!r}: sys.modules[name] = None\nimport train_on_gpu\ntrain_on_gpu.main(sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, "train", *words]
    environment = {"PYTHONPATH": str(TRAINING), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


class Same:
    """Always the same small pair."""

    def draw(self, count: int, crop: int, shares: Shares) -> Batch:
        """See :class:`tinysr.gpu.trainer.Source`."""
        hr = planes(texture(crop * 4, crop * 4)).expand(count, -1, -1, -1) / 255
        return Batch(functional.avg_pool2d(hr, 4), hr)


def test_a_run_goes_on_from_weights_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_on_gpu, "plan", trial)
    torch.manual_seed(5)
    jobs = {job.name: job for job in trial()}
    shipped = {
        name: {key: value.half().float().contiguous() for key, value in TinySR(jobs[name].config).state_dict().items()}
        for name in ("tinysr-small", "tinysr-small-psnr", "tinysr-small-x2")
    }
    Path("checkpoints").mkdir()
    with pytest.raises(SystemExit, match="has none of"):
        train_on_gpu.main(["begin", "--checkpoints", "checkpoints"])
    for name, state in shipped.items():
        # Networks for luma lie there by the names of the class that serves these alone.
        save_file(compact_state(state) if name.endswith("psnr") else state, f"checkpoints/{name}.safetensors")
    save_file({"denoiser.blocks.0.expand.weight": torch.zeros(3, 3, 3, 3)}, "checkpoints/tinysr-base.safetensors")
    train_on_gpu.main(["begin", "--checkpoints", "checkpoints"])
    said = capsys.readouterr().out
    assert "tinysr-base.safetensors is of another network" in said
    assert "begins with tinysr-small, tinysr-small-psnr, tinysr-small-x2\n" in said
    args = train_on_gpu.arguments().parse_args(["train", "--out", "out", "--device", "cpu", "--trial"])
    # Also after a first machine has come to other jobs only.
    train_on_gpu.write_resume(args.folder, trial(), {"tinysr-small-fidelity": {}}, {"tinysr-small": {"stage": 2}})
    call = train_on_gpu.Call(args)
    assert not any(name.endswith("tinysr-small") for name in call.weights)
    for name in ("tinysr-small-psnr", "tinysr-small-x2"):
        state = call.trainer(jobs[name], None).averaged()
        assert all(torch.equal(value, shipped[name][key]) for key, value in state.items())


def test_a_discriminator_that_was_not_sent_along_learns_before_it_is_heard(tmp_path: Path) -> None:
    job = replace(trial()[0], batch=1)
    trainer = Trainer(job, tmp_path, "cpu", progress=Progress(stage=1, seconds=30.0, step=40), halves=False)
    heard = []
    for done in (0.5, 0.55, 0.61):
        trainer.step(Same(), done)
        heard.append(trainer.heard)
    assert heard == [False, False, True]
    trainer.save()
    again = Trainer(job, tmp_path, "cpu", halves=False)
    again.step(Same(), 0.62)
    assert again.heard


def test_colours_are_converted_exactly_whatever_the_network_computes_in() -> None:
    torch.manual_seed(0)
    model = TinySR(next(job.config for job in trial() if job.name == "tinysr-small-psnr")).eval()
    lr = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        whole, halves = pictures(model, lr), pictures(model, lr, True)
        ycc = rgb_to_ycc(halves)
    # Luma differs by the rounding of the network, chroma by that of its interpolation: half a code of bf16 near the middle.
    assert 255 * float((ycc[:, :1] - rgb_to_ycc(whole)[:, :1]).abs().mean()) < 2
    assert 255 * float((ycc[:, 1:] - rgb_to_ycc(whole)[:, 1:]).abs().mean()) < 0.3


def test_the_whole_procedure_over_two_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(10):
        Image.fromarray(texture(288, 304, seed)).save(photos / f"{seed}.png")
    home, first, second = (tmp_path / name for name in ("home", "first", "second"))
    for folder in (home, first, second):
        folder.mkdir()
    monkeypatch.chdir(home)
    train_on_gpu.main(["pack", "--data", str(photos)])
    assert "10 of 10 pictures" in capsys.readouterr().out
    options = ["--pack", str(home / "cache/pack.zip"), "--out", "out", "--device", "cpu", "--threads", "1"]
    options += ["--trial", "--total-minutes", "0.1"]
    # The first machine is stopped on its way; the next one has only what came back.
    assert "not finished" in train_there(first, *options, "--minutes", "0.03")
    train_on_gpu.main(["collect", "--pieces", str(first / "out")])
    (second / "runs/gpu").mkdir(parents=True)
    (home / "runs/gpu/resume").rename(second / "runs/gpu/resume")
    said = train_there(second, *options, "--minutes", "5")
    assert "\nfinished" in said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert {line["job"] for line in lines} >= {"tinysr-base", "tinysr-base-x2"}
    capsys.readouterr()
    train_on_gpu.main(["collect", "--pieces", str(second / "out")])
    assert "finished: tinysr-small, tinysr-base, tinysr-small-psnr, tinysr-small-x2, tinysr-base-x2" in capsys.readouterr().out
    manifest = json.loads((home / "runs/gpu/models/manifest.json").read_text())
    names = [model["name"] for model in manifest["models"]]
    both = ("base", "base-x2", "small", "small-x2")
    assert names == sorted([f"tinysr-{name}{end}" for name in both for end in ("", FIDELITY)] + ["tinysr-small-psnr"])
    weights = load_file(home / "runs/gpu/models/checkpoints/tinysr-base.safetensors")
    assert all(bool(value.isfinite().all()) for value in weights.values())
