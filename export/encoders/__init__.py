"""CLAP's and CLIP's towers as graphs of a bundle, checked against torch."""
