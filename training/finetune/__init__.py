"""Train a bundle's flow further on a folder of your own stems: bundle in, bundle out.

``command`` runs it on the pieces that ``stems`` finds; ``unpack`` and ``weights`` turn graphs back into networks
(``unnamed_weights`` those of older bundles).
"""
