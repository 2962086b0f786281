"""The three networks of Stable Diffusion in torch, small, with diffusers' parameter names.

Written to train: what is trained here is read by Shardlight (and diffusers) by these names and the
`config.json` beside them. Shapes are those of the papers: images [batch, 3, height, width] in
[-1, 1], latents [batch, 4, height / 8, width / 8], prompts [batch, tokens] of token ids.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

TOKENS = 40

TEXT_CONFIG = {
    "architectures": ["CLIPTextModel"],
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "dropout": 0.0,
    "eos_token_id": 2,
    "hidden_act": "quick_gelu",
    "hidden_size": 128,
    "initializer_factor": 1.0,
    "initializer_range": 0.02,
    "intermediate_size": 512,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": TOKENS,
    "model_type": "clip_text_model",
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "pad_token_id": 1,
    "torch_dtype": "float16",
    "vocab_size": 0,
}

VAE_CONFIG = {
    "_class_name": "AutoencoderKL",
    "act_fn": "silu",
    "block_out_channels": [16, 32, 64, 80],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "out_channels": 3,
    "sample_size": 128,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}

UNET_CONFIG = {
    "_class_name": "UNet2DConditionModel",
    "act_fn": "silu",
    "attention_head_dim": [2, 4, 4],
    "block_out_channels": [64, 96, 96],
    "center_input_sample": False,
    "cross_attention_dim": 128,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 1,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-05,
    "norm_num_groups": 16,
    "out_channels": 4,
    "sample_size": 16,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
}

LAYOUT_WIDTH = UNET_CONFIG["block_out_channels"][1]


def _attend(q, k, v, heads, causal=False):
    """Written out: on a CPU, torch's fused attention takes half as long again, mostly on the way back."""
    batch, tokens, width = q.shape
    q, k, v = (x.view(batch, -1, heads, width // heads).transpose(1, 2) for x in (q, k, v))
    scores = (q * (width // heads) ** -0.5) @ k.transpose(-1, -2)
    if causal:
        scores = scores + torch.full((tokens, tokens), -torch.inf, dtype=q.dtype, device=q.device).triu(1)
    return (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(batch, tokens, width)


# --- the text encoder (Radford et al. 2021, section 2.4) ----------------------------------------


class _ClipAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        return self.out_proj(_attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, causal=True))


class _ClipMlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class _ClipLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.self_attn = _ClipAttention(width, config["num_attention_heads"])
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = _ClipMlp(width, config["intermediate_size"])

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class _ClipText(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.embeddings = nn.Module()
        self.embeddings.token_embedding = nn.Embedding(config["vocab_size"], width)
        self.embeddings.position_embedding = nn.Embedding(config["max_position_embeddings"], width)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(_ClipLayer(config) for _ in range(config["num_hidden_layers"]))
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.embeddings.token_embedding(ids) + self.embeddings.position_embedding.weight
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x)


class TextEncoder(nn.Module):
    """Token ids [batch, tokens] to prompt embeddings [batch, tokens, width]."""

    def __init__(self, config):
        super().__init__()
        self.text_model = _ClipText(config)
        nn.init.normal_(self.text_model.embeddings.token_embedding.weight, std=0.1)
        nn.init.normal_(self.text_model.embeddings.position_embedding.weight, std=0.1)

    def forward(self, ids):
        return self.text_model(ids)


# --- blocks of the UNet and the VAE -------------------------------------------------------------


class _Resnet(nn.Module):
    def __init__(self, inside, outside, groups, eps, time=None):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inside, eps)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        if time:
            self.time_emb_proj = nn.Linear(time, outside)
        self.norm2 = nn.GroupNorm(groups, outside, eps)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)
        self.conv_shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else None

    def forward(self, x, time=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            h = h + self.time_emb_proj(F.silu(time))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class _Down(nn.Module):
    def __init__(self, channels, padding):
        super().__init__()
        self.padding = padding
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=padding)

    def forward(self, x):
        return self.conv(x if self.padding else F.pad(x, (0, 1, 0, 1)))


class _Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


# --- the UNet (Rombach et al. 2022, section 3.3) ------------------------------------------------


class _CrossAttention(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, context):
        return self.to_out[0](_attend(self.to_q(x), self.to_k(context), self.to_v(context), self.heads))


class _GatedLinear(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class _TransformerBlock(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.attn1 = _CrossAttention(width, width, heads)
        self.attn2 = _CrossAttention(width, context, heads)
        self.ff = nn.Module()
        self.ff.net = nn.ModuleList([_GatedLinear(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, prompt):
        normed = self.norm1(x)
        x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), prompt)
        return x + self.ff.net[2](self.ff.net[0](self.norm3(x)))


class _Transformer(nn.Module):
    def __init__(self, width, context, heads, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, 1e-6)
        self.proj_in, self.proj_out = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([_TransformerBlock(width, context, heads)])
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def forward(self, x, prompt):
        batch, width, height, _ = x.shape
        h = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        h = self.transformer_blocks[0](h, prompt)
        return x + self.proj_out(h.transpose(1, 2).reshape(batch, width, height, -1))


class _UNetBlock(nn.Module):
    """A level on the way down, in the middle or on the way up."""

    def __init__(self, widths, outside, context, heads, groups, eps, time, attentions):
        super().__init__()
        self.resnets = nn.ModuleList(_Resnet(inside, outside, groups, eps, time) for inside in widths)
        if attentions:
            self.attentions = nn.ModuleList(_Transformer(outside, context, heads, groups) for _ in range(attentions))


class UNet(nn.Module):
    """Predicts the noise in latents at a timestep, for a prompt.

    Also gives what the last level but one on the way up holds, [batch, LAYOUT_WIDTH, height / 2, width / 2].
    """

    def __init__(self, config):
        super().__init__()
        widths, heads = config["block_out_channels"], config["attention_head_dim"]
        layers, context = config["layers_per_block"], config["cross_attention_dim"]
        common = dict(groups=config["norm_num_groups"], eps=config["norm_eps"], time=4 * widths[0])
        self.width = widths[0]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = nn.Module()
        self.time_embedding.linear_1 = nn.Linear(widths[0], 4 * widths[0])
        self.time_embedding.linear_2 = nn.Linear(4 * widths[0], 4 * widths[0])
        self.down_blocks = nn.ModuleList()
        inside = widths[0]
        skips = [inside]
        for level, width in enumerate(widths):
            attentions = layers if config["down_block_types"][level].startswith("CrossAttn") else 0
            block = _UNetBlock([inside] + [width] * (layers - 1), width, context, heads[level], attentions=attentions, **common)
            skips += [width] * layers
            if level < len(widths) - 1:
                block.downsamplers = nn.ModuleList([_Down(width, config["downsample_padding"])])
                skips.append(width)
            self.down_blocks.append(block)
            inside = width
        self.mid_block = _UNetBlock([inside, inside], inside, context, heads[-1], attentions=1, **common)
        self.up_blocks = nn.ModuleList()
        for level, width in enumerate(reversed(widths)):
            attentions = layers + 1 if config["up_block_types"][level].startswith("CrossAttn") else 0
            wide = [(inside if layer == 0 else width) + skips.pop() for layer in range(layers + 1)]
            block = _UNetBlock(wide, width, context, heads[-1 - level], attentions=attentions, **common)
            if level < len(widths) - 1:
                block.upsamplers = nn.ModuleList([_Up(width)])
            self.up_blocks.append(block)
            inside = width
        self.conv_norm_out = nn.GroupNorm(config["norm_num_groups"], inside, config["norm_eps"])
        self.conv_out = nn.Conv2d(inside, config["out_channels"], 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, latents, timesteps, prompt):
        half = self.width // 2
        frequencies = torch.exp(-math.log(10000.0) * torch.arange(half, device=latents.device) / half)
        angles = timesteps.float()[:, None] * frequencies[None]
        time = torch.cat([angles.cos(), angles.sin()], dim=-1)
        time = self.time_embedding.linear_2(F.silu(self.time_embedding.linear_1(time)))
        x = self.conv_in(latents)
        skips = [x]
        for block in self.down_blocks:
            for layer, resnet in enumerate(block.resnets):
                x = resnet(x, time)
                if hasattr(block, "attentions"):
                    x = block.attentions[layer](x, prompt)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, time)
        x = self.mid_block.attentions[0](x, prompt)
        x = self.mid_block.resnets[1](x, time)
        coarse = x
        for level, block in enumerate(self.up_blocks):
            for layer, resnet in enumerate(block.resnets):
                x = resnet(torch.cat([x, skips.pop()], dim=1), time)
                if hasattr(block, "attentions"):
                    x = block.attentions[layer](x, prompt)
            if level == len(self.up_blocks) - 2:
                coarse = x
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x))), coarse


