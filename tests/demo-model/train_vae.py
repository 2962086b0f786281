"""Trains the VAE: reconstruction (L1 and squared error) with a light pull to the normal distribution.

Every step draws new pictures. Errors within the things, which are what is asked for, count threefold.

At the end the latents are made white (mean 0, variance 1 / scaling_factor^2, no correlation between
channels) by folding a linear map into quant_conv and its inverse into post_quant_conv, which changes
no reconstruction; so that Stable Diffusion's scaling factor 0.18215 is right for this model too.
"""

import math
import pathlib
import random
import time

import numpy as np
import torch
import world
from muon import Muon
from networks import VAE_CONFIG, Vae

SCALING_FACTOR = 0.18215
KL_WEIGHT = 2e-4
THING_WEIGHT = 3.0
BATCH = 4
PEAK_RATE, PEAK_ADAM_RATE = 0.02, 1e-3
WARM_UP = 50
FIRST_LOG_VARIANCE = -3.0


def to_tensor(pictures: np.ndarray, device) -> torch.Tensor:
    """uint8 [n, h, w, 3] to float [n, 3, h, w] in [-1, 1]."""
    images = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2)
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def _draw(chance: random.Random):
    """New pictures, uint8 [BATCH, 128, 128, 3], and the weights of their pixels, [BATCH, 1, 128, 128]."""
    pictures, weights = [], torch.ones(BATCH, 1, world.SIZE, world.SIZE)
    for index in range(BATCH):
        picture, things = world.draw(world.random_scene(chance), chance)
        pictures.append(np.asarray(picture))
        for thing in things:
            left, top, right, bottom = thing.box
            weights[index, :, top:bottom, left:right] = THING_WEIGHT
    return np.stack(pictures), weights


def train(folder: pathlib.Path, steps: int, seed: int, device) -> Vae:
    torch.manual_seed(seed)
    vae = Vae(VAE_CONFIG).to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        vae.quant_conv.bias[4:] = FIRST_LOG_VARIANCE
    optimizer = Muon(vae, PEAK_RATE, PEAK_ADAM_RATE)
    checkpoint, first = folder / "vae-training.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        vae.load_state_dict(state["vae"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    start, total = time.time(), 0.0
    for step in range(first, steps):
        optimizer.set_rate(min(1, (step + 1) / WARM_UP) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps))))
        torch.manual_seed(seed * 1_000_003 + step)
        pictures, weights = _draw(random.Random("%d/vae/%d" % (seed, step)))
        images, weights = to_tensor(pictures, device), weights.to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            mean, log_variance = vae.encode(images)
            latents = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
            error = vae.decode(latents).float() - images
        mean, log_variance = mean.float(), log_variance.float()
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        squares = (error**2).mean()
        loss = (weights * (error.abs() + 2 * error**2)).mean() + KL_WEIGHT * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += squares.item()
        if step % 100 == 99:
            ratio = -10 * math.log10(total / 100 / 4)
            print("vae %d psnr %.2f kl %.2f  %.0fs" % (step + 1, ratio, kl.item(), time.time() - start), flush=True)
            total = 0.0
        if step % 500 == 499 or step == steps - 1:
            state = {"vae": vae.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").rename(checkpoint)
    return vae


@torch.no_grad()
def encode_all(vae: Vae, pictures: np.ndarray, device, batch: int = 32) -> torch.Tensor:
    """Means of the posterior, float32 [count, 4, 16, 16], unscaled."""
    out = []
    for at in range(0, len(pictures), batch):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            out.append(vae.encode(to_tensor(pictures[at : at + batch], device))[0].float().cpu())
    return torch.cat(out)


@torch.no_grad()
def whiten(vae: Vae, latents: torch.Tensor) -> torch.Tensor:
    """Folds the map that makes the latents white into the VAE; returns the latents it then gives."""
    flat = latents.double().permute(1, 0, 2, 3).reshape(4, -1)
    mean = flat.mean(dim=1)
    values, vectors = torch.linalg.eigh(torch.cov(flat))
    forward = (vectors * values.rsqrt()) @ vectors.T / SCALING_FACTOR
    back = torch.linalg.inv(forward)
    quant, post = vae.quant_conv, vae.post_quant_conv
    weight, bias = quant.weight[:, :, 0, 0].double().cpu(), quant.bias.double().cpu()
    weight[:4], bias[:4] = forward @ weight[:4], forward @ (bias[:4] - mean)
    # The variances' channels no longer go with the rotated means; let them say the average.
    weight[4:], bias[4:] = 0, bias[4:].mean()
    quant.weight.copy_(weight[:, :, None, None])
    quant.bias.copy_(bias)
    weight, bias = post.weight[:, :, 0, 0].double().cpu(), post.bias.double().cpu()
    post.bias.copy_(bias + weight @ mean)
    post.weight.copy_((weight @ back)[:, :, None, None])
    return (forward @ (flat - mean[:, None])).reshape(4, len(latents), *latents.shape[2:]).transpose(0, 1).float()


@torch.no_grad()
def psnr(vae: Vae, pictures: np.ndarray, device) -> float:
    """Mean over pictures of the peak signal-to-noise ratio of decode(encode(picture)), in decibel."""
    ratios = []
    for at in range(0, len(pictures), 16):
        images = to_tensor(pictures[at : at + 16], device)
        again = vae.decode(vae.encode(images)[0]).clamp(-1, 1)
        errors = ((again - images) ** 2).mean(dim=(1, 2, 3)) / 4
        ratios += (-10 * torch.log10(errors)).tolist()
    return float(np.mean(ratios))



