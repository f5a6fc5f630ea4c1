"""The papers' own networks (``mage``, ``mge``), their paths and samplers (``diffusion``), and ``ablations`` of them."""
