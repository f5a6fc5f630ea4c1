"""The cache of a mix: the same samples as without it, whatever happens to its files, and no more than it may hold."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toyexperts
from toybundle import write_toy_bundle
from toymask import SHORT

import engine.inference.mix_cache
from engine.audio.disk_array import DiskArray, DiskArrayUint16
from engine.checks import check_files, check_values
from engine.errors import OutputError, RequestError
from engine.inference.masker import MaskDecoder
from engine.inference.mix_cache import SUFFIX, MixCache
from engine.request import Request

ROOT = Path(__file__).resolve().parents[3]
RATE_HZ = SHORT.rate_hz


def read(path):
    return soundfile.read(path, dtype="float64", always_2d=True)[0]


def entries(folder):
    return sorted(Path(folder).glob(f"*{SUFFIX}"))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    root = tmp_path_factory.mktemp("bundles")
    experts = [toyexperts.expert("shares", "spectral", ["violin"])]
    graphs = {"expert-shares": toyexperts.spectral_graph({"vocals": 0.9})}
    return {
        "masks": str(write_toy_bundle(root / "masks", decoder=SHORT, soft=5.0)),
        "hearing": str(write_toy_bundle(root / "hearing", decoder=SHORT, soft=5.0, hears=True)),
        "estimates": str(write_toy_bundle(root / "estimates", decoder=SHORT, estimate=True)),
        "flow": str(write_toy_bundle(root / "flow")),
        "experts": str(toyexperts.write_bundle_with_experts(root / "experts", experts, graphs)),
    }


@pytest.fixture
def cache(tmp_path):
    return str(tmp_path / "cache")


def results_of(done):
    return [(read(one.stem), read(one.rest), one.presence_windows, one.level_db) for one in done.results]


def assert_same(done, other):
    for one, two in zip(results_of(done), results_of(other), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
        assert one[2:] == two[2:]


@pytest.mark.parametrize("bundle", ["masks", "hearing", "experts", "estimates", "flow"])
def test_what_is_known_gives_the_same_samples(run, noise, bundles, cache, bundle):
    asked = {"input": noise(seconds=3.0, subtype="PCM_24"), "bundle": bundles[bundle], "prompts": ("violin", "drums")}
    without = run(**asked)
    filling, known = run(**asked, cache=cache), run(**asked, cache=cache)
    assert_same(without, filling)
    assert_same(without, known)
    assert filling.timings["separate" if bundle != "flow" else "encode"] > 0
    assert (known.timings["separate"], known.timings["encode"]) == (0, 0), "no graph of the mix ran"
    assert entries(cache)


@pytest.mark.parametrize(
    "other",
    [
        {"sensitivity": 0.9},
        {"format": "wav16"},
        {"prompts": ("drums", "violin")},
        {"prompts": ("violin", "drums"), "other": True},
    ],
)
def test_masks_serve_other_requests_for_the_same_mix(run, noise, bundles, cache, other):
    asked = {"input": noise(seconds=3.0, subtype="PCM_24"), "bundle": bundles["masks"], "prompts": ("violin", "drums")}
    run(**asked, cache=cache)
    known, fresh = run(**asked | other, cache=cache), run(**asked | other)
    assert known.timings["separate"] == 0
    for one, two in zip(known.results, fresh.results, strict=True):
        np.testing.assert_array_equal(read(one.stem), read(two.stem))


def test_the_next_prompt_goes_on_from_what_was_heard(run, noise, bundles, cache, monkeypatch):
    """Where the end of the mask decoder is a graph of its own, its beginning runs once for a mix."""
    asked = {"input": noise(seconds=4.0, subtype="PCM_24"), "bundle": bundles["hearing"]}
    run(**asked, prompts=("violin",), cache=cache)
    assert len(entries(cache)) == 2
    without = run(**asked, prompts=("drums", "bass"))
    monkeypatch.setattr(MaskDecoder, "hear", None)
    monkeypatch.setattr(MaskDecoder, "masks", None)
    assert_same(without, run(**asked, prompts=("drums", "bass"), cache=cache))
    assert len(entries(cache)) == 4


def test_the_sound_decides_and_not_its_file(run, noise, bundles, cache, tmp_path):
    mix = noise(seconds=3.0, subtype="PCM_24")
    soundfile.write(tmp_path / "other name.flac", soundfile.read(mix)[0], RATE_HZ, subtype="PCM_24")
    asked = {"bundle": bundles["masks"], "prompts": ("bass",), "cache": cache}
    first, second = run(input=mix, **asked), run(input=tmp_path / "other name.flac", **asked)
    assert second.timings["separate"] == 0
    np.testing.assert_array_equal(read(first.results[0].stem), read(second.results[0].stem))
    changed = read(mix)
    changed[1_000, 0] += 2.0**-10
    soundfile.write(mix, changed, RATE_HZ, subtype="PCM_24")
    assert run(input=mix, **asked).timings["separate"] > 0


@pytest.mark.parametrize(
    "other", [{"prompts": ("drums",)}, {"task": "remove"}, {"region_s": (0.5, 2.5)}, {"expert": "none"}]
)
def test_nothing_is_taken_for_what_it_is_not(run, noise, bundles, cache, other):
    asked = {"input": noise(seconds=3.0, subtype="PCM_24"), "bundle": bundles["experts"], "prompts": ("violin",)}
    run(**asked, cache=cache)
    assert_same(run(**asked | other, cache=cache), run(**asked | other))


def test_another_bundle_of_the_same_name_computes_anew(run, noise, cache, tmp_path):
    mix, found = noise(seconds=2.5, subtype="PCM_24"), []
    for soft in (0.0, 20.0):
        bundle = str(write_toy_bundle(tmp_path / f"{soft}" / "toy", decoder=SHORT, soft=soft))
        asked = {"input": mix, "bundle": bundle, "prompts": ("bass",)}
        found.append(run(**asked, cache=cache))
        assert_same(found[-1], run(**asked))
    assert found[1].timings["separate"] > 0
    assert np.abs(read(found[0].results[0].stem) - read(found[1].results[0].stem)).max() > 1e-3


def test_another_version_of_the_engine_computes_anew(run, noise, bundles, cache, monkeypatch):
    asked = {"input": noise(seconds=2.5), "bundle": bundles["masks"], "prompts": ("bass",), "cache": cache}
    run(**asked)
    monkeypatch.setattr(engine.inference.mix_cache, "engine_version", lambda: "0.0.0")
    assert run(**asked).timings["separate"] > 0
    assert run(**asked).timings["separate"] == 0


def shortened(data):
    return data[: len(data) // 2]


def flipped(data):
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        shortened,
        flipped,
        lambda data: data + b"more",
        lambda data: b"{}\n" + data,
        lambda data: b"[" * 100_000,
        lambda data: data.replace(b'"rows": ', b'"rows": 9'),
        lambda data: data.replace(b'"rows": ', b'"rows": -'),
        lambda data: data.replace(b'"numbers": [', b'"numbers": ["x", '),
    ],
)
def test_a_damaged_entry_is_computed_again(run, noise, bundles, cache, damage):
    asked = {"input": noise(seconds=1.5, subtype="PCM_24"), "bundle": bundles["masks"], "prompts": ("bass",)}
    without = run(**asked)
    run(**asked, cache=cache)
    [entry] = entries(cache)
    entry.write_bytes(damage(entry.read_bytes()))
    mended = run(**asked, cache=cache)
    assert mended.timings["separate"] > 0
    assert_same(without, mended)
    known = run(**asked, cache=cache)
    assert known.timings["separate"] == 0
    assert_same(without, known)


def test_an_entry_under_the_name_of_another_is_not_believed(tmp_path):
    cache = MixCache(tmp_path / "cache", 10**6, ("bundle", "cpu"))
    one, two = cache.key("masks", "one"), cache.key("masks", "two")
    with DiskArray(tmp_path, 3) as rows:
        rows.append(np.ones((5, 3), np.float32))
        cache.store(one, rows)
    os.replace(tmp_path / "cache" / f"{one}{SUFFIX}", tmp_path / "cache" / f"{two}{SUFFIX}")
    assert cache.load(two, lambda: DiskArray(tmp_path, 3)) is None
    assert not entries(tmp_path / "cache")


def stored(cache, folder, key, rows, fill=1.0):
    with DiskArray(folder, 100) as array:
        array.append(np.full((rows, 100), fill, np.float32))
        cache.store(key, array, [fill, 1 / 3])


def test_rows_and_numbers_come_back_exactly(tmp_path):
    cache = MixCache(tmp_path / "cache", 10**8, ("bundle", "cpu"))
    whole = np.random.default_rng(0).integers(0, 65_536, (3_000, 1_000)).astype(np.uint16)
    numbers = np.random.default_rng(0).uniform(0, 1, 100).tolist()
    with DiskArrayUint16(tmp_path, 1_000) as rows:
        rows.append(whole)
        cache.store("key", rows, numbers)
    found, said = cache.load("key", lambda: DiskArrayUint16(tmp_path, 1_000))
    with found:
        np.testing.assert_array_equal(found.read(0, 3_000), whole)
    assert said == numbers
    assert cache.load("key", lambda: DiskArray(tmp_path, 1_000)) is None, "rows of another type"


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    folder = tmp_path / "cache"
    cache = MixCache(folder, 130_000, ("bundle", "cpu"))  # room for three of these
    for age, key in enumerate("abc"):
        stored(cache, tmp_path, key, 100)
        os.utime(folder / f"{key}{SUFFIX}", ns=(age * 10**9, age * 10**9))
    cache.load("a", lambda: DiskArray(tmp_path, 100))[0].close()
    stored(cache, tmp_path, "d", 100)
    assert {path.stem for path in entries(folder)} == {"a", "c", "d"}


def test_the_cache_never_holds_more_than_it_may(tmp_path):
    folder = tmp_path / "cache"
    cache = MixCache(folder, 200_000, ("bundle", "cpu"))
    for number in range(12):
        stored(cache, tmp_path, f"{number}", 10 + 37 * number)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 200_000
    assert entries(folder)
    stored(cache, tmp_path, "too large", 1_000)
    assert not (folder / f"too large{SUFFIX}").exists()


PROCESS = """
import sys, numpy as np
from pathlib import Path
from engine.audio.disk_array import DiskArray
from engine.inference.mix_cache import MixCache
folder, seed = Path(sys.argv[1]), int(sys.argv[2])
cache, rng, hits = MixCache(folder / "cache", 150_000, ("bundle", "cpu")), np.random.default_rng(seed), 0
for _ in range(150):
    key = int(rng.integers(8))
    found = cache.load(f"{key}", lambda: DiskArray(folder, 50))
    if found is None:
        with DiskArray(folder, 50) as rows:
            rows.append(np.full((100 + key, 50), key, np.float32))
            cache.store(f"{key}", rows, [key])
        continue
    hits += 1
    with found[0] as rows:
        assert rows.rows == 100 + key and (rows.read(0, rows.rows) == key).all() and found[1] == [key]
print(hits)
"""


def test_several_processes_share_one_cache(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), str(seed)], env=environment, stdout=subprocess.PIPE
        )
        for seed in range(3)
    ]
    hits = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert min(hits) > 0
    MixCache(tmp_path / "cache", 150_000, ()).store("last", DiskArray(tmp_path, 1))
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) <= 150_000
    assert all(path.suffix == SUFFIX for path in (tmp_path / "cache").iterdir()), "nothing half done is left"


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(run, noise, bundles, tmp_path):
    (tmp_path / "file").write_text("no folder")
    asked = {"input": noise(seconds=1.5), "bundle": bundles["masks"], "prompts": ("bass",)}
    assert_same(run(**asked), run(**asked, cache=str(tmp_path / "file" / "cache")))
    values = {"task": "isolate", "out": str(tmp_path), "cache": str(tmp_path / "file" / "cache")}
    request = Request(**asked | values | {"input": str(asked["input"])})
    with pytest.raises(OutputError, match="not a folder"):
        check_files(request)


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), "much"])
def test_the_size_of_a_cache_is_checked(size):
    with pytest.raises(RequestError, match="cache"):
        check_values(Request(task="isolate", input="mix.wav", prompts=("bass",), cache="folder", cache_gb=size))
