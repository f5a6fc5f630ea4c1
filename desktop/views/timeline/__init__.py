"""The mix and its lanes along one time axis: waveforms, ruler, lane headers."""
