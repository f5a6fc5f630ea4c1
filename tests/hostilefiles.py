"""Mutated media files and bundles, given to processes that are confined as the product's are.

A process takes one file after the other, so that thousands are tried in a minute. It has the limits and the walls of
the engine's process (*host*) or of a decoder, and does with each file what the product does there. When it dies, or
does not answer in time, that is counted for the file it was at, and the next file gets a new process; after
``FILES_EACH`` files it is replaced anyway, so that none has much behind it.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from tally import Tally
from toybundle import write_toy_bundle

from engine import EngineError

LIMIT_S = 60.0  # of one file: the clock of the product's decoder
FILES_EACH = 250

Work = Callable[[str], str]  # what is asked in a word, and what came of it


def mutated(raw: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Another version of a file: bytes, numbers or whole pieces changed, most often near its head."""
    data = bytearray(raw)
    for _ in range(dice.choice((1, 1, 2, 4, 16))):
        near = min(int(dice.expovariate(8 / len(data))), len(data) - 1)
        at = near if dice.random() < 0.7 else dice.randrange(len(data))
        kind = dice.randrange(7)
        if kind == 0:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            data[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            number = dice.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, dice.getrandbits(32)))
            data[at : at + 4] = number.to_bytes(4, dice.choice(("little", "big")))
        elif kind == 3:
            del data[at : at + dice.randrange(1, 64)]
        elif kind == 4:
            data[at:at] = data[at : at + dice.randrange(1, 256)]
        elif kind == 5 and len(data) > 64:
            data = data[: dice.randrange(32, len(data))]
        else:
            other = dice.choice(others)
            begin = dice.randrange(len(other))
            piece = other[begin : begin + dice.randrange(1, 128)]
            data[at : at + len(piece)] = piece
        if not data:
            data = bytearray(raw)
    return bytes(data)


class ConfinedProcess:
    """A process that works on what it is asked, word by word.

    Args:
        prepare: called in it once; confines it and gives the work.
    """

    def __init__(self, prepare: Callable[[], Work]) -> None:
        asked, self._ask = os.pipe()
        self._answer, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._ask)
            os.close(self._answer)
            _serve(prepare, asked, answers)
        os.close(asked)
        os.close(answers)
        self.files = 0

    def ask(self, word: str) -> str:
        """What came of it; ``died SIGNAL`` or ``too long`` where the process is gone now."""
        self.files += 1
        with contextlib.suppress(BrokenPipeError):
            os.write(self._ask, word.encode() + b"\n")
        end_s, answer = time.monotonic() + LIMIT_S, b""
        while not answer.endswith(b"\n"):
            if not select.select([self._answer], [], [], max(end_s - time.monotonic(), 0.0))[0]:
                self.end()
                return "too long"
            piece = os.read(self._answer, 4096)
            if not piece:
                return f"died {self.end()}"
            answer += piece
        return answer.decode("utf-8", "replace").strip()

    def end(self) -> str:
        """Kill it.

        Returns:
            What it had died of before, as the name of a signal or a code.
        """
        with contextlib.suppress(ProcessLookupError):
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if not done:
                time.sleep(0.05)  # it may just be going
                done, status = os.waitpid(self.pid, os.WNOHANG)
            if not done:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            for number in (self._ask, self._answer):
                os.close(number)
            return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"code {status >> 8}"
        return "unknown"


def _serve(prepare: Callable[[], Work], asked: int, answers: int) -> None:
    """In the new process; never returns."""
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        work = prepare()
        with os.fdopen(asked, "rb") as words:
            for word in words:
                answer = work(word.decode().strip())
                os.write(answers, " ".join(answer.split()).encode("utf-8", "replace")[:1000] + b"\n")
        code = 0
    finally:
        os._exit(code)


class Role:
    """One kind of process; there is always one of it while it is used.

    Args:
        prepare: see ``ConfinedProcess``.
    """

    def __init__(self, prepare: Callable[[], Work]) -> None:
        self._prepare = prepare
        self._process: ConfinedProcess | None = None

    def ask(self, word: str) -> str:
        """What came of it."""
        if self._process is None:
            self._process = ConfinedProcess(self._prepare)
        answer = self._process.ask(word)
        if answer == "too long" or answer.startswith("died"):
            self._process = None
        elif self._process.files >= FILES_EACH:
            self.end()
        return answer

    def end(self) -> None:
        """End its process."""
        if self._process is not None:
            self._process.end()
            self._process = None


# Media.


