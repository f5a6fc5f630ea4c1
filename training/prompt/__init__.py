"""The prompt tower: plain English to a unit-scale embedding that names an instrument family or a group of them."""
