"""One process owns the device: ``client`` submits, ``main`` serves, ``queue`` orders the jobs, ``worker`` does one."""
