"""The bench: how well a bundle takes stems out of mixes, beside baselines, printed by one command.

sets      mixes by seed, of recordings that no training mix may hold
baselines systems that need no training: bounds from below and above, and blind ones
ours      a bundle, used through the engine's front door
adapter   any other separator, as a command over a folder of jobs; rivals are two of them, trained here
ears      figures by embeddings: our own prompt towers, or CLAP
run       systems times examples -> figures; report, plots, page write them down; compare is the guard
"""
