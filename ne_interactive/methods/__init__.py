"""The methods: one file each, registered by subclassing."""

from ne_interactive.methods.base import METHODS, NeighborEmbedding
from ne_interactive.methods.tsne import TSNE
from ne_interactive.methods.umap import UMAP

__all__ = ["METHODS", "TSNE", "UMAP", "NeighborEmbedding"]
