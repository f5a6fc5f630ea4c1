"""Isolate and remove: filter the mix by masks (``by_mask``: mask decoder, experts) or by the flow (``by_flow``)."""
