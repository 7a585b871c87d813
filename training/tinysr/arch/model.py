"""TinySR(config): encoder -> one-step denoiser -> decoder -> skip -> colour fix."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..compact import interpolation_kernel, start_as_interpolation
from .autoencoder import Decoder, Encoder
from .conditioning import LAST_TIMESTEP, Prompt
from .config import TinySRConfig
from .denoiser import ConvDenoiser, TokenDenoiser
from .start import start


def match_statistics(image: Tensor, reference: Tensor) -> Tensor:
    """AdaIN: each channel of (N,3,H,W) gets the mean and deviation that it has in the reference."""
    std, mean = torch.std_mean(image, (2, 3), keepdim=True)
    wanted_std, wanted_mean = torch.std_mean(reference, (2, 3), keepdim=True)
    return (image - mean) / (std + 1e-5) * wanted_std + wanted_mean


class TinySR(nn.Module):
    """One-step super-resolution in a latent space, of the size that the config says."""

    def __init__(self, config: TinySRConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.encoder, config.planes, config.latent_channels, config.cell_in)
        self.denoiser = ConvDenoiser(config) if config.attention == "none" else TokenDenoiser(config)
        self.decoder = Decoder(config.decoder, config.planes, config.latent_channels, config.cell_out)
        self.kernel: Tensor
        self.register_buffer("kernel", interpolation_kernel(config.scale), persistent=False)
        start(self)
        if config.attention == "none" and config.cell_in == 1 and not config.skip:
            start_as_interpolation(self.encoder.enter, self.decoder.leave, config.scale)
        with torch.no_grad():
            if isinstance(self.denoiser, TokenDenoiser):
                # Training starts from z_hat = z,
                self.denoiser.out.weight.zero_()
            if config.skip:
                # and near bicubic interpolation.
                self.decoder.leave.weight.mul_(0.01)

    def enlarge(self, planes: Tensor) -> Tensor:
        """Bicubic interpolation, (N,C,h,w) -> (N,C,s*h,s*w), every plane by itself."""
        n, count, h, w = planes.shape
        s = self.config.scale
        if self.config.bicubic == "pytorch":
            return functional.interpolate(planes, scale_factor=float(s), mode="bicubic", align_corners=False)
        cells = functional.pixel_unshuffle(planes.reshape(n * count, 1, h, w), 2)
        cells = functional.pad(cells, (1, 1, 1, 1), mode="replicate")
        fine = functional.pixel_shuffle(functional.conv2d(cells, self.kernel.to(cells)), 2 * s)
        return fine.reshape(n, count, h * s, w * s)

    def encode(self, lr: Tensor, enlarged: Tensor | None = None) -> Tensor:
        """(N,planes,h,w) in 0..1 -> the latent (N,c,h',w')."""
        image = lr
        if self.config.source == "enlarged":
            image = self.enlarge(lr) if enlarged is None else enlarged
        if self.config.signed:
            image = 2 * image - 1
        z: Tensor = self.encoder(image)
        return z * self.config.scaling

    def decode(self, z: Tensor) -> Tensor:
        """(N,c,h',w') -> (N,planes,s*h,s*w), about 0..1, or without a skip what is to be added."""
        z = z / self.config.scaling
        if self.config.squash:
            z = 3 * torch.tanh(z / 3)
        image: Tensor = self.decoder(z)
        # With a skip the output is a difference, which has no offset.
        if self.config.signed:
            image = image / 2 if self.config.skip else (image + 1) / 2
        return image

    def latent(
        self, lr: Tensor, prompt: Prompt | None = None, timestep: int = LAST_TIMESTEP, gates: Tensor | None = None
    ) -> Tensor:
        """(N,planes,h,w) -> the denoised latent, what students are held to."""
        z: Tensor = self.denoiser(self.encode(lr), prompt, timestep, gates)
        return z

    def finish(self, z_hat: Tensor, lr: Tensor) -> Tensor:
        """From the denoised latent and the LR frame to the picture."""
        image = self.decode(z_hat)  # (N,planes,s*h,s*w)
        if self.config.skip:
            image = image + self.enlarge(lr)
        if self.config.color_fix:
            image = match_statistics(image.clamp(0, 1), lr)
        return image

    def forward(
        self, lr: Tensor, prompt: Prompt | None = None, timestep: int = LAST_TIMESTEP, gates: Tensor | None = None
    ) -> Tensor:
        """(N,3,h,w) in 0..1 -> (N,3,s*h,s*w), not clamped: RGB, or Y'CbCr where the model restores luma alone."""
        if not self.config.fits(lr.shape[2], lr.shape[3]):
            raise ValueError(f"a frame of {lr.shape[3]}x{lr.shape[2]} does not divide into whole tokens")
        seen = lr[:, : self.config.planes]
        z_hat = self.latent(seen, prompt, timestep, gates)  # (N,c,h',w')
        image = self.finish(z_hat, seen)
        if self.config.planes == 1:
            image = torch.cat([image, self.enlarge(lr[:, 1:])], 1)
        return image