# --- the VAE (Rombach et al. 2022, section 3.1) -------------------------------------------------

_VAE_EPSILON = 1e-6


class _VaeAttention(nn.Module):
    def __init__(self, width, groups):
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, width, _VAE_EPSILON)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.proj_attn = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        h = self.group_norm(x).flatten(2).transpose(1, 2)
        h = self.proj_attn(_attend(self.query(h), self.key(h), self.value(h), 1))
        return x + h.transpose(1, 2).reshape(x.shape)


def _vae_middle(width, groups):
    block = nn.Module()
    block.resnets = nn.ModuleList(_Resnet(width, width, groups, _VAE_EPSILON) for _ in range(2))
    block.attentions = nn.ModuleList([_VaeAttention(width, groups)])
    return block


def _through_middle(block, x):
    return block.resnets[1](block.attentions[0](block.resnets[0](x)))


class _Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        inside = widths[0]
        for level, width in enumerate(widths):
            block = nn.Module()
            layers = [inside] + [width] * (config["layers_per_block"] - 1)
            block.resnets = nn.ModuleList(_Resnet(i, width, groups, _VAE_EPSILON) for i in layers)
            if level < len(widths) - 1:
                block.downsamplers = nn.ModuleList([_Down(width, 0)])
            self.down_blocks.append(block)
            inside = width
        self.mid_block = _vae_middle(inside, groups)
        self.conv_norm_out = nn.GroupNorm(groups, inside, _VAE_EPSILON)
        self.conv_out = nn.Conv2d(inside, 2 * config["latent_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(_through_middle(self.mid_block, x))))


class _Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config["block_out_channels"][::-1], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["latent_channels"], widths[0], 3, padding=1)
        self.mid_block = _vae_middle(widths[0], groups)
        self.up_blocks = nn.ModuleList()
        inside = widths[0]
        for level, width in enumerate(widths):
            block = nn.Module()
            layers = [inside] + [width] * config["layers_per_block"]
            block.resnets = nn.ModuleList(_Resnet(i, width, groups, _VAE_EPSILON) for i in layers)
            if level < len(widths) - 1:
                block.upsamplers = nn.ModuleList([_Up(width)])
            self.up_blocks.append(block)
            inside = width
        self.conv_norm_out = nn.GroupNorm(groups, inside, _VAE_EPSILON)
        self.conv_out = nn.Conv2d(inside, config["out_channels"], 3, padding=1)

    def forward(self, x):
        x = _through_middle(self.mid_block, self.conv_in(x))
        for block in self.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Vae(nn.Module):
    """Images to latents (mean and log variance) and back."""

    def __init__(self, config):
        super().__init__()
        channels = config["latent_channels"]
        self.encoder, self.decoder = _Encoder(config), _Decoder(config)
        self.quant_conv = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.post_quant_conv = nn.Conv2d(channels, channels, 1)

    def encode(self, images):
        mean, log_variance = self.quant_conv(self.encoder(images)).chunk(2, dim=1)
        return mean, log_variance.clamp(-30.0, 20.0)

    def decode(self, latents):
        return self.decoder(self.post_quant_conv(latents))
