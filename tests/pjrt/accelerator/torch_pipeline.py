"""Images a second of diffusers' own pipeline under torch.compile, to compare WholeGeneration with.

    torch_pipeline.py CHECKPOINT STEPS BATCH[,BATCH ...]

The same checkpoint, prompts and sizes, bfloat16, channels last; prints one JSON object.
"""
import json
import os
import sys
import time

import torch
from diffusers import StableDiffusionPipeline

checkpoint, steps, batches = sys.argv[1], int(sys.argv[2]), [int(b) for b in sys.argv[3].split(",")]
mode = os.environ.get("TORCH_COMPILE_MODE", "default")
pipe = StableDiffusionPipeline.from_pretrained(
    checkpoint, torch_dtype=torch.bfloat16, safety_checker=None, feature_extractor=None, requires_safety_checker=False
).to("cuda")
pipe.set_progress_bar_config(disable=True)
pipe.unet.to(memory_format=torch.channels_last)
pipe.vae.to(memory_format=torch.channels_last)
pipe.unet = torch.compile(pipe.unet, mode=mode, fullgraph=True)
pipe.vae.decode = torch.compile(pipe.vae.decode, mode=mode, fullgraph=True)

report = {"torch": torch.__version__, "mode": mode, "device": torch.cuda.get_device_name(), "steps": steps, "batches": []}
for batch in batches:
    prompts = [f"a photograph of an astronaut riding a horse, number {i}" for i in range(batch)]
    torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(4):
        torch.cuda.synchronize()
        start = time.perf_counter()
        pipe(prompts, num_inference_steps=steps, guidance_scale=7.5, output_type="np")
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    report["batches"].append(
        {
            "batch": batch,
            "firstCallSeconds": seconds[0],
            "callSeconds": seconds[1:],
            "imagesPerSecond": batch / min(seconds[1:]),
            "peakDeviceGigabytes": torch.cuda.max_memory_allocated() / 1e9,
        }
    )
print(json.dumps(report, indent=2))
