"""Other names of parameters, and which one was probably meant."""

import difflib
from collections.abc import Iterable

ALIASES = {"learning_rate": "lr", "early_exaggeration": "early_exaggeration_coeff"}
"""Names that work as well."""

ELSEWHERE = {
    "n_iter": "max_iter", "n_epochs": "max_iter", "num_iters": "max_iter", "initialization": "init",
    "negative_sample_rate": "n_negatives", "dens_lambda": "density_weight", "n_dims": "n_components",
    "seed": "random_state",
}  # fmt: skip
"""What scikit-learn, openTSNE, umap-learn and pacmap call it. No aliases: other values may be usual there."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if any."""
    known = list(known)
    if ELSEWHERE.get(name) in known:
        return ELSEWHERE[name]
    near = difflib.get_close_matches(name, known, n=1)
    return near[0] if near else None


def hint(name: str, known: Iterable[str]) -> str:
    """A sentence that names the one probably meant, or all there are."""
    known = sorted(known)
    meant = nearest(name, known)
    return f"Did you mean {meant}?" if meant else f"There are {', '.join(known)}."
