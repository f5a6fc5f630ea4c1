"""What a prompt says: ``grammar`` parses it, ``intent`` chooses the task, ``encoder`` turns it into an embedding."""
