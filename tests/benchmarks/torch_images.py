"""Seconds an image of diffusers' networks under the torch that is installed, to compare the whole command with.

    PYTHONPATH=DIFFUSERS/src python3 torch_images.py CHECKPOINT [--steps=4] [--images=2] [--size=512]

The loop of diffusers' StableDiffusionPipeline with its own UNet, PNDM scheduler and VAE in float32, guidance 7.5, one image after
the other, as `./shardlight generate` draws on a machine of two cores. The text encoder is left out (a fifth of a second for two
prompts) and random states stand in for its output, so that a distribution's torch needs no transformers. Prints one JSON object.
A torch of 1.13 wants a diffusers of its time, such as 0.20.2; torch 2 takes any.
"""
import argparse
import importlib.abc
import importlib.machinery
import json
import os
import resource
import sys
import tempfile
import time
from unittest import mock

class NothingFetched(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules that diffusers imports to fetch and to read checkpoints, where they are missing: here files are read by hand."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("huggingface_hub", "safetensors"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        cache = tempfile.gettempdir()
        return mock.MagicMock(hf_cache_home=cache, HUGGINGFACE_HUB_CACHE=cache)

    def exec_module(self, module):
        pass


sys.meta_path.append(NothingFetched())

import numpy
import torch
import diffusers
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel

parser = argparse.ArgumentParser()
parser.add_argument("checkpoint")
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--images", type=int, default=2)
parser.add_argument("--size", type=int, default=512, help="pixels, of a side")
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)


# What early checkpoints call the attention of their VAE.
LATER_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}


def network(kind, folder):
    """The network of a folder of the checkpoint, its float32 tensors mapped where they lie."""
    folder = os.path.join(arguments.checkpoint, folder)
    with open(os.path.join(folder, "config.json")) as file:
        built = kind.from_config(json.load(file)).eval()
    path = os.path.join(folder, "diffusion_pytorch_model.safetensors")
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entries = json.loads(file.read(length))
    content = numpy.memmap(path, dtype=numpy.uint8, mode="c", offset=8 + length)
    state = {}
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            sys.exit(f"{path}: tensor {name} is {entry['dtype']}; only F32 is compared")
        start, end = entry["data_offsets"]
        for early, late in LATER_NAMES.items():
            name = name.replace(early, late)
        state[name] = torch.from_numpy(content[start:end].view(numpy.float32).reshape(entry["shape"]))
    built.load_state_dict(state)
    return built


started = time.perf_counter()
unet = network(UNet2DConditionModel, "unet")
vae = network(AutoencoderKL, "vae")
with open(os.path.join(arguments.checkpoint, "scheduler", "scheduler_config.json")) as file:
    scheduler = PNDMScheduler.from_config(json.load(file))
loaded = time.perf_counter() - started

torch.manual_seed(0)
images = []
with torch.no_grad():
    for _ in range(arguments.images):
        start = time.perf_counter()
        calls = []
        states = torch.randn(2, 77, unet.config.cross_attention_dim)
        latents = torch.randn(1, 4, arguments.size // 8, arguments.size // 8)
        scheduler.set_timesteps(arguments.steps)
        for timestep in scheduler.timesteps:
            call = time.perf_counter()
            pair = unet(torch.cat([latents] * 2), timestep, encoder_hidden_states=states).sample
            unconditional, conditional = pair.chunk(2)
            predicted = unconditional + 7.5 * (conditional - unconditional)
            latents = scheduler.step(predicted, timestep, latents).prev_sample
            calls.append(time.perf_counter() - call)
        call = time.perf_counter()
        pixels = vae.decode(latents / 0.18215).sample
        images.append(
            {
                "seconds": time.perf_counter() - start,
                "unetCallSeconds": calls,
                "decodeSeconds": time.perf_counter() - call,
            }
        )
        if tuple(pixels.shape) != (1, 3, arguments.size, arguments.size):
            sys.exit(f"an image came out as {tuple(pixels.shape)}")

print(
    json.dumps(
        {
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "threads": torch.get_num_threads(),
            "steps": arguments.steps,
            "loadSeconds": loaded,
            "images": images,
            "peakResidentGigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        },
        indent=2,
    )
)
