"""Measures a model through Shardlight itself, on captions that were kept from training.

    python3 score_generated.py prompts > held-out.txt
    ./shardlight generate --input=held-out.txt --output=drawn --layout=files
    python3 score_generated.py score --work=/tmp/demo-model --dataset=drawn --failures=failures.png

`score` also scores pictures that the world itself drew for these captions: what the detector can see.
"""

import argparse
import json
import pathlib

import detector
import numpy as np
import score
import torch
import world
from PIL import Image, ImageDraw
from train import SEED, TEST_PICTURES

DETECTOR_STEPS = 1500


def prompts() -> None:
    for asked in score.held_out(SEED, TEST_PICTURES):
        print(asked.caption)


def evaluate(work: pathlib.Path, dataset: pathlib.Path, failures: pathlib.Path) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sight = detector.train(work / "detector.pt", SEED, DETECTOR_STEPS, device)
    asked = score.held_out(SEED, TEST_PICTURES)
    own = np.load(work / "pictures-test.npy", mmap_mode="r")[: len(asked)]
    print("drawn by the world ", _percent(score.score(asked, detector.detect(sight, own, device))))
    files = {}
    for line in (dataset / "metadata.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        files.setdefault(row["text"], dataset / row["file_name"])
    missing = [one.caption for one in asked if one.caption not in files]
    if missing:
        raise SystemExit("%d captions have no picture in %s, the first: %s" % (len(missing), dataset, missing[0]))
    made = np.stack([np.asarray(Image.open(files[one.caption]).convert("RGB")) for one in asked])
    found = detector.detect(sight, made, device)
    print("drawn by the model ", _percent(score.score(asked, found)))
    wrong = []
    for index, (one, things) in enumerate(zip(asked, found)):
        respects = [respect for respect, right in score.judge(one.scene, things) if not right]
        if respects:
            wrong.append((made[index], one.caption, respects))
    _sheet(wrong[:12]).save(failures)


def _percent(shares: dict) -> str:
    return "  ".join("%s %.1f %%" % (respect, 100 * share) for respect, share in shares.items())


def _sheet(pictures) -> Image.Image:
    """Pictures in rows of four, with caption and what is wrong below."""
    width, height = world.SIZE * 2 + 16, world.SIZE + 62
    sheet = Image.new("RGB", (4 * width, max(1, -(-len(pictures) // 4)) * height), "white")
    pen = ImageDraw.Draw(sheet)
    for index, (picture, caption, respects) in enumerate(pictures):
        x, y = index % 4 * width + 8, index // 4 * height + 8
        sheet.paste(Image.fromarray(picture), (x, y))
        lines, line = [], ""
        for word in caption.split():
            if len(line) + len(word) > 40:
                lines, line = [*lines, line], ""
            line = (line + " " + word).strip()
        for number, text in enumerate([*lines, line][:3] + ["wrong: " + ", ".join(sorted(set(respects)))]):
            pen.text((x, y + world.SIZE + 2 + 12 * number), text, fill="black")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prompts", help="print the held-out captions, one a line")
    rate = commands.add_parser("score", help="score a dataset that was made from them")
    rate.add_argument("--work", type=pathlib.Path, required=True, help="the work folder of train.py")
    rate.add_argument("--dataset", type=pathlib.Path, required=True)
    rate.add_argument("--failures", type=pathlib.Path, required=True, help="where to draw pictures that are wrong")
    arguments = parser.parse_args()
    if arguments.command == "prompts":
        prompts()
    else:
        evaluate(arguments.work, arguments.dataset, arguments.failures)


if __name__ == "__main__":
    main()
