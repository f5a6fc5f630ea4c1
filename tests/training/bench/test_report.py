"""What is written down: tables with intervals, JSON that reads back, pictures, and a page that a browser can play."""

import re
import shutil

import numpy as np
import pytest
from benchkit import a_run, example

from training.eval import page, plots, report
from training.eval.run import Kept

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
LOOK = """() => Promise.all([
  ...[...document.querySelectorAll('audio')].map(a => new Promise(done => {
     const say = () => done({kind: 'audio', good: a.duration > 0.5 && !a.error});
     if (a.readyState >= 1 || a.error) say(); else { a.onloadedmetadata = say; a.onerror = say; }})),
  ...[...document.images].map(i => ({kind: i.className, good: i.naturalWidth > 20})),
  ...[...document.querySelectorAll('svg polygon')].map(p => ({kind: 'wave', good: p.getBBox().height > 1})),
])"""
PLAY = """() => { const a = document.querySelector('audio'); a.muted = true;
  return a.play().then(() => new Promise(done => { a.ontimeupdate = () => a.currentTime > 0.1 && done(true); })) }"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    run, bench = a_run()
    run["sweeps"] = {"toy": {"toy, steps 2": {"steps": 2}}}
    run["systems"]["toy, steps 2"] = {"kind": "sweep", "doc": "two steps"}
    run["values"]["band"]["toy, steps 2"] = run["values"]["band"]["toy"]
    drawn = plots.draw_all(run, folder)
    report.write(run, drawn, folder)
    page.write(run, list(bench.kept.values()), drawn, folder)
    return folder, run, drawn


def test_the_json_reads_back_with_every_value(written):
    folder, run, _ = written
    again = report.read(folder / "report.json")
    for name, systems in run["values"].items():
        for system, columns in systems.items():
            for figure, column in columns.items():
                np.testing.assert_array_equal(again["values"][name][system][figure], column)


def test_the_tables_have_a_row_for_every_system_and_an_interval(written):
    text = (written[0] / "report.md").read_text("utf-8")
    band, absent = text.split("## band")[1].split("## absent")
    for system in ("toy", "mixture", "silence", "half"):
        assert re.search(rf"^\| {system} \|", band, re.M)
        assert re.search(rf"^\| {system} \| -?\d", absent, re.M)
    [row] = re.findall(r"^\| toy \|.*$", band, re.M)
    assert re.search(r"\| -?\d+\.\d\d \(-?\d+\.\d\d to -?\d+\.\d\d\) \|", row)
    assert re.search(r"^\| mixture \|.*\| 0\.00 \(0\.00 to 0\.00\) \|", band, re.M)
    assert "| silence | - | - | - | - | -30.00 |" in band
    assert re.search(r"^\| piano \| 3 \| -?\d", text.split("## By family")[1], re.M)
    assert "steps 2" in text
    assert "![bars](bars.png)" in text


def test_the_ruler_is_checked_on_an_answer_with_real_artefacts():
    """The toy leaks a share of the mix, without artefacts: only the third system's answer can be compared."""
    pytest.importorskip("mir_eval", reason="the extra bench has it")
    kept = Kept(example(0))
    mix_CN, dirt_CN = kept.example.mix_CN, np.random.default_rng(0).standard_normal(kept.example.mix_CN.shape)
    assert report.checked_by_mir_eval([kept]) == {}
    kept.stems = {"mixture": mix_CN, "silence": np.zeros_like(mix_CN)}
    assert report.checked_by_mir_eval([kept]) == {}
    kept.stems["real"] = (kept.example.stem_CN + 0.3 * kept.example.rest + 0.01 * dirt_CN).astype(np.float32)
    found = report.checked_by_mir_eval([kept])
    assert found["answers"] == 1
    assert found["largest_db"] < 0.05


def test_the_pictures_are_drawn(written):
    _, _, drawn = written
    assert {path.name for path in drawn} == {"bars.png", "steps.png", "stems.png"}  # no guidance was asked for
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_the_page_needs_nothing_beside_it(written):
    text = (written[0] / page.FILE).read_text("utf-8")
    sources = re.findall(r"(?:src|href)='([^']{0,40})", text)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert text.count("<section class=example>") == 4


def test_a_real_browser_shows_and_plays_the_page(written):
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium, Chrome or Edge on this machine; Debian: apt install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="drives the browser; pip install playwright")
    problems: list[str] = []
    with playwright.sync_playwright() as play:
        window = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage"])
        sheet = window.new_page()
        sheet.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        sheet.on("pageerror", lambda error: problems.append(str(error)))
        sheet.on(
            "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else problems.append(asked.url)
        )
        sheet.goto((written[0] / page.FILE).as_uri())
        assert sheet.locator("section.example").count() == 4
        assert sheet.locator("table").count() >= 3
        found = sheet.evaluate(LOOK)
        assert sheet.evaluate(PLAY)
        window.close()
    assert not problems
    kinds = [one["kind"] for one in found]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"audio": 16, "wave": 16, "spectrum": 16, "plot": 3}
    silent_waves = [one for one in found if not one["good"]]
    assert all(one["kind"] == "wave" for one in silent_waves)  # the stem that is not there is a flat line
    assert len(silent_waves) == 2
