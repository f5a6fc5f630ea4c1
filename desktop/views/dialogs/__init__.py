"""Export and settings dialogs."""
