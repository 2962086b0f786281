"""The training pictures on disk: `pictures.npy`, uint8 [count, 128, 128, 3], and their scenes by seed."""

import pathlib
import random
from typing import Tuple

import numpy as np
import world
from captions import is_held_out


def scene_and_chance(seed: int, index: int, held_out: bool) -> Tuple[world.Scene, random.Random]:
    """Picture `index` of the training (or the held-out) set, and the chances left to draw it with."""
    chance = random.Random("%d/%s/%d" % (seed, "test" if held_out else "train", index))
    while True:
        scene = world.random_scene(chance)
        if is_held_out(scene) == held_out:
            return scene, chance


def draw_all(folder: pathlib.Path, seed: int, count: int, held_out: bool = False) -> np.ndarray:
    """Draws them, or maps those drawn before."""
    file = folder / ("pictures-%s.npy" % ("test" if held_out else "train"))
    if file.exists():
        return np.load(file, mmap_mode="r")
    partial = file.with_suffix(".partial.npy")
    shape = (count, world.SIZE, world.SIZE, 3)
    pictures = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
    for index in range(count):
        pictures[index] = np.asarray(world.draw(*scene_and_chance(seed, index, held_out))[0])
    pictures.flush()
    partial.rename(file)
    return np.load(file, mmap_mode="r")
