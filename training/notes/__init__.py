"""What the notes of a stem are heard with, as far as it is trained here."""
