"""The pictures on disk, uint8 [count, 128, 128, 3], where things stand in them, and their scenes by seed."""

import pathlib
import random
from typing import List, Tuple

import numpy as np
import world
from captions import is_held_out

LAYOUT = 16
"""Height and width of a layout, that of the latents."""


def scene_and_chance(seed: int, index: int, held_out: bool) -> Tuple[world.Scene, random.Random]:
    """Picture `index` of the training (or the held-out) set, and the chances left to draw it with."""
    chance = random.Random("%d/%s/%d" % (seed, "test" if held_out else "train", index))
    while True:
        scene = world.random_scene(chance)
        if is_held_out(scene) == held_out:
            return scene, chance


def draw_all(folder: pathlib.Path, seed: int, count: int, held_out: bool = False) -> Tuple[np.ndarray, np.ndarray]:
    """Pictures and their layouts: draws them, or maps those drawn before."""
    files = [folder / ("%s-%s.npy" % (what, "test" if held_out else "train")) for what in ("pictures", "layouts")]
    if not all(file.exists() for file in files):
        partial = [file.with_suffix(".partial.npy") for file in files]
        shapes = (count, world.SIZE, world.SIZE, 3), (count, 3, LAYOUT, LAYOUT)
        pictures, layouts = (
            np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
            for file, shape in zip(partial, shapes)
        )
        for index in range(count):
            picture, things = world.draw(*scene_and_chance(seed, index, held_out))
            pictures[index], layouts[index] = np.asarray(picture), layout(things)
        for drawn, old, new in zip((pictures, layouts), partial, files):
            drawn.flush()
            old.rename(new)
    pictures, layouts = (np.load(file, mmap_mode="r") for file in files)
    return pictures, layouts


def layout(things: List[world.Thing]) -> np.ndarray:
    """For each of 16x16 places: 1 + kind and 1 + colour of the thing there, or 0, and 1 where a thing has its middle."""
    cell, kinds, colours = world.SIZE // LAYOUT, list(world.KINDS), list(world.COLOURS)
    places = np.zeros((3, LAYOUT, LAYOUT), np.uint8)
    for thing in things:
        left, top, right, bottom = (round(edge / cell) for edge in thing.box)
        places[0, top:bottom, left:right] = 1 + kinds.index(thing.kind)
        places[1, top:bottom, left:right] = 1 + colours.index(thing.colour)
        x, y = (min(LAYOUT - 1, max(0, int(at / cell))) for at in thing.middle)
        places[2, y, x] = 1
    return places
