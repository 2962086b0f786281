"""How a scene of the picture world is said: many wordings for one picture.

`describe` never says what is not in the picture; it may leave surroundings unsaid. Kinds, colours
and counts are always said, so that a caption can be scored against a picture. `is_held_out` keeps
one in twelve of the cores (who, how many, in which colour, where) away from training.
"""

import hashlib
import random
from typing import List

from world import Group, Scene

NOUNS = {
    "house": (("house", "houses"), ("cottage", "cottages"), ("home", "homes"), ("cabin", "cabins")),
    "tree": (("tree", "trees"),),
    "tower": (("tower", "towers"), ("castle tower", "castle towers")),
    "boat": (("boat", "boats"), ("sailboat", "sailboats"), ("sailing boat", "sailing boats")),
    "balloon": (("balloon", "balloons"), ("hot air balloon", "hot air balloons")),
    "flower": (("flower", "flowers"), ("blossom", "blossoms")),
    "mushroom": (("mushroom", "mushrooms"), ("toadstool", "toadstools")),
    "car": (("car", "cars"), ("automobile", "automobiles")),
    "ball": (("ball", "balls"), ("sphere", "spheres")),
    "cube": (("cube", "cubes"), ("block", "blocks"), ("box", "boxes")),
    "cone": (("cone", "cones"),),
    "bottle": (("bottle", "bottles"), ("flask", "flasks")),
    "cup": (("cup", "cups"), ("mug", "mugs"), ("coffee cup", "coffee cups")),
    "apple": (("apple", "apples"),),
    "star": (("star", "stars"),),
    "heart": (("heart", "hearts"),),
}

_SMALL = ("small", "little", "tiny")
_BIG = ("big", "large", "huge")
_COLOURS = {"grey": ("grey", "gray"), "purple": ("purple", "purple", "violet")}
_COUNTS = {2: ("two", "two", "two", "a pair of"), 3: ("three",), 4: ("four",)}

_PLACES = {
    "left": ("on the left", "on the left side", "at the left", "to the left"),
    "middle": ("in the middle", "in the centre", "in the center"),
    "right": ("on the right", "on the right side", "at the right", "to the right"),
}
_RELATIONS = {
    "left": ("left of", "to the left of", "on the left of"),
    "right": ("right of", "to the right of", "on the right of"),
    "above": ("above", "over", "high above", "flying over", "floating above"),
    "on": ("on top of", "on", "standing on", "sitting on top of"),
}
_REVERSED = {
    "left": ("right of", "to the right of"),
    "right": ("left of", "to the left of"),
    "above": ("below", "under", "beneath"),
    "on": ("under", "below", "beneath"),
}
_GROUNDS = {
    "hill": ("on a green hill", "on a hill", "on a grassy hill"),
    "meadow": ("in a meadow", "in a green field", "on the grass", "in a green meadow", "on a lawn"),
    "wheat": ("in a wheat field", "in a golden field", "in a yellow field", "in a field of wheat"),
    "desert": ("in the desert", "on the sand", "among sand dunes", "in a sandy desert", "on a dune"),
    "snow": ("in the snow", "on a snowy field", "in a white winter landscape", "in winter"),
    "sea": ("on the sea", "at sea", "on the water", "on the blue sea", "on the ocean", "on a lake", "on the waves"),
}
_OVER_GROUNDS = {
    "hill": ("over a green hill", "above a hill"),
    "meadow": ("over a meadow", "above a green field"),
    "wheat": ("over a wheat field", "above a golden field", "over a yellow field"),
    "desert": ("over the desert", "above sand dunes"),
    "snow": ("over a snowy field", "above the snow"),
    "sea": ("over the sea", "above the water", "over the ocean", "above a lake"),
}
_TIMES = {
    "morning": ("at dawn", "at sunrise", "in the morning", "in the early morning", "under a morning sky", "at daybreak"),
    "day": ("by day", "at noon", "in the daytime", "in daylight", "under a blue sky", "at midday", "on a sunny day", "in the sunshine"),
    "sunset": ("at sunset", "at dusk", "in the evening", "under an evening sky", "as the sun goes down", "at twilight"),
    "night": ("at night", "by night", "under a starry sky", "under a starry night sky", "by moonlight", "under the moon and stars", "at midnight"),
}
# Where clouds hide blue sky, sun, moon and stars.
_DULL_TIMES = {
    "morning": ("at dawn", "in the morning", "in the early morning"),
    "day": ("by day", "at noon", "in the daytime"),
    "sunset": ("at sunset", "at dusk", "in the evening"),
    "night": ("at night", "by night", "in the dark", "under a dark sky"),
}
_WEATHERS = {
    "clear": ("under a clear sky", "in clear weather", "under a cloudless sky"),
    "cloudy": ("under clouds", "under a cloudy sky", "in cloudy weather", "under {grey} clouds", "under an overcast sky"),
    "rain": ("in the rain", "in rainy weather", "while it rains", "in pouring rain", "in a downpour", "on a wet day"),
    "snowfall": ("in falling snow", "while it snows", "with snowflakes falling", "in a snow shower", "in a snowstorm", "in a blizzard"),
    "rainbow": ("with a rainbow", "under a rainbow", "with a rainbow in the sky", "after a shower"),
}
_MOUNTAINS = ("with mountains behind", "in front of mountains", "with snowy mountains in the background", "near the mountains", "before snowy peaks", "with mountain peaks in the distance")
_TABLES = {
    "wooden": ("on a wooden table", "on a brown table", "on a table made of wood", "on a wooden desk"),
    "white": ("on a white table", "on a pale table"),
    "dark": ("on a dark table", "on a dark brown table"),
}
_WALLS = {
    "white": ("in front of a white wall", "against a white wall", "with a bright background"),
    "grey": ("in front of a {grey} wall", "against a {grey} wall", "with a {grey} background", "before a {grey} backdrop"),
    "blue": ("in front of a light blue wall", "against a pale blue wall"),
    "dark": ("in front of a dark wall", "against a dark wall", "with a dark background", "before a dark backdrop"),
}
_OPENINGS = (
    "a picture of", "a painting of", "a drawing of", "an illustration of", "an image of", "a simple picture of",
    "a colourful drawing of", "a photo of", "a sketch of", "a colorful illustration of", "a scene with", "a view of",
)  # fmt: skip


