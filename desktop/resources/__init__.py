"""Files that the window carries with it: names for completion, translations."""
