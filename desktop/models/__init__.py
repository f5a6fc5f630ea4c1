"""The state of the window and its rules. QtCore and the undo stack only; no widgets."""
