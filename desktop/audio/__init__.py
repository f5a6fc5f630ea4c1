"""Audio for the window: stored by hash, drawn, mixed, played, measured and exported. No Qt in here."""