def describe(scene: Scene, chance: random.Random) -> str:
    """Says what the scene shows, in one of many wordings."""
    surroundings = _surroundings(scene, chance)
    subject = _subject(scene, chance)
    style = chance.random()
    if surroundings and style < 0.08:
        return "%s, %s" % (surroundings[-1], " ".join([subject, *surroundings[:-1]]))
    text = " ".join([subject, *surroundings])
    if style < 0.30:
        return "%s %s" % (chance.choice(_OPENINGS), text)
    if style < 0.36:
        one = scene.groups[0].count == 1 and not subject.startswith(_SUBJECT_PLURALS)
        return "there %s %s" % ("is" if one else "are", text)
    if style < 0.42 and surroundings:
        return "%s, %s" % (subject, ", ".join(surroundings))
    return text


_SUBJECT_PLURALS = ("two", "three", "four", "a pair")


def _subject(scene: Scene, chance: random.Random) -> str:
    first = _group(scene.groups[0], chance)
    if len(scene.groups) == 1:
        if scene.place is None:
            return first
        return "%s %s" % (first, chance.choice(_PLACES[scene.place]))
    second = _group(scene.groups[1], chance)
    if chance.random() < 0.15:
        return "%s %s %s" % (second, chance.choice(_REVERSED[scene.relation]), first)
    if scene.relation in ("left", "right") and chance.random() < 0.2:
        left, right = (first, second) if scene.relation == "left" else (second, first)
        return chance.choice(("%s on the left and %s on the right", "on the left %s and on the right %s")) % (left, right)
    return "%s %s %s" % (first, chance.choice(_RELATIONS[scene.relation]), second)


def _group(group: Group, chance: random.Random) -> str:
    singular, plural = chance.choice(NOUNS[group.kind])
    colour = chance.choice(_COLOURS.get(group.colour, (group.colour,)))
    words: List[str] = [colour]
    if group.size != "normal":
        words.insert(0, chance.choice(_SMALL if group.size == "small" else _BIG))
    if group.count == 1:
        article = "an" if words[0][0] in "aeiou" else "a"
        words.insert(0, chance.choices((article, "one", "a single"), (90, 8, 2))[0])
        return " ".join([*words, singular])
    return " ".join([chance.choice(_COUNTS[group.count]), *words, plural])


def _surroundings(scene: Scene, chance: random.Random) -> List[str]:
    said = []
    if scene.still_life:
        if chance.random() < 0.55 and scene.relation != "on":
            said.append(chance.choice(_TABLES[scene.table]))
        if chance.random() < 0.45:
            grey = chance.choice(_COLOURS["grey"])
            said.append(chance.choice(_WALLS[scene.wall]).format(grey=grey))
        return said
    flying = scene.groups[0].kind == "balloon" and len(scene.groups) == 1
    if chance.random() < 0.8:
        said.append(chance.choice((_OVER_GROUNDS if flying else _GROUNDS)[scene.ground]))
    if scene.mountains and chance.random() < 0.85:
        said.append(chance.choice(_MOUNTAINS))
    dull = scene.weather in ("cloudy", "rain", "snowfall")
    sky = []
    if chance.random() < (0.4 if scene.time == "day" else 0.88):
        sky.append(chance.choice((_DULL_TIMES if dull else _TIMES)[scene.time]))
    if chance.random() < (0.12 if scene.weather == "clear" else 0.88) and not (scene.weather == "clear" and sky):
        sky.append(chance.choice(_WEATHERS[scene.weather]).format(grey=chance.choice(_COLOURS["grey"])))
    chance.shuffle(sky)
    return said + sky


def is_held_out(scene: Scene) -> bool:
    """Whether the scene's core is kept for testing: one in twelve, by its hash."""
    return hashlib.sha256(scene.core().encode()).digest()[0] % 12 == 0
