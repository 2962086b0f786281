"""Runs diffusers' own pipeline on the demo model and keeps what it computed, for Shardlight's tests.

    python3 make_golden.py --model=/tmp/demo-model/model --out=../fixtures/src/main/resources/io/shardlight/fixtures/golden/demo

Needs diffusers and transformers (the files name the versions that made them). All is float32. The noise
is given, so that it need not be torch's.
"""

import argparse
import json
import pathlib

import diffusers
import numpy as np
import torch
import transformers

PROMPTS = ("a red house on a green hill under a starry night sky", "three yellow balls left of a blue cube")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    defaults = json.loads((arguments.model / "generation_config.json").read_text())
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(
        arguments.model, torch_dtype=torch.float32, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    arrays, cases = {}, []
    for index, prompt in enumerate(PROMPTS):
        case = "p%d" % index
        noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(index))
        ids = pipeline.tokenizer(
            prompt, padding="max_length", max_length=pipeline.tokenizer.model_max_length, return_tensors="pt"
        ).input_ids
        latents = pipeline(prompt, latents=noise, output_type="latent", **defaults).images
        image = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
        pixels = (image / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
        arrays[case + "/ids"] = ids.numpy().astype(np.int64)
        arrays[case + "/noise"] = noise.numpy()
        arrays[case + "/image_f32"] = pixels
        arrays[case + "/image_u8"] = (pixels * 255).round().astype(np.uint8)
        cases.append(
            {
                "id": case,
                "prompt": prompt,
                "steps": defaults["num_inference_steps"],
                "g": defaults["guidance_scale"],
                "diffusers": diffusers.__version__,
                "transformers": transformers.__version__,
                "torch": torch.__version__,
            }
        )
    arguments.out.mkdir(parents=True, exist_ok=True)
    np.savez(arguments.out / "e2e.npz", **arrays)
    (arguments.out / "e2e.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
