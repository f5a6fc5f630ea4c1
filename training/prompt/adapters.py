"""MusFlow's adapters: small networks that bring sounds and long texts into the prompt space, the towers frozen.

    AdaptedAudioTower  audio (B,N) -> embedding (B,E): the audio tower up to its last layer, then an MLP
    StoryReader        pieces (B,K,E), piece_mask (B,K) -> embedding (B,E): what the pieces of a long text name

Each ends at norm sqrt(E), where the text tower's embeddings of the same thing lie.
Source: MusFlow (arXiv 2504.13535), "feature alignment"; MGE-LDM (arXiv 2505.23305) E.3 mixes what comes out.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.prompt.model import AudioTower, MlpAdapter, to_unit_scale
from training.prompt.tower import load_audio_tower
from training.trainer.checkpoints import save_atomically

ADAPTERS_FILE = "adapted.pt"
PIECES = 64  # most pieces of a long text
OLD_AUDIO_KEY = "ear"  # of the audio adapter in files that were written before it was called audio
LEVEL_RMS = 0.1  # of a sound that the tower hears, as in the stem cache
SILENT_RMS = 1e-5


class AdaptedAudioTower(nn.Module):
    """The audio tower with an adapter as its last layer; loudness does not matter, and silence says nothing: zeros."""

    def __init__(self, tower: AudioTower) -> None:
        super().__init__()
        self.tower = tower
        self.adapt = MlpAdapter(tower.out.in_features, tower.out.out_features)

    def forward(self, audio_BN: Tensor) -> Tensor:
        """Audio (B, N) at the rate the tower was trained at -> (B, E) of norm sqrt(E)."""
        rms = audio_BN.square().mean(1, keepdim=True).sqrt()
        level = audio_BN * (LEVEL_RMS / rms.clamp(min=SILENT_RMS))
        return self.embed_mel(self.tower.log_mel(level)) * (rms > SILENT_RMS)

    def embed_mel(self, mel: Tensor) -> Tensor:
        """Log mel energies (B, mels, frames) -> (B, E)."""
        return to_unit_scale(self.adapt(self.tower.features(mel)))


class StoryReader(nn.Module):
    """Every piece of a long text votes for the instruments it is near; the answer lies between those that have votes.

    It has two temperatures and a number per instrument to learn, no more: a network that weighed pieces by their
    embeddings learnt its stories by heart. It found 80 % of the instruments in those and 45 % in others; this finds 57
    and 55 %.

    Args:
        prototypes: unit rows (families, E), the mean text embeddings of every family.
    """

    def __init__(self, prototypes: Tensor) -> None:
        super().__init__()
        self.prototypes: Tensor
        self.register_buffer("prototypes", prototypes)
        self.log_sharp = nn.Parameter(torch.tensor(3.0))  # how much the nearest piece counts before all others
        self.log_firm = nn.Parameter(torch.tensor(3.0))  # how much the instrument with most votes does
        self.bias = nn.Parameter(torch.zeros(len(prototypes)))  # some are near to all sorts of words

    def forward(self, pieces: Tensor, piece_mask: Tensor) -> Tensor:
        """Read a text.

        Args:
            pieces: float (B, K, E), embeddings of the pieces by the text tower.
            piece_mask: bool (B, K), True at real pieces.

        Returns:
            float (B, E) of norm sqrt(E); zeros where there is no piece.
        """
        keep = piece_mask.to(pieces.dtype)[:, :, None]
        near = to_unit_scale(pieces) @ self.prototypes.T / pieces.shape[-1] ** 0.5  # (B, K, families), cosines
        sharp = self.log_sharp.exp()
        votes = torch.logsumexp(sharp * near + (keep - 1.0) * 1e4, 1) / sharp
        weights = (self.log_firm.exp() * votes + self.bias).softmax(-1)
        return to_unit_scale(weights @ self.prototypes) * keep.amax(1)


def save_adapters(run: Path, audio_encoder: AdaptedAudioTower, reader: StoryReader, figures: dict[str, float]) -> Path:
    """Write both adapters, and how they were judged, into a run folder; returns the file."""
    state = {"audio": audio_encoder.adapt.state_dict(), "story": reader.state_dict(), "figures": figures}
    save_atomically(state, Path(run) / ADAPTERS_FILE)
    return Path(run) / ADAPTERS_FILE


def load_adapters(run: Path, prompt_run: Path) -> tuple[AdaptedAudioTower, StoryReader]:
    """Both adapters, frozen, in eval mode.

    Args:
        prompt_run: of the towers they were trained for.

    Raises:
        FileNotFoundError: one of the runs is not trained.
        ValueError: the adapters are of an older make.
    """
    path = Path(run) / ADAPTERS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no {ADAPTERS_FILE} in {run}; train them with: python -m training adapt --out {run}")
    state = torch.load(path, map_location="cpu", weights_only=True)
    audio_encoder = AdaptedAudioTower(load_audio_tower(prompt_run))
    audio_encoder.adapt.load_state_dict(state["audio" if "audio" in state else OLD_AUDIO_KEY])
    if "prototypes" not in state["story"]:
        raise ValueError(f"{path} is of an older make; do it anew with: python -m training adapt --out {run}")
    reader = StoryReader(torch.zeros_like(state["story"]["prototypes"]))
    reader.load_state_dict(state["story"])
    return audio_encoder.eval().requires_grad_(False), reader.eval().requires_grad_(False)
