"""Scores pictures against what was asked for: colour, object, count and position.

`held_out` gives captions of scenes whose cores were kept from training; `score` tells how many of
them a set of pictures answers. A group's object is right if one of its kind is found; its colour, if
more than half of those are of the colour asked for; its count, if exactly so many are. The position is
right if the groups' middles stand as said. What is missing is wrong in all respects.
"""

import collections
import dataclasses
from typing import Dict, List, Tuple

import world
from captions import describe
from detector import Detection
from pictures import scene_and_chance

PLACES = {"left": (0.0, 58.0), "middle": (40.0, 88.0), "right": (70.0, 128.0)}
"""Between which x, in pixels, the middle of a group is when it is said to stand there."""


@dataclasses.dataclass(frozen=True)
class Asked:
    caption: str
    scene: world.Scene


def held_out(seed: int, count: int) -> List[Asked]:
    asked = []
    for index in range(count):
        scene, chance = scene_and_chance(seed, index, True)
        chance.seed("%d/words/%d" % (seed, index))
        asked.append(Asked(describe(scene, chance), scene))
    return asked


def judge(scene: world.Scene, found: List[Detection]) -> List[Tuple[str, bool]]:
    """(respect, right) for each thing that was asked."""
    verdicts, middles = [], []
    kinds = [group.kind for group in scene.groups]
    for group in scene.groups:
        mine = [thing for thing in found if thing.kind == group.kind]
        coloured = [thing for thing in mine if thing.colour == group.colour]
        if kinds.count(group.kind) > 1:
            right_colour, mine = bool(coloured), coloured or mine
        else:
            right_colour = 2 * len(coloured) > len(mine)
        verdicts.append(("object", bool(mine)))
        verdicts.append(("colour", right_colour))
        verdicts.append(("count", len(mine) == group.count))
        if mine:
            middles.append((sum(t.x for t in mine) / len(mine), sum(t.y for t in mine) / len(mine)))
    if scene.relation or scene.place:
        verdicts.append(("position", len(middles) == len(scene.groups) and _stands(scene, middles)))
    return verdicts


def _stands(scene: world.Scene, middles: List[Tuple[float, float]]) -> bool:
    if scene.relation is None:
        low, high = PLACES[scene.place]
        return low <= middles[0][0] <= high
    (x, y), (other_x, other_y) = middles
    return {
        "left": x < other_x,
        "right": x > other_x,
        "above": y < other_y,
        "on": y < other_y and abs(x - other_x) < 16,
    }[scene.relation]


def score(asked: List[Asked], found: List[List[Detection]]) -> Dict[str, float]:
    """Share of right verdicts in each respect, and of pictures right in all."""
    counts, right, whole = collections.Counter(), collections.Counter(), 0
    for one, things in zip(asked, found):
        verdicts = judge(one.scene, things)
        whole += all(ok for _, ok in verdicts)
        for respect, ok in verdicts:
            counts[respect] += 1
            right[respect] += ok
    shares = {respect: right[respect] / counts[respect] for respect in ("object", "colour", "count", "position")}
    return dict(shares, everything=whole / len(asked))
