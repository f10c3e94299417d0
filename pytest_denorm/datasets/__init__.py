"""Statistics and sweeps over whole data sets."""
