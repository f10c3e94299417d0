"""Comparing pipelines: do training, validation and serving see the same colors?"""
