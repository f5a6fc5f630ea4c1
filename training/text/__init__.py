"""What prompts say: the lexicon, requests and captions with a known answer, the tokenizer."""
