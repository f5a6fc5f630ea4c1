"""Training sound: composed, rendered stem by stem, cached, and mixed on the fly."""
