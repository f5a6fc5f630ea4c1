"""The papers' networks (``mage``, ``mge``), paths and samplers (``diffusion``), and ``ablations``."""
