"""Trains text encoder and UNet together to predict the noise in the VAE's latents (Ho et al. 2020).

Captions are worded anew each time a picture comes up, and dropped one time in ten, for classifier-free
guidance (Ho and Salimans 2022). What is kept is an exponential moving average of the weights.

Predicting noise alone teaches last what matters most here: how many, and where. So the UNet's features also have to
tell, by one linear map that is thrown away afterwards, which things stand where in the finished picture (as Yu et al.
2024 align features with an image encoder's); in much noise only the prompt can tell. And the text encoder, taught by
train_text.py beforehand, goes on telling what it has read.
"""

import math
import pathlib
import random
import shutil
import time

import numpy as np
import torch
import torch.nn.functional as F
import train_text
import world
from captions import describe
from muon import Muon
from networks import LAYOUT_WIDTH, TEXT_CONFIG, TOKENS, UNET_CONFIG, TextEncoder, UNet
from pictures import scene_and_chance
from torch import nn
from train_vae import SCALING_FACTOR
from vocabulary import Tokenizer, learn_merges

BATCH = 64
PEAK_RATE, PEAK_ADAM_RATE = 0.01, 1e-3
WARM_UP = 100
DROPPED = 0.1
CAPTIONS_LEARNT = 10000
BETA_START, BETA_END = 0.00085, 0.012
MOST_WEIGHT = 12.0
TOWARDS_NOISE = 0.7
LAYOUT_WEIGHT = 0.5
RECITAL_WEIGHT = 0.05
_LAYOUT_CHOICES = [1 + len(world.KINDS), 1 + len(world.COLOURS), 1]


def tokenizer(seed: int) -> Tokenizer:
    """Learns the vocabulary from as many captions as show every wording many times."""
    spoken = []
    for index in range(CAPTIONS_LEARNT):
        chance = random.Random("%d/vocabulary/%d" % (seed, index))
        spoken.append(describe(world.random_scene(chance), chance))
    return Tokenizer(learn_merges(spoken), TOKENS)


def alphas_cumprod() -> torch.Tensor:
    """Stable Diffusion's schedule: betas whose square roots are evenly spaced."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0)


class Model(nn.Module):
    """What is trained here: `text_encoder` and `unet`, and `layout` and `recital`, which are not kept."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.text_encoder = TextEncoder(dict(TEXT_CONFIG, vocab_size=vocabulary))
        self.unet = UNet(UNET_CONFIG)
        self.layout = nn.Conv2d(LAYOUT_WIDTH, 4 * sum(_LAYOUT_CHOICES), 1)
        self.recital = train_text.Recital()

    def forward(self, latents, timesteps, ids):
        """Noise, logits of kind, colour and middle on the latents' grid, and what the text encoder recites."""
        prompts = self.text_encoder(ids)
        noise, coarse = self.unet(latents, timesteps, prompts)
        return noise, F.pixel_shuffle(self.layout(coarse), 2).split(_LAYOUT_CHOICES, dim=1), self.recital(prompts)


def layout_loss(logits, layouts: torch.Tensor) -> torch.Tensor:
    """Per picture, [batch]: cross entropy of kind and colour, and of middles, which are rare, 4 times as much.

    layouts: int64 [batch, 3, 16, 16], as pictures.layout gives them
    """
    kind, colour, middle = (each.float() for each in logits)
    losses = F.cross_entropy(kind, layouts[:, 0], reduction="none")
    losses = losses + F.cross_entropy(colour, layouts[:, 1], reduction="none")
    losses = losses + 4 * F.binary_cross_entropy_with_logits(middle[:, 0], layouts[:, 2].float(), reduction="none")
    return losses.mean(dim=(1, 2))


def new_model(seed: int) -> Model:
    torch.manual_seed(seed)
    return Model(len(tokenizer(seed).ids))


