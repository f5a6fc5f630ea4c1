"""Train a bundle's flow further on a folder of your own stems: bundle in, bundle out. Codec and prompt tower stay."""
