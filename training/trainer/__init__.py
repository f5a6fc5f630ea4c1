"""What every training stage shares: the loop, processes that train together, precision, checkpoints, arguments."""
