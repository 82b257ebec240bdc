"""The methods: one file each, registered by subclassing."""

from ne_interactive.methods.base import METHODS, NeighborEmbedding
from ne_interactive.methods.cosne import COSNE
from ne_interactive.methods.densmap import DensMAP
from ne_interactive.methods.infotsne import InfoTSNE
from ne_interactive.methods.khorn import SNEkhorn, TSNEkhorn
from ne_interactive.methods.largevis import LargeVis
from ne_interactive.methods.localmap import LocalMAP
from ne_interactive.methods.pacmap import PACMAP
from ne_interactive.methods.sampling import NegativeSamplingNeighborEmbedding
from ne_interactive.methods.sne import SNE
from ne_interactive.methods.spectrum import ContrastiveSpectrum
from ne_interactive.methods.tsne import TSNE
from ne_interactive.methods.umap import UMAP

__all__ = [
    "COSNE",
    "METHODS",
    "PACMAP",
    "SNE",
    "TSNE",
    "UMAP",
    "ContrastiveSpectrum",
    "DensMAP",
    "InfoTSNE",
    "LargeVis",
    "LocalMAP",
    "NegativeSamplingNeighborEmbedding",
    "NeighborEmbedding",
    "SNEkhorn",
    "TSNEkhorn",
]
