"""What the window knows: values, lists and the rules between them. QtCore and the undo stack; no widgets in here."""