def media_seeds(folder: Path) -> dict[str, bytes]:
    """Small files of many kinds, by name."""
    from PIL import Image
    from showfiles import BLUE, RED, plain, write_animation, write_video
    from soundfiles import sound, with_av

    folder.mkdir()
    small_NC = sound()[:6_000]
    for name, more in {
        "a.wav": {}, "b.flac": {}, "c.ogg": {}, "d.mp3": {}, "e.aiff": {}, "f.caf": {}, "g.w64": {}, "h.au": {},
        "i.wav": {"subtype": "FLOAT"}, "j.wav": {"subtype": "IMA_ADPCM"}, "k.rf64": {"format": "RF64"},
    }.items():  # fmt: skip
        with contextlib.suppress(soundfile.LibsndfileError, TypeError, ValueError):
            soundfile.write(folder / name, small_NC, 44_100, **more)
    with contextlib.suppress(Exception):
        with_av(folder / "l.m4a", "alac", "ipod", sample_format="s16p")
    for suffix in ("png", "jpg", "gif", "webp", "bmp", "tiff", "tga", "ico"):
        with contextlib.suppress(OSError, KeyError, ValueError):
            Image.fromarray(plain(RED)).save(folder / f"picture.{suffix}")
    write_animation(folder / "moving.gif", [plain(RED), plain(BLUE)], shown_ms=100)
    for suffix in ("mp4", "mkv", "avi"):
        with contextlib.suppress(Exception):
            write_video(folder / f"film.{suffix}", [plain(RED)] * 5)
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.stat().st_size}


def load_decoders() -> None:
    """Load what decoders load, so that the processes forked from this one need not."""
    import av  # noqa: F401
    from PIL import Image

    import engine.media.audio
    import engine.media.decoder
    import engine.media.image
    import engine.media.mix_decoder
    import engine.media.video  # noqa: F401

    Image.init()


def host_that_reads(folder: Path) -> Work:
    """The engine's process before a mix or an example: what it reads of the file itself, without a decoder."""
    from engine.audio.read_tags import read_tags
    from engine.audio.reader import blocks
    from engine.confinement import confine_host
    from engine.media.intake import open_audio
    from engine.media.limits import UnusableFile
    from engine.media.reference import MediaExample

    confine_host([str(folder)])

    def work(word: str) -> str:
        kind, _, path = word.partition(" ")
        wanted: list[str] = []

        def decode(main: str, *rest: object) -> dict[str, object]:
            wanted.append(main)
            raise UnusableFile("is for the decoder")

        try:
            if kind == "example":
                MediaExample(path).guess_kind()
                return "for the decoder"
            with open_audio(path, folder, lambda done, stage: None, lambda: None, decode) as info:
                read_tags(info.path)
                for _ in blocks(info):
                    pass
            return "used"
        except EngineError as error:
            if wanted:
                return "for the decoder"
            return "refused" if "\n" not in str(error) else f"several lines: {error}"
        except Exception as error:
            return f"unexpected {type(error).__name__}: {error}"

    return work


def decoder(file: int, result: int) -> Work:
    """A decoder; like the product's it has open files and no names.

    Args:
        file, result: descriptors of its input and its output.
    """
    from engine.confinement import confine_decoder
    from engine.media.decoder import DecodeSpec, decode, limit_ourselves
    from engine.media.limits import DECODE_LIMIT_S
    from engine.media.mix_decoder import write_mix

    wanted = DecodeSpec(
        kind=None, part_s=(0.0, None), length_s=None, size_px=16, ticks_hz=32.0, rate_hz=16_000, samples=1600,
        limit_s=DECODE_LIMIT_S,
    )  # fmt: skip
    limit_ourselves(DECODE_LIMIT_S)
    confine_decoder()

    def work(word: str) -> str:
        with os.fdopen(os.dup(file), "rb") as here, os.fdopen(os.dup(result), "wb") as there:
            here.seek(0)
            there.seek(0)
            try:
                _ = write_mix(here, there) if word == "mix" else decode(here, wanted, there)
                there.flush()
            except Exception:  # the product makes one sentence of it
                return "refused"
        return "used"

    return work


def decode_really(path: Path, folder: Path, as_mix: bool) -> str:
    """Decode through the product's own path, with a process for this file; gives what came of it."""
    from engine.media.decoder import DecodeSpec
    from engine.media.intake import open_audio
    from engine.media.limits import DECODE_LIMIT_S
    from engine.media.reference import MediaExample
    from engine.media.sandbox import decode_apart

    wanted = DecodeSpec(
        kind=None, part_s=(0.0, None), length_s=None, size_px=16, ticks_hz=32.0, rate_hz=16_000, samples=1600,
        limit_s=DECODE_LIMIT_S,
    )  # fmt: skip
    try:
        if as_mix:
            with open_audio(str(path), folder, lambda done, stage: None, lambda: None):
                return "used"
        example = MediaExample(str(path))
        example.guess_kind()
        with decode_apart(example, wanted, folder, lambda: None):
            return "used"
    except EngineError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {error}"


