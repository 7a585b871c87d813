"""Training on a machine that is lent for minutes: packed data, degradation on the device, weights in pieces.

Needs torch, numpy and PIL there, nothing else.
"""
