"""Grids of images, and image-comparison tests against stored baselines.

Nothing is imported here: the mark must not cost what the figure costs, which is matplotlib.
"""
