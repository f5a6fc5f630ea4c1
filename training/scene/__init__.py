"""The scene encoder: frames of players to picture features in time and to one point of the prompt space."""
