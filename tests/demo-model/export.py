"""Writes the trained model as a diffusers folder: float16 safetensors and their configs."""

import json
import pathlib
import struct
from typing import Dict

import torch
from networks import TEXT_CONFIG, UNET_CONFIG, VAE_CONFIG
from train_diffusion import BETA_END, BETA_START

_INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.5.1",
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
_SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.5.1",
    "beta_end": BETA_END,
    "beta_schedule": "scaled_linear",
    "beta_start": BETA_START,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}


def save_safetensors(file: pathlib.Path, tensors: Dict[str, torch.Tensor]) -> None:
    """Header length, JSON header padded to 8 bytes, then the tensors by name."""
    header, at, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for name in sorted(tensors):
        blob = tensors[name].detach().cpu().to(torch.float16).contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load_safetensors(file: pathlib.Path) -> Dict[str, torch.Tensor]:
    """What `save_safetensors` wrote, as float32."""
    content = file.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__")
    tensors = {}
    for name, about in header.items():
        low, high = (8 + length + at for at in about["data_offsets"])
        flat = torch.frombuffer(bytearray(content[low:high]), dtype=torch.float16)
        tensors[name] = flat.float().reshape(about["shape"])
    return tensors


def load_vae(folder: pathlib.Path, vae) -> None:
    vae.load_state_dict(load_safetensors(folder / "vae" / "diffusion_pytorch_model.safetensors"))


def load_model(folder: pathlib.Path, model) -> None:
    model.unet.load_state_dict(load_safetensors(folder / "unet" / "diffusion_pytorch_model.safetensors"))
    model.text_encoder.load_state_dict(load_safetensors(folder / "text_encoder" / "model.safetensors"))


def save(folder: pathlib.Path, vae, model, words, defaults: dict) -> None:
    def component(name, config, tensors, file):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        save_safetensors(folder / name / file, tensors)

    component("vae", VAE_CONFIG, vae.state_dict(), "diffusion_pytorch_model.safetensors")
    component("unet", UNET_CONFIG, model.unet.state_dict(), "diffusion_pytorch_model.safetensors")
    text_config = dict(TEXT_CONFIG, vocab_size=len(words.ids))
    component("text_encoder", text_config, model.text_encoder.state_dict(), "model.safetensors")
    words.save(folder / "tokenizer")
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(_SCHEDULER, indent=2) + "\n")
    (folder / "model_index.json").write_text(json.dumps(_INDEX, indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(defaults, indent=2) + "\n")
