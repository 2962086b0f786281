"""Finds the things in a picture: what, where, how many, in which colour.

A small convolutional network in the manner of CenterNet (Zhou et al. 2019), trained on pictures of
the world only: for each kind a map of where things' middles are, and at each place the colour.
"""

import dataclasses
import pathlib
import random
from typing import List

import numpy as np
import torch
import torch.nn.functional as F
import world
from muon import Muon
from pictures import scene_and_chance
from torch import nn
from train_vae import to_tensor

STRIDE = 4
GRID = world.SIZE // STRIDE
COLOURS = tuple(world.COLOURS)
BATCH = 16
THRESHOLD = 0.35


@dataclasses.dataclass(frozen=True)
class Detection:
    kind: str
    colour: str
    x: float
    y: float
    confidence: float


def _layer(inside, outside, stride=1):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outside), nn.SiLU()
    )


class Detector(nn.Module):
    """Images [batch, 3, 128, 128] in [-1, 1] to logits of kinds [16] and colours [9], on 32x32."""

    def __init__(self):
        super().__init__()
        self.fine = nn.Sequential(_layer(3, 24, 2), _layer(24, 48, 2), _layer(48, 48))
        self.middle = nn.Sequential(_layer(48, 64, 2), _layer(64, 64))
        self.coarse = nn.Sequential(_layer(64, 96, 2), _layer(96, 96), _layer(96, 64))
        self.up = _layer(128, 48)
        self.top = _layer(96, 64)
        self.kinds = nn.Conv2d(64, len(world.KINDS), 1)
        self.colours = nn.Conv2d(64, len(COLOURS), 1)
        nn.init.constant_(self.kinds.bias, -4.0)

    def forward(self, images):
        fine = self.fine(images)
        middle = self.middle(fine)
        coarse = F.interpolate(self.coarse(middle), scale_factor=2.0)
        both = F.interpolate(self.up(torch.cat([middle, coarse], dim=1)), scale_factor=2.0)
        top = self.top(torch.cat([fine, both], dim=1))
        return self.kinds(top), self.colours(top)


def _targets(things: List[List[world.Thing]]):
    """Maps with a bump of height 1 at each middle, and (place, colour) of each thing."""
    heat = torch.zeros(len(things), len(world.KINDS), GRID, GRID)
    rows, columns = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
    places, colours = [], []
    for index, each in enumerate(things):
        for thing in each:
            x, y = (min(GRID - 1, max(0, int(v / STRIDE))) for v in thing.middle)
            spread = max(0.6, thing.height / STRIDE / 9)
            bump = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
            kind = heat[index, world.KINDS.index(thing.kind)]
            torch.maximum(kind, bump, out=kind)
            places.append((index, y, x))
            colours.append(COLOURS.index(thing.colour))
    return heat, torch.tensor(places).T, torch.tensor(colours)


def _focal(logits, heat):
    probability = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4)
    hit = heat > 0.999
    found = -((1 - probability) ** 2 * probability.log())[hit].sum()
    missed = -((1 - heat) ** 4 * probability**2 * (1 - probability).log())[~hit].sum()
    return (found + missed) / hit.sum()


def train(file: pathlib.Path, seed: int, steps: int, device) -> Detector:
    """Trains on pictures drawn for the purpose, or reads what was trained before."""
    torch.manual_seed(seed)
    detector = Detector().to(device)
    if file.exists():
        detector.load_state_dict(torch.load(file, map_location=device))
        return detector.eval()
    optimizer = Muon(detector, 0.02, 2e-3)
    chance = random.Random("%d/detector" % seed)
    for step in range(steps):
        drawn = [world.draw(world.random_scene(chance), chance) for _ in range(BATCH)]
        images = to_tensor(np.stack([np.asarray(picture) for picture, _ in drawn]), device)
        # Generated pictures are softer and noisier than drawn ones.
        images = images + 0.06 * torch.rand(len(images), 1, 1, 1, device=device) * torch.randn_like(images)
        if chance.random() < 0.5:
            images = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        heat, places, colours = _targets([things for _, things in drawn])
        with torch.autocast(device.type, dtype=torch.bfloat16):
            kinds, shades = detector(images)
        at = shades.float()[places[0], :, places[1], places[2]]
        loss = _focal(kinds.float(), heat.to(device)) + F.cross_entropy(at, colours.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.set_rate(min(1.0, (step + 1) / 50) * (1 - step / steps))
        optimizer.step()
        if step % 100 == 99:
            print("detector %d loss %.3f" % (step + 1, loss.item()), flush=True)
    torch.save(detector.state_dict(), file)
    return detector.eval()


@torch.no_grad()
def detect(detector: Detector, pictures: np.ndarray, device) -> List[List[Detection]]:
    """What is in each of the pictures, uint8 [count, 128, 128, 3]."""
    found = []
    for at in range(0, len(pictures), 32):
        kinds, colours = detector(to_tensor(pictures[at : at + 32], device))
        heat = torch.sigmoid(kinds)
        # A thing is one kind: the strongest at its place, and stronger than all around it.
        strongest = heat.max(dim=1, keepdim=True).values
        peaks = (heat == F.max_pool2d(strongest, 3, stride=1, padding=1)) & (heat > THRESHOLD)
        pictures_found = [[] for _ in range(len(heat))]
        for index, kind, row, column in peaks.nonzero().tolist():
            colour = COLOURS[colours[index, :, row, column].argmax().item()]
            x, y = (column + 0.5) * STRIDE, (row + 0.5) * STRIDE
            confidence = heat[index, kind, row, column].item()
            pictures_found[index].append(Detection(world.KINDS[kind], colour, x, y, confidence))
        found += pictures_found
    return found
