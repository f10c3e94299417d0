"""Grids of pictures, and image-comparison tests against stored baselines."""
