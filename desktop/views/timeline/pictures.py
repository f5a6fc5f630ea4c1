"""What lanes, takes, ghosts and the mix are drawn from, as the workspace has it at the moment."""

from __future__ import annotations

from desktop.models.ghosts import GhostLane
from desktop.models.project import Lane, LaneTake, Project
from desktop.models.workspace import Workspace
from desktop.views.timeline.waveform_painter import WavePicture


def picture_of_mix(workspace: Workspace, project: Project, spectrogram: bool) -> WavePicture | None:
    """The mix; None while there is none, or nothing of it is read.

    Raises:
        AudioError: its audio is gone; so below.
    """
    if project.source is None:
        return None
    peaks = workspace.peaks(project.source)
    if peaks is None:
        return None
    spectrum = workspace.spectrum(project.source) if spectrogram else None
    return WavePicture(peaks, workspace.samples(project.source), 0, spectrum)


def picture_of_lane(
    workspace: Workspace, project: Project, lane: Lane, spectrogram: bool, before: WavePicture | None
) -> WavePicture | None:
    """A lane as it is heard; while that is computed, what was drawn before.

    Args:
        workspace, project, lane: where it is.
        spectrogram: True means no waveform.
        before: what is drawn now; it, or its spectrogram, stays until there is a better one.
    """
    peaks, sound = workspace.lane_peaks(lane), workspace.sound(lane)
    if peaks is None:
        return before
    spectrum = workspace.lane_spectrum(lane) if spectrogram else None
    if spectrum is None and spectrogram and before is not None:
        spectrum = before.spectrum
    is_stem = lane.role == "stem"
    compared = is_stem and lane.out_of == "mix" and project.source is not None
    return WavePicture(
        peaks,
        sound.samples_NC,
        sound.start,
        spectrum,
        lane.take.made.heard if is_stem else (),
        workspace.peaks(project.source) if compared and project.source is not None else None,
    )


def picture_of_take(workspace: Workspace, take: LaneTake) -> WavePicture | None:
    """One take of a lane, as it was made."""
    peaks = workspace.peaks(take.audio)
    return None if peaks is None else WavePicture(peaks, workspace.samples(take.audio), take.start)


def picture_of_ghost(workspace: Workspace, ghost: GhostLane) -> WavePicture | None:
    """A lane that a job is making, as far as it is there."""
    peaks = workspace.ghost_peaks(ghost)
    if peaks is None or ghost.samples_NC is None:
        return None
    return WavePicture(peaks, ghost.samples_NC, ghost.start)
