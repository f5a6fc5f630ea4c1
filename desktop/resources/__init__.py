"""Resources of the window: instrument names, translations, icons, style sheet."""
