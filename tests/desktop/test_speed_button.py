"""Speed and pitch in the real window: the button says them, the card changes them, keys step them."""

import pytest


def test_speed_and_pitch_are_said_changed_and_put_back(loaded):
    speed, button = loaded.workspace.speed, loaded.speed
    assert (button.text(), button.isChecked()) == ("100%", False)
    narrow = button.width()
    button.click()
    card = button.card
    assert card.isVisible()
    card.quick[0.75].click()
    card.pitch.setValue(-2)
    assert (speed.speed, speed.semitones) == (0.75, -2.0)
    assert (button.text(), button.isChecked()) == ("75% -2", True)
    assert button.width() > narrow, "it has words once there is something to say"
    assert card.pitch_words.text() == "-2 semitones"
    card.speed.setValue(60)
    assert speed.speed == pytest.approx(0.6)
    card.reset.click()
    assert (button.text(), button.isChecked()) == ("100%", False)
    assert button.width() == narrow
    assert (card.speed.value(), card.pitch.value()) == (100, 0)
    card.hide()


def test_keys_step_the_speed(loaded):
    loaded.actions_by_name["slower"].trigger()
    assert loaded.speed.text() == "95%"
    loaded.actions_by_name["usual_speed"].trigger()
    loaded.actions_by_name["faster"].trigger()
    assert loaded.speed.text() == "110%"


def test_what_plays_is_slowed_down_without_stopping(loaded, device):
    player = loaded.workspace.transport.player
    player.library = lambda: device
    loaded.actions_by_name["play"].trigger()
    device.read(800)
    loaded.workspace.speed.set(speed=0.5)
    assert player.playing
    before = player.position
    device.read(800)
    assert player.position - before == pytest.approx(400, abs=150)
    loaded.workspace.transport.stop()
