"""What a clip plays of its file, and how a clip of the result is made to play the same.

Live counts a warped clip's time in beats and an unwarped one's in seconds; warp markers tie the two together.
"""


class UnusableClip(Exception):
    """This clip cannot be worked on; the sentence says why and what to do."""


class ClipSource:
    """What a clip plays, read once.

    Attributes:
        path: of its file.
        start_s, end_s: the part of the file that it plays.
        beat: where it begins in the Arrangement; None for a Session clip.
        warped, looped: how it plays.
        markers: warp markers of that part, as (seconds, beats) counted from its start; empty where it is not warped.
    """

    def __init__(self, clip):
        self.name = clip.name
        self.path = clip.file_path
        self.warped = bool(clip.warping)
        self.looped = bool(clip.looping)
        self.beat = float(clip.start_time) if is_arranged(clip) else None
        first, last = float(clip.loop_start), float(clip.loop_end)
        self.offset = float(clip.start_marker) - first if self.looped else 0.0
        if self.looped and self.beat is not None and float(clip.end_time) - self.beat > last - first + 1e-6:
            raise UnusableClip("the clip repeats its loop in the Arrangement; consolidate it first (Ctrl+J, Cmd+J)")
        if self.looped and self.offset < 0:
            raise UnusableClip(
                "the clip begins before its loop; set Start to the loop's start, or consolidate it first"
            )
        known = self._known = warp_points(clip) if self.warped else []
        self._first = first
        self.start_s = seconds_at(known, first) if self.warped else first
        self.end_s = seconds_at(known, last) if self.warped else last
        self.markers = marks_between(known, first, last) if self.warped else []
        if self.start_s < 0:
            raise UnusableClip("the clip begins before its file; crop it first (right-click, Crop Clip)")
        if self.end_s - self.start_s <= 0:
            raise UnusableClip("the clip plays nothing of its file")
        self.like = {name: getattr(clip, name, None) for name in ("pitch_coarse", "pitch_fine", "gain", "warp_mode")}

    def gap(self, beat, beats, tempo):
        """Seconds of the file that lie under a span of the Arrangement, as (start, end).

        Raises:
            UnusableClip: nothing of the clip lies there.
        """
        if self.beat is None:
            raise UnusableClip("say what to fill with start= and end=, in seconds of the clip's file")
        seconds = [self._seconds(one - self.beat, tempo) for one in (beat, beat + beats)]
        start_s, end_s = max(seconds[0], self.start_s), min(seconds[1], self.end_s)
        if end_s <= start_s:
            raise UnusableClip("set the loop brace of the Arrangement over what to fill, or say start= and end=")
        return start_s, end_s

    def _seconds(self, beats, tempo):
        """Seconds of the file, so many beats after the clip begins."""
        if self.warped:
            return seconds_at(self._known, self._first + self.offset + beats)
        return self._first + self.offset + beats * 60 / tempo


def read(clip):
    """What a clip plays.

    Raises:
        UnusableClip: there is none, or it cannot be worked on.
    """
    if clip is None:
        raise UnusableClip("select a clip first")
    if not clip.is_audio_clip:
        raise UnusableClip("this is a MIDI clip; freeze and flatten its track, then select the audio clip")
    if not clip.file_path:
        raise UnusableClip("this clip has no file yet; save the set, or consolidate the clip")
    return ClipSource(clip)


def is_arranged(clip):
    """True for a clip of the Arrangement."""
    known = getattr(clip, "is_arrangement_clip", None)
    return bool(known) if known is not None else not getattr(clip, "is_session_clip", False)


def warp_points(clip):
    """Warp markers as (beats, seconds of the file), in order.

    Raises:
        UnusableClip: Live tells none.
    """
    points = sorted((float(mark.beat_time), float(mark.sample_time)) for mark in getattr(clip, "warp_markers", ()))
    if len(points) < 2:
        raise UnusableClip("the warp of this clip cannot be read; switch Warp off, or consolidate the clip")
    return points


def seconds_at(points, beat):
    """Seconds of the file at a beat of the clip: straight between two markers, and on beyond the outer ones."""
    last = next((n for n in range(1, len(points)) if points[n][0] >= beat), len(points) - 1)
    (beat_0, s_0), (beat_1, s_1) = points[last - 1], points[last]
    return s_0 + (beat - beat_0) * (s_1 - s_0) / (beat_1 - beat_0)


def marks_between(points, first, last):
    """Markers of a part, both ends included, as (seconds, beats) counted from its start."""
    start_s = seconds_at(points, first)
    inner = [(s - start_s, beat - first) for beat, s in points if first < beat < last]
    return [(0.0, 0.0), *inner, (seconds_at(points, last) - start_s, last - first)]


def play_alike(made, heard, new_marker):
    """Let a clip of the result play as the first clip does.

    Args:
        made: Live's new clip, of a file that holds just the part that was played.
        heard: the first clip.
        new_marker: makes Live's own object of seconds and beats.

    Returns:
        What could not be set, in words.
    """
    missed = []
    wanted = [("warping", heard.warped), *((name, value) for name, value in heard.like.items() if value is not None)]
    for name, value in wanted:
        try:
            if getattr(made, name) != value:
                setattr(made, name, value)
        except Exception:  # Live refuses what fits no clip of this kind with errors of many kinds
            missed.append(name)
    if heard.warped and not _warp(made, heard.markers, new_marker):
        missed.append("warp markers")
    if heard.looped:
        try:
            made.looping = True
            if heard.offset:
                made.start_marker = made.loop_start + heard.offset
        except Exception:
            missed.append("loop")
    return missed


def _warp(made, wanted, new_marker):
    """Give a clip its warp markers; True when they are there."""
    try:
        for seconds, beats in wanted:
            if not _has(made, seconds, beats):
                made.add_warp_marker(new_marker(seconds, beats))
        for mark in list(made.warp_markers)[:-1]:  # the last is Live's own, behind the end
            if not any(abs(mark.beat_time - beats) < 1e-6 for _, beats in wanted):
                made.remove_warp_marker(mark.beat_time)
        return all(_has(made, seconds, beats) for seconds, beats in wanted)
    except Exception:
        return False


def _has(made, seconds, beats):
    return any(abs(m.beat_time - beats) < 1e-6 and abs(m.sample_time - seconds) < 1e-4 for m in made.warp_markers)
