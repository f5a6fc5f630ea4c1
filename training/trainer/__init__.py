"""What every training stage shares.

``trainer`` is the loop, ``distributed`` the processes that train together, ``precision`` their arithmetic;
``checkpoints`` reads foreign ones safely, ``arguments`` are the options of every stage.
"""
