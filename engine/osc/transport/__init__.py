"""Bytes and peers: ``sockets``, ``framing``, ``packets``, who may speak (``sessions``), and how the bridge is found."""
