"""The bench: how well a bundle separates and makes stems, beside baselines, with one command.

command, run       systems times examples -> figures, kept for every example
example, sets      the mixes, made by seed of recordings that training may not hold; recordings says who plays in each,
                   held_stems renders the stems
bundle_system      a bundle, used through the engine's front door; additivity measures its decoded stems
baselines          bounds and blind systems; spleeter brings its own weights, adapter runs any other separator
embeddings         figures by embeddings: our prompt towers or CLAP; classifier names instruments from sound
studies, study     tasks other than separation: conditions and visual_grounding (images, videos and sounds as prompts),
                   generation, full_mix, inpainting, restyle, replacement, arrange
fit, musicality    does a made stem fit its surroundings; pairs compares two ways of making, example by example
report, plots, audio_examples, tables, readme, model_card    everything written down
regression         is one bundle worse than another
"""
