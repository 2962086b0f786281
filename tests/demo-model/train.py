"""Trains the demo model from nothing: pictures, VAE, text encoder and UNet, then measures it.

    python3 train.py --work=/tmp/demo-model

Every stage leaves its result in the work folder and is skipped when that is there; training goes on
from its last checkpoint. The model lies in `model/` when all is done. With `--start=MODEL` a model
that was written before keeps its VAE, and its text encoder and UNet learn on.
"""

import argparse
import pathlib
from typing import Optional

import export
import pictures
import torch
import train_diffusion
import train_vae
from networks import VAE_CONFIG, Vae

SEED = 0
PICTURES = 32768
VAE_STEPS = 7000
TEXT_STEPS = 3000
DIFFUSION_STEPS = 6500
TEST_PICTURES = 500
DEFAULTS = {"guidance_scale": 2.0, "num_inference_steps": 25}
"""How the model is best asked, measured by score_generated.py."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for all that is made")
    parser.add_argument("--start", type=pathlib.Path, help="folder of a model to go on from")
    arguments = parser.parse_args()
    work, start = arguments.work, arguments.start
    work.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    drawn, layouts = pictures.draw_all(work, SEED, PICTURES)
    vae, latents = _vae(work, start, drawn, device)
    model = train_diffusion.new_model(SEED)
    if start:
        export.load_model(start, model)
    model = train_diffusion.train(work, model, latents, layouts, TEXT_STEPS, DIFFUSION_STEPS, SEED, device)
    export.save(work / "model", vae, model, train_diffusion.tokenizer(SEED), DEFAULTS)
    print("the model is in %s" % (work / "model"))


def _vae(work: pathlib.Path, start: Optional[pathlib.Path], drawn, device):
    """The VAE with white latents, and the latents of all pictures."""
    done = work / "vae.pt"
    if not done.exists():
        if start:
            vae = Vae(VAE_CONFIG).to(device, memory_format=torch.channels_last)
            export.load_vae(start, vae)
            latents = train_vae.encode_all(vae, drawn, device)
        else:
            vae = train_vae.train(work, VAE_STEPS, SEED, device)
            latents = train_vae.whiten(vae, train_vae.encode_all(vae, drawn, device))
        ratio = train_vae.psnr(vae, pictures.draw_all(work, SEED, TEST_PICTURES, held_out=True)[0], device)
        print("PSNR of the VAE on %d pictures it has not seen: %.2f dB" % (TEST_PICTURES, ratio), flush=True)
        torch.save({"vae": vae.state_dict(), "latents": latents, "psnr": ratio}, done)
    state = torch.load(done, map_location=device)
    vae = Vae(VAE_CONFIG).to(device)
    vae.load_state_dict(state["vae"])
    return vae, state["latents"].cpu()


if __name__ == "__main__":
    main()
