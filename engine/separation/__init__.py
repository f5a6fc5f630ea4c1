"""Isolate and remove: ``by_mask`` asks the mask decoder or an expert, ``by_flow`` the flow; both filter the mix."""
