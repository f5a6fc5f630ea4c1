"""The papers' own networks and paths beside ours, and their ablation tables at a small budget."""