def train(
    folder: pathlib.Path,
    model: Model,
    latents: torch.Tensor,
    layouts: np.ndarray,
    text_steps: int,
    steps: int,
    seed: int,
    device,
) -> Model:
    """Trains from the weights that the model has; returns the averaged weights.

    latents: float32 [count, 4, 16, 16] as the VAE gives them, of the training pictures in order
    layouts: uint8 [count, 3, 16, 16], of the same
    """
    words = tokenizer(seed)
    scenes = [scene_and_chance(seed, index, False)[0] for index in range(len(latents))]
    text = model.text_encoder, model.recital
    train_text.train(folder / "text.pt", *text, words, scenes, layouts, text_steps, seed, device)
    model = model.to(device, memory_format=torch.channels_last)
    average = Model(len(words.ids)).to(device)
    average.load_state_dict(model.state_dict())
    predict = torch.compile(model) if shutil.which("g++") else model
    optimizer = Muon(model, PEAK_RATE, PEAK_ADAM_RATE)
    checkpoint, first = folder / "diffusion-training.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    latents = (latents * SCALING_FACTOR).to(device)
    cumulative = alphas_cumprod().float().to(device)
    # As if the clean latents were predicted, since things find their places in much noise (Salimans and Ho 2022).
    weights = cumulative.reciprocal().clamp(max=MOST_WEIGHT)
    began, total, total_layout, total_text = time.time(), 0.0, 0.0, 0.0
    for step in range(first, steps):
        optimizer.set_rate(min(1, (step + 1) / WARM_UP) * _decay(step, steps))
        chance = random.Random("%d/step/%d" % (seed, step))
        torch.manual_seed(seed * 1_000_003 + step)
        picked = [chance.randrange(len(latents)) for _ in range(BATCH)]
        spoken = ["" if chance.random() < DROPPED else describe(scenes[index], chance) for index in picked]
        ids = torch.tensor([words(caption) for caption in spoken], device=device)
        clean = latents[torch.tensor(picked)].contiguous(memory_format=torch.channels_last)
        # One from each 64th of the range, for less noise in the gradient, and more of the late timesteps.
        spread = (torch.arange(BATCH) + torch.rand(BATCH)) / BATCH
        timesteps = (spread**TOWARDS_NOISE * 1000).long().clamp(max=999).to(device)
        noise = torch.randn_like(clean)
        signal = cumulative[timesteps].view(-1, 1, 1, 1)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        with torch.autocast(device.type, dtype=torch.bfloat16):
            predicted, told, recited = predict(noisy, timesteps, ids)
        errors = ((predicted.float() - noise) ** 2).mean(dim=(1, 2, 3))
        loss = (errors * weights[timesteps]).mean()
        misplaced = layout_loss(told, torch.from_numpy(layouts[picked]).long().to(device)).mean()
        misread = sum(train_text.recital_loss(recited, ids, [scenes[index] for index in picked], layouts[picked]))
        optimizer.zero_grad()
        (loss + LAYOUT_WEIGHT * misplaced + RECITAL_WEIGHT * misread).backward()
        optimizer.step()
        _follow(average, model, min(0.9995, (step + 1) / (step + 20)))
        total += loss.item()
        total_layout += misplaced.item()
        total_text += misread.item()
        if step % 100 == 99:
            means = total / 100, total_layout / 100, total_text / 100
            numbers = step + 1, *means, time.time() - began
            print("diffusion %d loss %.4f layout %.4f text %.3f  %.0fs" % numbers, flush=True)
            total, total_layout, total_text = 0.0, 0.0, 0.0
        if step % 250 == 249 or step == steps - 1:
            state = {
                "model": model.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step + 1,
            }
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").rename(checkpoint)
    return average


def _decay(step: int, steps: int) -> float:
    """Full rate for the first 60% of the steps, then a half cosine down to 2%."""
    late = max(0.0, (step / steps - 0.6) / 0.4)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * late))


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - keep)
