"""The picture world of the demo model: scenes, how they are drawn, and how they are said.

A scene is a landscape or a still life with one or two groups of equal things. `random_scene` invents
one, `draw` paints it as a 128x128 RGB picture, `captions.describe` puts it into words. All three
take their chances from a `random.Random`, so that a seed gives the same picture on every machine
with the same Pillow.
"""

import dataclasses
import math
import random
from typing import List, Optional, Tuple

from PIL import Image, ImageDraw

SIZE = 128
"""Height and width of a picture in pixels; all drawing below is in these units."""

SUPERSAMPLING = 2

COLOURS = {
    "red": (212, 38, 38),
    "orange": (244, 128, 28),
    "yellow": (250, 212, 48),
    "green": (52, 160, 68),
    "blue": (40, 92, 208),
    "purple": (124, 58, 172),
    "pink": (246, 138, 184),
    "white": (244, 244, 240),
    "black": (34, 34, 40),
}

LANDSCAPE_KINDS = ("house", "tree", "tower", "boat", "balloon", "flower", "mushroom", "car")
STILL_LIFE_KINDS = ("ball", "cube", "cone", "bottle", "cup", "apple", "star", "heart")
KINDS = LANDSCAPE_KINDS + STILL_LIFE_KINDS

GROUNDS = ("hill", "meadow", "wheat", "desert", "snow", "sea")
TIMES = ("morning", "day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snowfall", "rainbow")
WALLS = ("white", "grey", "blue", "dark")
TABLES = ("wooden", "white", "dark")

# How high a thing of normal size stands, and how wide it is for its height.
HEIGHTS = {
    "house": 30, "tree": 34, "tower": 40, "boat": 30, "balloon": 32, "flower": 26, "mushroom": 24, "car": 17,
    "ball": 25, "cube": 25, "cone": 30, "bottle": 38, "cup": 24, "apple": 26, "star": 29, "heart": 26,
}  # fmt: skip
WIDTHS = {
    "house": 1.0, "tree": 0.8, "tower": 0.5, "boat": 0.95, "balloon": 0.72, "flower": 0.75, "mushroom": 1.05, "car": 2.0,
    "ball": 1.0, "cube": 1.1, "cone": 0.8, "bottle": 0.45, "cup": 1.15, "apple": 0.95, "star": 1.0, "heart": 1.05,
}  # fmt: skip
SCALES = {"small": 0.66, "normal": 1.0, "big": 1.38}
PROMINENCE = {1: 1.5, 2: 1.26, 3: 1.1}
"""How much larger things are drawn where there are so few of them."""


