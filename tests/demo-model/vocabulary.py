"""The demo model's byte-pair vocabulary in CLIP's format (Sennrich et al. 2016), and its tokenizer.

Merges are learnt from captions until every word of the picture world is one token. Words outside it
fall apart into smaller ones, down to bytes, as in CLIP; nothing is ever unknown.
"""

import collections
import json
import pathlib
import re
from typing import Dict, List, Tuple

START, END = "<|startoftext|>", "<|endoftext|>"


def _byte_characters() -> Tuple[List[str], Dict[int, str]]:
    """Visible characters in the order of GPT-2's and CLIP's vocabulary, and that of each byte."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in visible]
    table = {byte: chr(byte) for byte in visible}
    table.update({byte: chr(256 + index) for index, byte in enumerate(hidden)})
    return [table[byte] for byte in [*visible, *hidden]], table


_ORDER, _CHARACTERS = _byte_characters()


def _split(text: str) -> List[str]:
    return re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower())


def _symbols(word: str) -> Tuple[str, ...]:
    letters = [_CHARACTERS[byte] for byte in word.encode("utf-8")]
    return (*letters[:-1], letters[-1] + "</w>")


def _merged(symbols: Tuple[str, ...], pair: Tuple[str, str]) -> Tuple[str, ...]:
    out, at = [], 0
    while at < len(symbols):
        if symbols[at : at + 2] == pair:
            out.append(symbols[at] + symbols[at + 1])
            at += 2
        else:
            out.append(symbols[at])
            at += 1
    return tuple(out)


def learn_merges(captions: List[str]) -> List[Tuple[str, str]]:
    """Joins the commonest pair, the alphabetically first of equals, until each word is whole."""
    words = collections.Counter(word for caption in captions for word in _split(caption))
    pieces = {word: _symbols(word) for word in words}
    merges = []
    while True:
        pairs = collections.Counter()
        for word, symbols in pieces.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += words[word]
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        pieces = {word: _merged(symbols, best) for word, symbols in pieces.items()}


class Tokenizer:
    """Captions to token ids of fixed length, padded by the end token."""

    def __init__(self, merges: List[Tuple[str, str]], length: int):
        self.merges, self.length = merges, length
        tokens = [*_ORDER, *(c + "</w>" for c in _ORDER), *("".join(pair) for pair in merges), START, END]
        self.ids: Dict[str, int] = {}
        for token in tokens:
            self.ids.setdefault(token, len(self.ids))
        self._ranks = {pair: rank for rank, pair in reversed(list(enumerate(merges)))}
        self._known: Dict[str, List[int]] = {}

    def _word(self, word: str) -> List[int]:
        if word not in self._known:
            symbols = _symbols(word)
            while len(symbols) > 1:
                pair = min(zip(symbols, symbols[1:]), key=lambda p: self._ranks.get(p, len(self._ranks)))
                if pair not in self._ranks:
                    break
                symbols = _merged(symbols, pair)
            self._known[word] = [self.ids[symbol] for symbol in symbols]
        return self._known[word]

    def __call__(self, caption: str) -> List[int]:
        ids = [self.ids[START], *(i for word in _split(caption) for i in self._word(word))][: self.length - 1]
        return ids + [self.ids[END]] * (self.length - len(ids))

    def save(self, folder: pathlib.Path) -> None:
        """Writes `vocab.json`, `merges.txt` and the two files of settings beside them."""
        folder.mkdir(parents=True, exist_ok=True)

        def special(content):
            return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

        specials = {"bos_token": special(START), "eos_token": special(END), "pad_token": END, "unk_token": special(END)}
        settings = {
            "add_prefix_space": False,
            "bos_token": {"__type": "AddedToken", **special(START)},
            "do_lower_case": True,
            "eos_token": {"__type": "AddedToken", **special(END)},
            "errors": "replace",
            "model_max_length": self.length,
            "pad_token": END,
            "tokenizer_class": "CLIPTokenizer",
            "unk_token": {"__type": "AddedToken", **special(END)},
        }
        merges = "".join("%s %s\n" % pair for pair in self.merges)
        (folder / "merges.txt").write_text("#version: 0.2\n" + merges, encoding="utf-8")
        (folder / "vocab.json").write_text(json.dumps(self.ids, ensure_ascii=False), encoding="utf-8")
        (folder / "special_tokens_map.json").write_text(json.dumps(specials, indent=2) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
