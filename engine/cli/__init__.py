"""The command line: ``parser`` says what can be typed, ``commands`` does it."""
