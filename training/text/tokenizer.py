"""A small BPE tokenizer for prompts: lower case, no accents, hyphens as spaces; saved as ``tokenizer.json``.

Trained on the words of the training half only. The file holds the normaliser and truncation, no padding: whoever
encodes pads with 0 to the model's fixed length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from training.text.lexicon import Lexicon

PAD, UNKNOWN = "[PAD]", "[UNK]"  # ids 0 and 1
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789'&,.!?/"
TOKENIZER_FILE = "tokenizer.json"
WORD_END = "</w>"


def train_tokenizer(texts: Iterable[str], vocab: int, max_tokens: int) -> Tokenizer:
    """Train on texts; the same texts give the same tokenizer.

    Args:
        texts: the text to count pairs in.
        vocab: most tokens, the padding and the unknown one included.
        max_tokens: longer prompts are cut to this.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN, end_of_word_suffix=WORD_END))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex("[-_‐-―]+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix=WORD_END)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=2,
        special_tokens=[PAD, UNKNOWN, *(letter + WORD_END for letter in LETTERS)],
        initial_alphabet=list(LETTERS),
        end_of_word_suffix=WORD_END,
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(texts), trainer)
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def training_text(lexicon: Lexicon) -> list[str]:
    """Text for the tokenizer: the training half, thinned so that templates do not drown the nouns."""
    texts: list[str] = []
    for term in lexicon.terms:
        pool = lexicon.pools[term, "train"]
        texts += pool.bare
        texts += pool.framed[::20]
    return texts


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer file or the one in a run folder."""
    return Tokenizer.from_file(str(path / TOKENIZER_FILE if path.is_dir() else path))


def encode(tokenizer: Tokenizer, phrases: Sequence[str], max_tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of phrases, padded with 0.

    Returns:
        tokens int64 ``(B, max_tokens)`` and token_mask bool of the same shape, True at real tokens.
    """
    tokens_BT = np.zeros((len(phrases), max_tokens), dtype=np.int64)
    for row, encoding in enumerate(tokenizer.encode_batch(list(phrases))):
        ids = encoding.ids[:max_tokens]
        tokens_BT[row, : len(ids)] = ids
    return tokens_BT, tokens_BT != 0
