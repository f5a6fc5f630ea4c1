"""Sound as the window needs it: kept by its hash, drawn, mixed, measured and written. No Qt anywhere in here."""
