"""The bench: how well a bundle takes stems out of mixes, beside baselines, printed by one command.

sets      mixes by seed, of recordings that no training mix may hold; held are the stems they are mixed from, recorded
          says who plays in each
baselines systems that need no training: bounds from below and above, and blind ones; spleeter has its own weights
ours      a bundle, used through the engine's front door
adapter   any other separator, as a command over a folder of jobs
ears      figures by embeddings: our own prompt towers, or CLAP; classifier names instruments without them
studies   what is more than separation: conditions and seen (pictures, sounds, words; films draws them as files), made
          (regenerate, generate, judged as music), whole (the band at once), fill (inpaint, extend), restyle, edit
          (replace), arrange; recast says which instrument takes a place, settings what is tried beside the defaults
fits      does a sound fit another, and more than a foreign one; pairs: two ways of making, example by example
additive  do decoded stem and rest add up to the decoded mix
run       systems times examples -> figures; report, plots, page write them down, brief for the README; compare is
          the guard, models the page of what each bundle can do
"""
