"""What prompts say: ``lexicon`` (names, phrasings), ``requests`` and ``captions`` with known answers, ``tokenizer``."""
