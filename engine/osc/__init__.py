"""The OSC bridge."""
