"""From prompts to query vectors: every term has phrases, toy data is learnt, runs are read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from training.mask import queries
from training.mask.credits import heard_in
from training.mask.queries import (
    FILE,
    AdapterExamples,
    fit,
    load,
    measure,
    narrowest_term,
    save,
    stem_embeddings,
    term_embeddings,
)
from training.mask.stems import StemPool
from training.mask.terms import KIT, TERMS, VOICES, term_number
from training.text.lexicon import Lexicon

LEXICON = Lexicon.load()
SIZE, QUERY = 32, 96


def toy(seed: int, each: int, spread: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    """Prompts around a random centre for each term."""
    centres = np.random.default_rng(0).standard_normal((len(TERMS), SIZE))
    terms = np.repeat(np.arange(len(TERMS)), each)
    noise = np.random.default_rng(seed).standard_normal((len(terms), SIZE)) * spread
    return (centres[terms] + noise).astype(np.float32), terms


@pytest.fixture(scope="module")
def fitted():
    table = torch.randn(len(TERMS), QUERY, generator=torch.Generator().manual_seed(1))
    return fit(AdapterExamples(*toy(1, 6), *toy(2, 3)), table, steps=150)


def test_every_term_of_the_decoder_has_words_and_every_word_a_term():
    assert set(TERMS) == set(LEXICON.terms)
    assert len(TERMS) == len(set(TERMS))
    assert {*KIT, *VOICES, "speech"} == set(LEXICON.parts)


def test_a_stem_is_called_by_the_narrowest_term():
    assert narrowest_term(("drums", "snare")) == term_number("snare")
    assert narrowest_term(("vocals", "voices", "lead-vocals")) == term_number("lead-vocals")
    assert narrowest_term(("violin", "bowed strings")) == term_number("violin")
    assert narrowest_term(("speech", "voices")) == term_number("speech")


def test_prompts_find_the_query_of_their_term(fitted):
    figures = measure(fitted, *toy(3, 3))
    assert figures.count == 3 * len(TERMS)
    assert figures.nearest > 0.95
    assert figures.cosine > 0.9
    assert figures.distance < 0.2


def test_a_query_lies_among_those_of_the_table_whatever_the_length_of_the_prompt(fitted):
    prompts = torch.randn(5, SIZE)
    with torch.no_grad():
        one, other = fitted(prompts), fitted(prompts * 7)
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    assert (one <= fitted.table.amax(0) + 1e-5).all()
    assert (one >= fitted.table.amin(0) - 1e-5).all()


def test_the_same_seed_fits_the_same(fitted):
    again = fit(AdapterExamples(*toy(1, 6), *toy(2, 3)), fitted.table, steps=150)
    torch.testing.assert_close(again.up.weight, fitted.up.weight)


def test_it_is_fitted_on_words_alone_where_there_are_no_sounds():
    nothing = (np.zeros((0, SIZE), np.float32), np.zeros(0, np.int64))
    alone = fit(AdapterExamples(*toy(1, 6), *nothing), torch.randn(len(TERMS), QUERY), steps=100)
    assert measure(alone, *toy(3, 2)).nearest > 0.9
    assert measure(alone, *nothing).count == 0


def test_an_adapter_is_read_back_and_takes_the_table_of_the_decoder_as_it_is_now(fitted, tmp_path):
    save(tmp_path, fitted, {"all": measure(fitted, *toy(3, 1))}, term_embeddings(*toy(1, 6)))
    later = torch.randn(len(TERMS), QUERY)
    read = load(tmp_path, later)
    prompts = torch.randn(4, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(read(prompts), fitted.scores(prompts).softmax(-1) @ later)
    with pytest.raises(ValueError, match="fit it again"):
        load(tmp_path, later[:-1])
    (tmp_path / FILE).unlink()
    with pytest.raises(FileNotFoundError, match="mask-queries"):
        load(tmp_path, later)


def test_terms_have_embeddings_as_long_as_those_of_prompts(tmp_path):
    found = term_embeddings(*toy(1, 6))
    assert list(found) == list(TERMS)
    np.testing.assert_allclose(np.linalg.norm(list(found.values()), axis=1), np.sqrt(SIZE), rtol=1e-3)


def test_a_run_of_other_terms_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="training mask"):
        queries.query_table(tmp_path)
    torch.save({"terms": ["violin"], "average": {}}, tmp_path / "mask.pt")
    with pytest.raises(ValueError, match="other terms"):
        queries.query_table(tmp_path)


@pytest.fixture
def shard(tmp_path):
    """A violin, a kick and silence of two seconds."""
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((3, 88_200)) * 3000).astype(np.int16)
    rows[2] = 0
    np.save(tmp_path / "a.npy", rows)
    stems = [
        {"family": "violin", "piece": "1", "part": 0, "source": "synth:saw"},
        {"family": "drums", "piece": "2", "part": 0, "source": "font:0:40", "kit": "k", "part_name": "kick"},
        {"family": "flute", "piece": "3", "part": 0, "source": "synth:saw"},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"stems": stems}))
    return tmp_path


def test_stems_are_heard_mono_at_the_rate_of_the_bundle_and_silence_is_not(shard):
    heard = []

    def listen(audio: torch.Tensor) -> torch.Tensor:
        heard.append(audio)
        return audio[:, :SIZE]

    rows, terms = stem_embeddings(StemPool([shard]), listen, 16_000, 16_000, None)
    assert sorted(terms) == sorted([term_number("violin"), term_number("kick")])
    assert rows.shape == (2, SIZE)
    assert all(audio.shape[1] == 16_000 and audio.dtype == torch.float32 for audio in heard)


def test_pieces_are_held_back_whole(shard):
    pool = StemPool([shard])
    parts = [
        stem_embeddings(pool, lambda audio: audio[:, :SIZE], 16_000, 16_000, held_out)[1] for held_out in (False, True)
    ]
    assert sorted(np.concatenate(parts)) == sorted([term_number("violin"), term_number("kick")])


def test_credits_name_every_source_once(shard):
    assert len(heard_in([shard]).lines()) == 2