@dataclasses.dataclass(frozen=True)
class Group:
    """Some equal things: one to four of a kind, in one colour and size."""

    kind: str
    colour: str
    count: int
    size: str = "normal"


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a picture shows. Of two groups the first stands in `relation` to the second.

    relation: "left", "right", "above" (a balloon), "on" (on top of a cube), or None for one group.
    place: "left", "middle", "right" for a single group, or None for anywhere.
    """

    groups: Tuple[Group, ...]
    relation: Optional[str] = None
    place: Optional[str] = None
    ground: Optional[str] = None
    time: str = "day"
    weather: str = "clear"
    mountains: bool = False
    wall: Optional[str] = None
    table: Optional[str] = None

    @property
    def still_life(self) -> bool:
        return self.wall is not None

    def core(self) -> str:
        """What of the scene the quality test asks about; scenes are held out by it."""
        said = ["%d %s %s" % (g.count, g.colour, g.kind) for g in self.groups]
        return " ".join([said[0], self.relation or self.place or "", *said[1:]])


def random_scene(chance: random.Random) -> Scene:
    """Invents a scene."""
    if chance.random() < 0.5:
        return _random_still_life(chance)
    return _random_landscape(chance)


def _random_count(chance: random.Random, most: int = 4) -> int:
    return min(most, chance.choices((1, 2, 3, 4), (46, 22, 18, 14))[0])


def _random_size(chance: random.Random, count: int) -> str:
    if count > 2:
        return "normal"
    return chance.choices(("small", "normal", "big"), (20, 60, 20))[0]


def _random_group(chance: random.Random, kind: str, most: int = 4) -> Group:
    count = _random_count(chance, most)
    return Group(kind, chance.choice(tuple(COLOURS)), count, _random_size(chance, count))


def _random_place(chance: random.Random) -> Optional[str]:
    return chance.choices((None, "left", "middle", "right"), (40, 20, 20, 20))[0]


def _random_still_life(chance: random.Random) -> Scene:
    setting = dict(wall=chance.choice(WALLS), table=chance.choice(TABLES))
    first, second = chance.sample(STILL_LIFE_KINDS, 2)
    kind_of_scene = chance.random()
    if kind_of_scene < 0.45:
        return Scene((_random_group(chance, first),), place=_random_place(chance), **setting)
    if kind_of_scene < 0.60:
        below = dataclasses.replace(_random_group(chance, "cube", 1), size="normal")
        above = dataclasses.replace(_random_group(chance, first, 1), size="normal")
        return Scene((above, below), relation="on", **setting)
    relation = chance.choice(("left", "right"))
    return Scene((_random_group(chance, first, 3), _random_group(chance, second, 2)), relation=relation, **setting)


def _random_landscape(chance: random.Random) -> Scene:
    time = chance.choices(TIMES, (18, 42, 18, 22))[0]
    weather = chance.choices(WEATHERS, (56, 14, 10, 10, 10))[0]
    if weather == "rainbow" and time == "night":
        weather = "clear"
    kind_of_scene = chance.random()
    on_land = [kind for kind in LANDSCAPE_KINDS if kind not in ("boat", "balloon")]
    setting = dict(time=time, weather=weather, mountains=chance.random() < 0.22)
    land = dict(setting, ground=chance.choice(GROUNDS[:-1]))
    if kind_of_scene < 0.12:
        sea = dict(setting, ground="sea")
        return Scene((_random_group(chance, "boat"),), place=_random_place(chance), **sea)
    if kind_of_scene < 0.22:
        anywhere = dict(setting, ground=chance.choice(GROUNDS))
        return Scene((_random_group(chance, "balloon"),), place=_random_place(chance), **anywhere)
    if kind_of_scene < 0.34:
        below = "boat" if chance.random() < 0.2 else chance.choice(on_land)
        where = dict(setting, ground="sea") if below == "boat" else land
        groups = (_random_group(chance, "balloon", 2), _random_group(chance, below, 2))
        return Scene(groups, relation="above", **where)
    if kind_of_scene < 0.68:
        return Scene((_random_group(chance, chance.choice(on_land)),), place=_random_place(chance), **land)
    first, second = chance.sample(on_land, 2)
    groups = (_random_group(chance, first, 3), _random_group(chance, second, 2))
    return Scene(groups, relation=chance.choice(("left", "right")), **land)


@dataclasses.dataclass(frozen=True)
class Thing:
    """Where one thing was painted: foot in the middle of its lower edge at (x, y), in pixels."""

    kind: str
    colour: str
    x: float
    y: float
    height: float

    @property
    def middle(self) -> Tuple[float, float]:
        return self.x, self.y - self.height / 2

    @property
    def box(self) -> Tuple[int, int, int, int]:
        """Left, top, right and bottom of the pixels it covers; right and bottom are just outside."""
        half = self.height * WIDTHS[self.kind] / 2
        edges = (self.x - half, self.y - self.height, self.x + half, self.y)
        return tuple(max(0, min(SIZE, round(edge))) for edge in edges)


def draw(scene: Scene, chance: random.Random) -> Tuple[Image.Image, List[Thing]]:
    """Paints the scene, RGB, 128x128, and says where its things are."""
    things = []
    canvas = _Canvas(chance)
    (_room if scene.still_life else _land)(canvas, scene)
    for group, spots in zip(scene.groups, _arrange(scene, chance)):
        colour = _jitter(COLOURS[group.colour], 7, chance)
        for x, y, height in spots:
            _shadow(canvas, scene, group.kind, x, y, height)
            _PAINTERS[group.kind](canvas, x, y, height, colour, scene.time == "night" and not scene.still_life)
            things.append(Thing(group.kind, group.colour, x, y, height))
    _falling(canvas, scene)
    return canvas.finish(), things


# --- where things stand -------------------------------------------------------------------------


def _arrange(scene: Scene, chance: random.Random) -> List[List[Tuple[float, float, float]]]:
    """For each group the foot (x, y) and the height of each of its things, back ones first."""
    few = PROMINENCE.get(sum(group.count for group in scene.groups), 1.0)
    if scene.relation == "on":
        return _stacked(scene, few, chance)
    if scene.relation == "above":
        above, below = scene.groups
        return [_row(above, 6, 122, few, chance, sky=True, low_sky=54), _row(below, 6, 122, few, chance)]
    if scene.relation in ("left", "right"):
        widths = [_wanted_width(group) for group in scene.groups]
        if scene.relation == "right":
            widths.reverse()
        split = 64 + max(-18.0, min(18.0, 40 * (widths[0] / sum(widths) - 0.5)))
        bounds = [(4.0, split - 3), (split + 3, 124.0)]
        if scene.relation == "right":
            bounds.reverse()
        return [_row(group, *bound, few, chance) for group, bound in zip(scene.groups, bounds)]
    group = scene.groups[0]
    low, high = {"left": (3, 58), "middle": (34, 94), "right": (70, 125), None: (4, 124)}[scene.place]
    return [_row(group, low, high, few, chance, sky=group.kind == "balloon")]


def _stacked(scene: Scene, few: float, chance: random.Random) -> List[List[Tuple[float, float, float]]]:
    above, below = scene.groups
    x, y = chance.uniform(34, 94), chance.uniform(106, 116)
    size = HEIGHTS["cube"] * 1.2 * few
    top = y - size * 0.96
    return [[(x - size * 0.02, top, HEIGHTS[above.kind] * few)], [(x, y, size)]]


def _wanted_width(group: Group) -> float:
    return group.count * HEIGHTS[group.kind] * WIDTHS[group.kind] * SCALES[group.size]


def _row(
    group: Group, low: float, high: float, few: float, chance: random.Random, sky: bool = False, low_sky: float = 78
):
    """Spreads a group between two x; in two rows where one would be too tight."""
    height = HEIGHTS[group.kind] * SCALES[group.size] * few * chance.uniform(0.95, 1.05)
    room = high - low
    in_front = group.count
    if group.count >= 3 and _wanted_width(group) * few * 1.08 > room:
        in_front = (group.count + 1) // 2
    height = min(height, room / (in_front * 1.08 * WIDTHS[group.kind]))
    if in_front < group.count:
        height = min(height, 34 if not sky else 30)
    if sky:
        height = min(height, (low_sky - 4) / (1 if in_front == group.count else 2.1))
    width = height * WIDTHS[group.kind]
    front_y = chance.uniform(low_sky - 14, low_sky) if sky else chance.uniform(103, 116)
    if sky:
        front_y = max(front_y, height * (1 if in_front == group.count else 2) + 4)
    back_y = front_y - (height + 2 if sky else max(15.0, height * 0.62))
    spots = []
    rows = [(group.count - in_front, back_y), (in_front, front_y)]
    for count, y in rows:
        if count == 0:
            continue
        slack = room - count * width
        gap = min(slack / (count + 1), width * 0.45) if count > 1 else slack / 2
        block = count * width + (count - 1) * gap
        start = low + chance.uniform(0, max(0.0, room - block))
        for index in range(count):
            x = start + width / 2 + index * (width + gap) + chance.uniform(-0.12, 0.12) * max(gap, 0)
            spots.append((x, y + chance.uniform(-2.5, 2.5), height))
    return sorted(spots, key=lambda spot: spot[1])


# --- the surroundings ---------------------------------------------------------------------------

_SKIES = {
    "morning": ((150, 190, 232), (252, 214, 190)),
    "day": ((96, 164, 236), (196, 226, 250)),
    "sunset": ((120, 72, 132), (252, 140, 70)),
    "night": ((12, 16, 52), (44, 54, 112)),
}
_GREY_SKIES = {
    "morning": ((150, 160, 176), (206, 204, 208)),
    "day": ((136, 150, 168), (196, 206, 214)),
    "sunset": ((104, 84, 112), (206, 142, 112)),
    "night": ((22, 26, 44), (56, 62, 88)),
}
_GROUND_COLOURS = {
    "hill": (94, 172, 74),
    "meadow": (122, 188, 82),
    "wheat": (226, 188, 84),
    "desert": (232, 202, 146),
    "snow": (232, 238, 246),
    "sea": (40, 112, 168),
}
_LIGHT = {"morning": (1.0, 0.95, 0.92), "day": (1, 1, 1), "sunset": (0.96, 0.82, 0.76), "night": (0.5, 0.56, 0.74)}


def _room(canvas: "_Canvas", scene: Scene) -> None:
    wall = {"white": (236, 232, 224), "grey": (168, 168, 172), "blue": (150, 186, 214), "dark": (66, 62, 72)}[scene.wall]
    table = {"wooden": (176, 118, 66), "white": (222, 220, 216), "dark": (84, 64, 58)}[scene.table]
    edge = canvas.chance.uniform(72, 84)
    wall, table = _jitter(wall, 6, canvas.chance), _jitter(table, 6, canvas.chance)
    canvas.gradient(0, edge, _shade(wall, 1.03), _shade(wall, 0.92))
    canvas.gradient(edge, SIZE, _shade(table, 0.86), _shade(table, 1.08))
    canvas.rectangle(0, edge - 0.8, SIZE, edge + 0.8, _shade(table, 0.66))


def _land(canvas: "_Canvas", scene: Scene) -> None:
    chance, time = canvas.chance, scene.time
    light = _LIGHT[time]
    horizon = chance.uniform(70, 82)
    dull = scene.weather in ("cloudy", "rain", "snowfall")
    upper, lower = (_GREY_SKIES if dull else _SKIES)[time]
    canvas.gradient(0, horizon + 12, upper, lower)
    if time == "night" and not dull:
        for _ in range(14):
            x, y, r = chance.uniform(0, SIZE), chance.uniform(0, horizon - 6), chance.uniform(0.9, 1.5)
            canvas.ellipse(x - r, y - r, x + r, y + r, (236, 236, 214))
    if not dull:
        x = chance.uniform(14, 114)
        if time == "night":
            y = chance.uniform(14, 26)
            canvas.ellipse(x - 8, y - 8, x + 8, y + 8, (244, 240, 206))
            canvas.ellipse(x - 3.5, y - 9.5, x + 11, y + 5, _mix(upper, lower, y / horizon))
        elif time == "day":
            y = chance.uniform(14, 24)
            canvas.ellipse(x - 9, y - 9, x + 9, y + 9, (255, 240, 150))
        else:
            y = horizon - chance.uniform(2, 8)
            sun = (255, 226, 140) if time == "morning" else (255, 176, 70)
            canvas.ellipse(x - 11, y - 11, x + 11, y + 11, sun)
    if scene.weather == "rainbow":
        x, r = chance.uniform(46, 82), chance.uniform(50, 58)
        bands = ("red", "orange", "yellow", "green", "blue", "purple")
        for band in bands:
            tint = _mix(COLOURS[band], lower, 0.35)
            canvas.arc(x - r, horizon + 6 - r, x + r, horizon + 6 + r, tint, 3.2)
            r -= 2.7
    if dull:
        cloud = _mix(lower, (255, 255, 255) if time != "night" else (120, 124, 146), 0.45)
        for x in (chance.uniform(8, 40), chance.uniform(50, 80), chance.uniform(90, 120)):
            _cloud(canvas, x, chance.uniform(12, 34), chance.uniform(10, 14), cloud)
    if scene.mountains:
        rock = _tint(_mix((112, 112, 136), lower, 0.3), light)
        snow = _tint((240, 244, 250), light)
        for x in (chance.uniform(4, 44), chance.uniform(84, 124), chance.uniform(44, 84)):
            h, w = chance.uniform(26, 40), chance.uniform(26, 36)
            canvas.polygon([(x - w, horizon + 6), (x, horizon - h), (x + w, horizon + 6)], rock)
            k = 0.3
            canvas.polygon(
                [(x - w * k, horizon - h + (h + 6) * k), (x, horizon - h), (x + w * k, horizon - h + (h + 6) * k)], snow
            )
    ground = _tint(_jitter(_GROUND_COLOURS[scene.ground], 6, chance), light)
    if scene.ground == "hill":
        x = chance.uniform(40, 88)
        canvas.rectangle(0, horizon + 10, SIZE, SIZE, _shade(ground, 0.84))
        canvas.ellipse(x - 110, horizon - 2, x + 110, horizon + 170, ground)
    elif scene.ground == "desert":
        canvas.gradient(horizon, SIZE, _shade(ground, 0.94), ground)
        for y in (horizon + 14, horizon + 32):
            x = chance.uniform(0, SIZE)
            canvas.ellipse(x - 70, y, x + 70, y + 50, _shade(ground, 1.05))
    elif scene.ground == "sea":
        canvas.gradient(horizon, SIZE, _mix(ground, lower, 0.35), ground)
        for y in range(int(horizon) + 8, SIZE, 9):
            x = 20 * (y % 2) - 20
            for start in range(0, 150, 40):
                canvas.rectangle(x + start, y, x + start + 16, y + 1.6, _mix(ground, (255, 255, 255), 0.3))
    else:
        canvas.gradient(horizon, SIZE, _shade(ground, 0.9), _shade(ground, 1.04))
        if scene.ground == "wheat":
            for y in range(int(horizon) + 6, SIZE, 8):
                canvas.rectangle(0, y, SIZE, y + 2, _shade(ground, 0.9))
        if scene.ground == "meadow":
            for _ in range(10):
                x, y = chance.uniform(2, 126), chance.uniform(horizon + 6, 125)
                canvas.ellipse(x - 1.6, y - 1.6, x + 1.6, y + 1.6, _tint((250, 244, 190), light))


def _cloud(canvas: "_Canvas", x: float, y: float, r: float, colour) -> None:
    canvas.ellipse(x - r * 1.6, y - r * 0.5, x + r * 0.2, y + r * 0.6, colour)
    canvas.ellipse(x - r * 0.9, y - r, x + r * 0.7, y + r * 0.6, colour)
    canvas.ellipse(x - r * 0.1, y - r * 0.6, x + r * 1.7, y + r * 0.6, colour)


def _falling(canvas: "_Canvas", scene: Scene) -> None:
    chance = canvas.chance
    if scene.weather == "rain":
        for _ in range(18):
            x, y = chance.uniform(0, SIZE), chance.uniform(-4, SIZE)
            canvas.line([(x, y), (x - 3, y + 11)], (190, 206, 226), 1.5)
    if scene.weather == "snowfall":
        for _ in range(22):
            x, y, r = chance.uniform(0, SIZE), chance.uniform(0, SIZE), chance.uniform(1.5, 2.2)
            canvas.ellipse(x - r, y - r, x + r, y + r, (250, 250, 252))


def _shadow(canvas: "_Canvas", scene: Scene, kind: str, x: float, y: float, height: float) -> None:
    if kind in ("boat", "balloon") or scene.relation == "on" and kind != "cube":
        return
    w = height * WIDTHS[kind] * 0.5
    h = max(1.5, w * 0.16)
    ground = scene.table if scene.still_life else scene.ground
    base = {"wooden": (112, 72, 40), "white": (168, 166, 164), "dark": (48, 36, 34)}.get(ground)
    if base is None:
        base = _tint(_shade(_GROUND_COLOURS[ground], 0.66), _LIGHT[scene.time])
    canvas.ellipse(x - w * 1.02, y - h, x + w * 1.12, y + h, base)


# --- the things: foot in the middle of the lower edge at (x, y), height h ------------------------


def _house(c, x, y, h, colour, night):
    w, wall = h * 0.5, h * 0.58
    c.rectangle(x - w * 0.86, y - wall, x + w * 0.86, y, colour)
    c.polygon([(x - w, y - wall), (x, y - h), (x + w, y - wall)], (96, 66, 58) if sum(colour) > 200 else (150, 104, 90))
    c.rectangle(x - w * 0.2, y - wall * 0.62, x + w * 0.2, y, (78, 52, 40) if sum(colour) > 200 else (176, 140, 110))
    pane = (255, 226, 120) if night else (206, 232, 246)
    for side in (-1, 1):
        c.rectangle(x + side * w * 0.54 - w * 0.17, y - wall * 0.78, x + side * w * 0.54 + w * 0.17, y - wall * 0.42, pane)


def _tree(c, x, y, h, colour, night):
    c.rectangle(x - h * 0.07, y - h * 0.45, x + h * 0.07, y, (110, 74, 46))
    for dx, dy, r, shade in ((-0.2, 0.48, 0.2, 0.9), (0.2, 0.48, 0.2, 0.9), (0, 0.7, 0.27, 1.0)):
        c.ellipse(x + h * (dx - r), y - h * (dy + r), x + h * (dx + r), y - h * (dy - r), _shade(colour, shade))


def _tower(c, x, y, h, colour, night):
    w = h * 0.19
    c.rectangle(x - w, y - h * 0.86, x + w, y, colour)
    c.rectangle(x + w * 0.35, y - h * 0.86, x + w, y, _shade(colour, 0.82))
    c.rectangle(x - w * 1.3, y - h * 0.9, x + w * 1.3, y - h * 0.78, colour)
    for k in (-1, 0, 1):
        c.rectangle(x + k * w * 0.98 - w * 0.32, y - h, x + k * w * 0.98 + w * 0.32, y - h * 0.88, colour)
    dark = (60, 46, 44) if sum(colour) > 200 else (150, 134, 120)
    c.rectangle(x - w * 0.36, y - h * 0.24, x + w * 0.36, y, dark)
    c.rectangle(x - w * 0.2, y - h * 0.66, x + w * 0.2, y - h * 0.5, (255, 226, 120) if night else dark)


def _boat(c, x, y, h, colour, night):
    w = h * 0.48
    c.polygon([(x - w, y - h * 0.3), (x + w, y - h * 0.3), (x + w * 0.62, y), (x - w * 0.62, y)], colour)
    c.rectangle(x - h * 0.025, y - h, x + h * 0.025, y - h * 0.3, (92, 66, 48))
    sail = (250, 246, 232) if not night else (206, 208, 214)
    c.polygon([(x + h * 0.05, y - h * 0.96), (x + h * 0.05, y - h * 0.38), (x + h * 0.42, y - h * 0.38)], sail)
    c.polygon([(x - h * 0.06, y - h * 0.86), (x - h * 0.06, y - h * 0.38), (x - h * 0.3, y - h * 0.38)], _shade(sail, 0.92))


def _balloon(c, x, y, h, colour, night):
    r = h * 0.36
    top = y - h
    c.polygon([(x - r * 0.8, top + r * 1.5), (x + r * 0.8, top + r * 1.5), (x + r * 0.2, y - h * 0.2), (x - r * 0.2, y - h * 0.2)], colour)
    c.ellipse(x - r, top, x + r, top + 2 * r, colour)
    c.ellipse(x - r * 0.42, top, x + r * 0.42, top + 2 * r, _mix(colour, (255, 255, 255), 0.28))
    c.rectangle(x - h * 0.085, y - h * 0.16, x + h * 0.085, y, (120, 80, 48))


def _flower(c, x, y, h, colour, night):
    c.rectangle(x - h * 0.035, y - h * 0.6, x + h * 0.035, y, (44, 122, 52))
    c.ellipse(x, y - h * 0.3, x + h * 0.24, y - h * 0.16, (44, 122, 52))
    cy, r = y - h * 0.68, h * 0.15
    for k in range(6):
        px, py = x + h * 0.2 * math.cos(k * math.pi / 3), cy + h * 0.2 * math.sin(k * math.pi / 3)
        c.ellipse(px - r, py - r, px + r, py + r, colour)
    middle = (252, 206, 52) if colour[2] > 90 or colour[1] < 90 else (110, 70, 40)
    c.ellipse(x - h * 0.12, cy - h * 0.12, x + h * 0.12, cy + h * 0.12, middle)


def _mushroom(c, x, y, h, colour, night):
    c.rectangle(x - h * 0.14, y - h * 0.5, x + h * 0.14, y, (236, 222, 196))
    c.pie(x - h * 0.52, y - h, x + h * 0.52, y + h * 0.06, 180, 360, colour)
    dot = (250, 248, 240) if sum(colour) < 640 else (196, 180, 170)
    for dx, dy, r in ((-0.26, 0.64, 0.075), (0.0, 0.8, 0.09), (0.26, 0.62, 0.075)):
        c.ellipse(x + h * (dx - r), y - h * (dy + r), x + h * (dx + r), y - h * (dy - r), dot)


def _car(c, x, y, h, colour, night):
    pane = (255, 226, 120) if night else (206, 232, 246)
    c.polygon([(x - h * 0.6, y - h * 0.55), (x - h * 0.38, y - h), (x + h * 0.34, y - h), (x + h * 0.62, y - h * 0.55)], colour)
    c.polygon([(x - h * 0.42, y - h * 0.58), (x - h * 0.3, y - h * 0.88), (x - h * 0.04, y - h * 0.88), (x - h * 0.04, y - h * 0.58)], pane)
    c.polygon([(x + h * 0.06, y - h * 0.58), (x + h * 0.06, y - h * 0.88), (x + h * 0.28, y - h * 0.88), (x + h * 0.43, y - h * 0.58)], pane)
    c.rectangle(x - h, y - h * 0.6, x + h, y - h * 0.18, colour)
    for dx in (-0.55, 0.55):
        c.ellipse(x + h * (dx - 0.23), y - h * 0.44, x + h * (dx + 0.23), y + h * 0.02, (30, 30, 34))
        c.ellipse(x + h * (dx - 0.1), y - h * 0.31, x + h * (dx + 0.1), y - h * 0.11, (150, 150, 156))


def _ball(c, x, y, h, colour, night):
    r = h * 0.5
    c.ellipse(x - r, y - h, x + r, y, _shade(colour, 0.8))
    c.ellipse(x - r * 0.94, y - h, x + r * 0.8, y - h * 0.12, colour)
    c.ellipse(x - r * 0.55, y - h * 0.86, x - r * 0.1, y - h * 0.64, _mix(colour, (255, 255, 255), 0.55))


def _cube(c, x, y, h, colour, night):
    f = h * 0.78
    left, right, top = x - h * 0.5, x - h * 0.5 + f, y - f
    d = h * 0.24
    c.polygon([(left, top), (left + d, top - d), (right + d, top - d), (right, top)], _mix(colour, (255, 255, 255), 0.3))
    c.polygon([(right, top), (right + d, top - d), (right + d, y - d), (right, y)], _shade(colour, 0.66) if sum(colour) > 120 else (18, 18, 22))
    c.rectangle(left, top, right, y, colour)


def _cone(c, x, y, h, colour, night):
    w = h * 0.4
    c.ellipse(x - w, y - h * 0.16, x + w, y + h * 0.04, _shade(colour, 0.9))
    c.polygon([(x - w, y - h * 0.06), (x, y - h), (x + w, y - h * 0.06)], colour)
    c.polygon([(x + w * 0.25, y - h * 0.04), (x, y - h), (x + w, y - h * 0.06)], _shade(colour, 0.78))


def _bottle(c, x, y, h, colour, night):
    w = h * 0.17
    c.rounded(x - w, y - h * 0.64, x + w, y, w * 0.5, colour)
    c.rectangle(x - w * 0.38, y - h * 0.94, x + w * 0.38, y - h * 0.56, colour)
    c.rectangle(x - w * 0.5, y - h, x + w * 0.5, y - h * 0.9, _shade(colour, 0.7))
    c.rectangle(x - w * 0.62, y - h * 0.56, x - w * 0.3, y - h * 0.08, _mix(colour, (255, 255, 255), 0.4))
    c.rectangle(x - w * 0.98, y - h * 0.4, x + w * 0.98, y - h * 0.2, _mix(colour, (250, 246, 230), 0.7))


def _cup(c, x, y, h, colour, night):
    w = h * 0.44
    c.ring(x + w * 0.5, y - h * 0.76, x + w * 1.6, y - h * 0.22, colour, h * 0.11)
    c.polygon([(x - w, y - h * 0.88), (x + w, y - h * 0.88), (x + w * 0.76, y), (x - w * 0.76, y)], colour)
    c.ellipse(x - w, y - h, x + w, y - h * 0.76, _mix(colour, (255, 255, 255), 0.4))
    c.ellipse(x - w * 0.8, y - h * 0.96, x + w * 0.8, y - h * 0.8, (84, 54, 36))


def _apple(c, x, y, h, colour, night):
    r = h * 0.3
    for dx in (-0.17, 0.17):
        c.ellipse(x + h * dx - r, y - h * 0.8, x + h * dx + r, y - h * 0.04, colour)
    c.ellipse(x - h * 0.3, y - h * 0.6, x + h * 0.3, y, colour)
    c.ellipse(x - h * 0.34, y - h * 0.66, x - h * 0.18, y - h * 0.44, _mix(colour, (255, 255, 255), 0.5))
    c.rectangle(x - h * 0.03, y - h, x + h * 0.03, y - h * 0.7, (92, 60, 38))
    c.ellipse(x + h * 0.03, y - h * 0.98, x + h * 0.3, y - h * 0.82, (70, 150, 60))


def _star(c, x, y, h, colour, night):
    cy, points = y - h * 0.53, []
    for k in range(10):
        r = h * (0.53 if k % 2 == 0 else 0.23)
        points.append((x + r * math.sin(k * math.pi / 5), cy - r * math.cos(k * math.pi / 5)))
    c.polygon(points, colour)


def _heart(c, x, y, h, colour, night):
    r = h * 0.27
    for side in (-1, 1):
        cx = x + side * h * 0.245
        c.ellipse(cx - r, y - h, cx + r, y - h + 2 * r, colour)
    c.polygon([(x - h * 0.475, y - h * 0.58), (x + h * 0.475, y - h * 0.58), (x, y)], colour)
    c.rectangle(x - h * 0.2, y - h * 0.75, x + h * 0.2, y - h * 0.5, colour)
    c.ellipse(x - h * 0.36, y - h * 0.9, x - h * 0.18, y - h * 0.7, _mix(colour, (255, 255, 255), 0.45))


_PAINTERS = {
    "house": _house, "tree": _tree, "tower": _tower, "boat": _boat, "balloon": _balloon, "flower": _flower,
    "mushroom": _mushroom, "car": _car, "ball": _ball, "cube": _cube, "cone": _cone, "bottle": _bottle, "cup": _cup,
    "apple": _apple, "star": _star, "heart": _heart,
}  # fmt: skip


# --- paper and paint ----------------------------------------------------------------------------


class _Canvas:
    """Pillow's drawing with coordinates in pixels of the finished picture, antialiased."""

    def __init__(self, chance: random.Random):
        self.chance = chance
        self.image = Image.new("RGB", (SIZE * SUPERSAMPLING, SIZE * SUPERSAMPLING))
        self.draw = ImageDraw.Draw(self.image)

    def finish(self) -> Image.Image:
        return self.image.reduce(SUPERSAMPLING)

    @staticmethod
    def _box(x0, y0, x1, y1):
        s = SUPERSAMPLING
        return [round(x0 * s), round(y0 * s), max(round(x0 * s), round(x1 * s) - 1), max(round(y0 * s), round(y1 * s) - 1)]

    def gradient(self, y0, y1, upper, lower):
        s = SUPERSAMPLING
        first, last = round(y0 * s), min(round(y1 * s), SIZE * s)
        for y in range(first, last):
            self.draw.line([(0, y), (SIZE * s, y)], fill=_mix(upper, lower, (y - first) / max(1, last - first)))

    def rectangle(self, x0, y0, x1, y1, colour):
        self.draw.rectangle(self._box(x0, y0, x1, y1), fill=colour)

    def rounded(self, x0, y0, x1, y1, radius, colour):
        self.draw.rounded_rectangle(self._box(x0, y0, x1, y1), radius=round(radius * SUPERSAMPLING), fill=colour)

    def ellipse(self, x0, y0, x1, y1, colour):
        self.draw.ellipse(self._box(x0, y0, x1, y1), fill=colour)

    def ring(self, x0, y0, x1, y1, colour, width):
        self.draw.ellipse(self._box(x0, y0, x1, y1), outline=colour, width=max(1, round(width * SUPERSAMPLING)))

    def pie(self, x0, y0, x1, y1, start, end, colour):
        self.draw.pieslice(self._box(x0, y0, x1, y1), start, end, fill=colour)

    def arc(self, x0, y0, x1, y1, colour, width):
        self.draw.arc(self._box(x0, y0, x1, y1), 180, 360, fill=colour, width=max(1, round(width * SUPERSAMPLING)))

    def polygon(self, points, colour):
        self.draw.polygon([(round(x * SUPERSAMPLING), round(y * SUPERSAMPLING)) for x, y in points], fill=colour)

    def line(self, points, colour, width):
        scaled = [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points]
        self.draw.line(scaled, fill=colour, width=max(1, round(width * SUPERSAMPLING)))


def _mix(a, b, share):
    return tuple(round(p + (q - p) * share) for p, q in zip(a, b))


def _shade(colour, factor):
    return tuple(max(0, min(255, round(c * factor))) for c in colour)


def _tint(colour, light):
    return tuple(max(0, min(255, round(c * f))) for c, f in zip(colour, light))


def _jitter(colour, most, chance):
    return tuple(max(0, min(255, c + chance.randint(-most, most))) for c in colour)