class MediaLane:
    """One of several processes that mutate files and have them read.

    Args:
        folder: of its own.
        seeds: good files by name.
    """

    def __init__(self, folder: Path, seeds: dict[str, bytes]) -> None:
        folder.mkdir()
        self._folder, self._seeds = folder, seeds
        self._others = list(seeds.values())
        self._input = tempfile.TemporaryFile()  # noqa: SIM115  # held until close
        self._result = tempfile.TemporaryFile()  # noqa: SIM115
        self._host = Role(lambda: host_that_reads(folder))
        self._decoder = Role(lambda: decoder(self._input.fileno(), self._result.fileno()))
        self.tally = Tally()

    def close(self) -> None:
        """End its processes."""
        self._host.end()
        self._decoder.end()
        self._input.close()
        self._result.close()

    def try_one(self, number: int, seed: str, really: bool) -> None:
        """Mutate one file, and count what came of it; the same file for the same numbers."""
        dice = random.Random(f"{seed} {number}")
        name = dice.choice(list(self._seeds))
        data = mutated(self._seeds[name], self._others, dice)
        path = self._folder / f"file{Path(name).suffix}"
        path.write_bytes(data)
        as_mix, began_s = bool(number % 2), time.monotonic()
        what = f"file {number} of seed {seed} ({name}, as {'a mix' if as_mix else 'an example'})"
        self.tally.counts["files"] += 1
        if really:
            self._note("by a process of its own", decode_really(path, self._folder, as_mix), what)
        else:
            said = self._host.ask(f"{'mix' if as_mix else 'example'} {path}")
            if said == "for the decoder":
                self._give(data)
                said = self._decoder.ask("mix" if as_mix else "example")
                if said == "too long":  # the product gives it up in time, and says so in a sentence
                    said = decode_really(path, self._folder, as_mix)
                    self.tally.counts["by a decoder: given up at its clock"] += 1
                self._note("by a decoder", said, what)
            else:
                self._note("by the host itself", said, what)
        self.tally.see("slowest_s", time.monotonic() - began_s)
        path.unlink()

    def _give(self, data: bytes) -> None:
        os.ftruncate(self._result.fileno(), 0)
        os.ftruncate(self._input.fileno(), 0)
        os.pwrite(self._input.fileno(), data, 0)

    def _note(self, who: str, said: str, what: str) -> None:
        """Count an outcome; a decoder may die, as that is what it is for, and a host may not."""
        known = said in ("used", "refused") or (said.startswith("died SIG") and who == "by a decoder")
        self.tally.counts[f"{who}: {said if known else 'faults'}"] += 1
        if not known:
            self.tally.faults.append(f"{what}, {who}: {said}")


# Bundles.


def host_that_opens(folder: Path) -> Work:
    """The engine's process with a bundle: it opens it, and runs its text encoder, its codec and its step."""
    from engine.bundle.bundle import load_bundle
    from engine.bundle.trust import check_bundle
    from engine.confinement import confine_host
    from engine.inference.model import open_model
    from engine.runtime.select import open_backend
    from engine.text.intent import Intent

    confine_host([])

    def work(word: str) -> str:
        try:
            bundle = load_bundle(folder, check_hashes=False)
            check_bundle(bundle)
            model = open_model(bundle, open_backend("cpu"))
            model.text.embed([Intent.of("a violin and " + "a" * 500)])
            grid = model.grid
            model.codec.decode(np.zeros((1, grid.latent_channels, grid.window_frames), np.float32))
            return "used"
        except EngineError as error:
            return "refused" if "\n" not in str(error) else f"several lines: {error}"
        except MemoryError:
            return "refused"
        except Exception as error:
            return f"unexpected {type(error).__name__}: {error}"

    return work


class BundleLane:
    """One of several processes that mutate bundles and have them opened.

    Args:
        folder: of its own.
    """

    def __init__(self, folder: Path) -> None:
        from engine.bundle.bundle import file_sha256

        self._bundle = write_toy_bundle(folder)
        self._files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        self._hashes = {name: file_sha256(folder / name) for name in self._files}
        self._host = Role(lambda: host_that_opens(folder))
        self.tally = Tally()
        if (said := self._host.ask("as it is")) != "used":
            self.tally.faults.append(f"even the bundle that was not changed does not open: {said}")

    def close(self) -> None:
        """End its process."""
        self._host.end()

    def try_one(self, number: int, seed: str) -> None:
        """Mutate one bundle, and count what came of it; most have the right hashes, as their maker can see to."""
        from engine.bundle.bundle import file_sha256, load_bundle
        from engine.errors import BundleError

        dice, began_s = random.Random(f"{seed} {number}"), time.monotonic()
        name = dice.choice([name for name in self._files if not name.endswith(".sha256")])
        changed = self._bundle / name
        changed.write_bytes(mutated(self._files[name], list(self._files.values()), dice))
        if dice.random() < 0.8:
            (self._bundle / "manifest.sha256").unlink(missing_ok=True)
            if name != "manifest.json":
                manifest = self._files["manifest.json"]
                manifest = manifest.replace(self._hashes[name].encode(), file_sha256(changed).encode())
                (self._bundle / "manifest.json").write_bytes(manifest)
        self.tally.counts["bundles"] += 1
        with contextlib.suppress(BundleError):  # what every client does itself
            load_bundle(self._bundle, check_hashes=False)
            self.tally.counts["manifests read"] += 1
        said = self._host.ask("changed")
        known = said in ("used", "refused")
        self.tally.counts[said if known else "faults"] += 1
        if not known:
            self.tally.faults.append(f"bundle {number} of seed {seed} ({name}): {said}")
        self.tally.see("slowest_s", time.monotonic() - began_s)
        for file, raw in self._files.items():
            path = self._bundle / file
            if file in (name, "manifest.json") or not path.exists():
                path.write_bytes(raw)
