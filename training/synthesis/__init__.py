"""Make training material: compose pieces, play them, render their stems into a cache, draw their players."""
