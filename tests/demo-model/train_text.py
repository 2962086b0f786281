"""Teaches the text encoder to understand captions before the UNet learns to draw from them.

Stable Diffusion takes a text encoder that CLIP has taught; from the noise's error alone a text encoder learns very late
who stands where, since a word is read before those after it. So here it learns first, from captions and scenes without
a picture, to say again after the caption's end what the scene is. Every end token has to tell all that the scene holds,
by one linear map, and the last twelve of them what stands in one of 3x4 parts of the picture each. Both maps are thrown
away afterwards.
"""

import pathlib
import random
import time
from typing import List

import numpy as np
import torch
import torch.nn.functional as F
import world
from captions import describe
from muon import Muon
from networks import TEXT_CONFIG, TOKENS, TextEncoder
from torch import nn
from vocabulary import Tokenizer

BATCH = 128
PEAK_RATE, PEAK_ADAM_RATE = 0.01, 1e-3
ROWS, COLUMNS = 3, 4
_CELLS = ROWS * COLUMNS
_NOTHING = (None,)
_GROUP = [_NOTHING + world.KINDS, _NOTHING + tuple(world.COLOURS), (None, 1, 2, 3, 4), _NOTHING + tuple(world.SCALES)]
_FACTS = [
    *_GROUP,
    *_GROUP,
    ("beside", "above", "on", None),
    ("left", "middle", "right", None),
    _NOTHING + world.GROUNDS,
    world.TIMES,
    world.WEATHERS,
    (False, True),
    _NOTHING + world.WALLS,
    _NOTHING + world.TABLES,
]
"""The values of each thing that there is to say about a scene, first of the group that stands left or above."""

_FACT_SIZES = [len(values) for values in _FACTS]
_CELL_SIZES = [1 + len(world.KINDS), 1 + len(world.COLOURS), 1]


def facts(scene: world.Scene) -> List[int]:
    """What there is to say about a scene, as indices in the values of each."""
    groups = list(scene.groups)
    if scene.relation == "right":
        groups.reverse()
    said = []
    for group in groups:
        said += [group.kind, group.colour, group.count, group.size]
    said += [None] * (8 - len(said))
    said.append("beside" if scene.relation in ("left", "right") else scene.relation)
    said += [scene.place, scene.ground, scene.time, scene.weather, scene.mountains, scene.wall, scene.table]
    return [values.index(value) for values, value in zip(_FACTS, said)]


def cells(layouts: np.ndarray) -> List[torch.Tensor]:
    """What is in the 3x4 parts of pictures: shares of the kinds and colours, and how many middles.

    layouts: uint8 [batch, 3, 16, 16], as pictures.layout gives them
    returns: [batch, 12, 17], [batch, 12, 10], [batch, 12, 1]
    """
    places = torch.from_numpy(layouts).long()
    kinds = F.one_hot(places[:, 0], _CELL_SIZES[0]).float().permute(0, 3, 1, 2)
    colours = F.one_hot(places[:, 1], _CELL_SIZES[1]).float().permute(0, 3, 1, 2)
    height, width = places.shape[2:]
    row = torch.arange(height) * ROWS // height
    column = torch.arange(width) * COLUMNS // width
    cell = (row[:, None] * COLUMNS + column[None]).flatten()
    middles = torch.zeros(len(places), _CELLS).index_add_(1, cell, places[:, 2].float().flatten(1))
    pooled = [F.adaptive_avg_pool2d(each, (ROWS, COLUMNS)).flatten(2).transpose(1, 2) for each in (kinds, colours)]
    return [*pooled, middles[:, :, None]]


class Recital(nn.Module):
    """The two linear maps."""

    def __init__(self):
        super().__init__()
        width = TEXT_CONFIG["hidden_size"]
        self.facts = nn.Linear(width, sum(_FACT_SIZES))
        self.cells = nn.Linear(width, sum(_CELL_SIZES))

    def forward(self, prompts):
        """prompts: float [batch, tokens, width]; logits of facts at all tokens, and of cells at the last twelve."""
        return self.facts(prompts), self.cells(prompts[:, -_CELLS:])


def recital_loss(recited, ids, scenes: List[world.Scene], layouts: np.ndarray):
    """Mean over all end tokens of what is told wrong there: (cross entropy of facts, that of cells).

    ids: int64 [batch, tokens]; the last of them is the end token. Captions without words don't count.
    """
    told, drawn = (each.float() for each in recited)
    ended = (ids == ids[:, -1:]) & (ids[:, 1:2] != ids[:, -1:])
    asked = torch.tensor([facts(scene) for scene in scenes], device=ids.device)
    asked = asked[:, None].expand(-1, ids.shape[1], -1)[ended]
    wrong = sum(F.cross_entropy(one, asked[:, at]) for at, one in enumerate(told[ended].split(_FACT_SIZES, dim=-1)))
    kinds, colours, middles = drawn.split(_CELL_SIZES, dim=-1)
    true_kinds, true_colours, true_middles = (each.to(ids.device) for each in cells(layouts))
    misplaced = -(true_kinds * kinds.log_softmax(-1)).sum(-1) - (true_colours * colours.log_softmax(-1)).sum(-1)
    misplaced = misplaced + F.poisson_nll_loss(middles, true_middles, reduction="none")[..., 0]
    return wrong, misplaced[ended[:, -_CELLS:]].mean()


class _Reader(nn.Module):
    def __init__(self, text_encoder: TextEncoder, recital: Recital):
        super().__init__()
        self.text_encoder, self.recital = text_encoder, recital


def train(
    file: pathlib.Path,
    text_encoder: TextEncoder,
    recital: Recital,
    words: Tokenizer,
    scenes: List[world.Scene],
    layouts: np.ndarray,
    steps: int,
    seed: int,
    device,
) -> None:
    """Trains both in place, or reads what was trained before."""
    reader = _Reader(text_encoder, recital).to(device)
    if file.exists():
        reader.load_state_dict(torch.load(file, map_location=device))
        return
    optimizer = Muon(reader, PEAK_RATE, PEAK_ADAM_RATE)
    began = time.time()
    for step in range(steps):
        optimizer.set_rate(min(1, (step + 1) / 50) * (1 - step / steps))
        chance = random.Random("%d/text/%d" % (seed, step))
        picked = [chance.randrange(len(scenes)) for _ in range(BATCH)]
        ids = torch.tensor([words(describe(scenes[index], chance)) for index in picked], device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            recited = recital(text_encoder(ids))
        wrong, misplaced = recital_loss(recited, ids, [scenes[index] for index in picked], layouts[picked])
        optimizer.zero_grad()
        (wrong + misplaced).backward()
        optimizer.step()
        if step % 100 == 99:
            numbers = step + 1, wrong.item(), misplaced.item(), time.time() - began
            print("text %d facts %.3f cells %.4f  %.0fs" % numbers, flush=True)
    torch.save(reader.state_dict(), file)
