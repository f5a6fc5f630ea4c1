"""Chains of plug-ins: what they are, which plug-ins there are, and rendering one in a process of its own.

Only ``chain_process.py`` imports pedalboard, which is GPL-3.0, and it runs in that process alone.
"""
