"""Widgets: they show the models and pass on what the user does; decisions are made in the models."""
