"""A Python that has laion-clap and open-clip, as the export is given one; ``packages.py`` writes a call of this file.

    packagepython.py FOLDER -m MODULE ARGUMENTS     run a module, as Python does
    packagepython.py FOLDER make laion|open CHECKPOINT ASKED FUSED|JSON
        save a model with random weights; ASKED.pt gets the package's own answers beside the questions

FOLDER holds the packages without what they depend on, or is ``-`` where they are installed whole. Two things of the
packages are other than in real life: where no torchvision fits the installed torch, two operators of torchvision that
nobody calls are declared before it is imported; and laion-clap gets a model with an HTSAT of a few thousand weights,
which its fixed sizes do not have.
"""

from __future__ import annotations

import json
import runpy
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from tinysizes import FFT, HOP, MELS, RATE_HZ, SECONDS

ROOT = Path(__file__).parents[1]
EAR = "HTSAT-few"
WORDS = {"vocab_size": 60, "num_hidden_layers": 1, "intermediate_size": 48, "max_position_embeddings": 90}
NEVER_CALLED = ("nms", "qnms")
CONFIG = {
    "embed_dim": 16,
    "audio_cfg": {"audio_length": 256, "clip_samples": RATE_HZ * SECONDS, "mel_bins": MELS, "sample_rate": RATE_HZ,
                  "window_size": FFT, "hop_size": HOP, "fmin": 50, "fmax": 5000, "class_num": 3,
                  "model_type": "HTSAT", "model_name": "few"},
    "text_cfg": {"context_length": 77, "vocab_size": 60, "width": 64, "heads": 1, "layers": 1},
}  # fmt: skip


def import_torchvision() -> None:
    """With the operators that a build for another torch lacks declared; ``--shim`` in what is printed says so."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        global library
        library = torch.library.Library("torchvision", "DEF")
        for name in NEVER_CALLED:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


def few_weights() -> object:
    """``clap_module`` with one more model, ``HTSAT-few``."""
    from training.pretrained.package.from_laion_clap import inner_package

    inner = inner_package()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{EAR}.json").write_text(json.dumps(CONFIG))
        inner.add_model_config(folder)

    def create(config: object, fusion: bool, kind: str) -> object:
        return inner.htsat.HTSAT_Swin_Transformer(
            spec_size=4 * MELS, num_classes=3, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4,
            config=config, enable_fusion=fusion, fusion_type=kind,
        )  # fmt: skip

    inner.model.create_htsat_model = create
    return inner


def spread(model: torch.nn.Module) -> torch.nn.Module:
    """Weights so large that answers differ; what computes spectra stays as it is."""
    torch.manual_seed(6)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1 and "extractor" not in name:
                weights.mul_(3.0)
    return model.eval()


def make_laion(checkpoint: Path, asked: Path, fused: bool) -> None:
    from training.pretrained.package.from_laion_clap import build

    inner = few_weights()
    torch.manual_seed(3)
    model, config = build(inner, EAR, WORDS, fused)
    spread(model)
    model.audio_branch.bn0.running_mean.fill_(-20.0)
    model.audio_branch.bn0.running_var.fill_(100.0)
    state = {f"module.{name}": value for name, value in model.state_dict().items()}
    state["module.text_branch.embeddings.position_ids"] = torch.arange(90)[None]  # older transformers kept it
    torch.save({"epoch": np.float64(15), "state_dict": state, "optimizer": {"lr": 0.1}}, checkpoint)
    given = torch.load(asked, weights_only=True)
    features, how = audio_features(config["audio_cfg"])
    sounds = [features(sound) for sound in given["audio"]]
    if fused:
        sounds = [one | {"mel_fusion": mel.expand(4, -1, -1)} for one, mel in zip(sounds, given["mel"], strict=True)]
    words = {"input_ids": given["tokens"], "attention_mask": given["token_mask"].long()}
    pooled = model.text_branch(**words)["pooler_output"]
    answers = {"text": model.get_text_embedding(words), "audio": model.get_audio_embedding(sounds), "pooled": pooled}
    torch.save(given | {name: value.detach() for name, value in answers.items()}, asked)
    print(how)


def audio_features(config: dict[str, int]) -> tuple:
    """The package's own preparation of a sound, where its data module can be imported; else the same, written out."""
    try:
        import transformers

        for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):  # fetched at import
            getattr(transformers, name).from_pretrained = staticmethod(lambda *_args, **_more: None)
        from laion_clap.hook import get_audio_features
    except ImportError as error:
        longest = config["clip_samples"]

        def written_out(sound: torch.Tensor) -> dict[str, torch.Tensor]:
            whole = sound.repeat(longest // len(sound))
            whole = torch.nn.functional.pad(whole, (0, longest - len(whole)))
            return {"waveform": whole, "longer": torch.tensor([False])}

        return written_out, f"repeated by the test: {error}"
    return (
        lambda sound: get_audio_features({}, sound, config["clip_samples"], "rand_trunc", "repeatpad", config),
        "prepared by laion_clap.hook",
    )


def make_open(checkpoint: Path, asked: Path, config: Path) -> None:
    import open_clip
    from PIL import Image

    open_clip.add_model_config(config)
    torch.manual_seed(4)
    model, _, prepare = open_clip.create_model_and_transforms(config.stem)
    spread(model)
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in model.state_dict().items()}}, checkpoint
    )
    given = torch.load(asked, weights_only=True)
    pixels = torch.stack([prepare(Image.fromarray(picture.numpy())) for picture in given["pictures"]])
    torch.save(given | {"image": model.encode_image(pixels, normalize=True).detach()}, asked)


def main(argv: list[str]) -> None:
    folder, what, name, *more = argv
    sys.path[0] = str(ROOT)
    if folder != "-":
        sys.path.insert(1, folder)
    import_torchvision()
    if what == "-m":
        sys.argv = [name, *more]
        if name.endswith("from_laion_clap"):
            few_weights()
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    elif name == "laion":
        make_laion(Path(more[0]), Path(more[1]), more[2] == "True")
    else:
        make_open(*(Path(one) for one in more))


if __name__ == "__main__":
    main(sys.argv[1:])
