"""TriMap in one file: how a method of one's own is written."""

import torch

import ne_interactive as ne
from ne_interactive.graph.families import ScaledNearest


@ne.declare
class TriMap(ne.NeighborEmbedding):
    """TriMap (Amid and Warmuth, arXiv:1910.00204): of three points, the near two shall stay nearer than the far two.

    With s = 1 / (1 + d^2), minimises the weighted mean of 1 / (1 + s_near / s_far) over triplets (i, near, far): a
    point, a neighbour of it and a point that is none; and, with little weight, a point and two random others.

    Examples:
        >>> TriMap(random_state=0).fit_transform(ne.datasets.digits().X).shape
        (1797, 2)
    """

    takes_affinity_out = False

    n_neighbors: int = ne.param(
        12, "Neighbours with which each point forms triplets.",
        bounds=(1, "n - 1"), closed="low", slider=(2, 60), scale="log", group="neighbours", live=True, redo="weights",
    )  # fmt: skip
    n_outliers: int = ne.param(4, "Triplets of each neighbour.", bounds=(1, 100), group="neighbours")
    n_random: int = ne.param(3, "Random triplets of each point.", bounds=(1, 100), group="neighbours")
    random_weight: float = ne.param(
        0.1, "Weight of the random triplets; more of it, more of the order at large.",
        bounds=(0, 1000), slider=(0.001, 10), scale="log", group="forces", live=True, redo="nothing",
    )  # fmt: skip
    weight_temp: float = ne.param(
        0.5, "How far the weights are levelled: 0 leaves the differences as they are.",
        bounds=(0, 1), closed="low", slider=(0, 0.95), group="forces", live=True, redo="nothing",
    )  # fmt: skip
    momentum: float | str = ne.param(
        "auto", "Share of the last step that is kept.", kind="number",
        bounds=(0, 1), closed="low", slider=(0, 0.98), group="optimizer", live=True, redo="nothing", auto=True,
    )  # fmt: skip

    def validate(self, n):
        super().validate(n)
        if str(self.affinity_in) != "auto":
            raise ne.ParameterError("TriMap.affinity_in must be 'auto': triplets have weights of their own.")

    def affinity(self, knobs):
        return ScaledNearest(n_neighbors=int(knobs["n_neighbors"]))

    def extras(self, table, neighbors, graph, knobs, seed):
        """The triplets, (n, t) points each, and by how much the far distance is the longer: made once from X."""
        X, rows = torch.cat(list(table.batches())), torch.arange(table.n).unsqueeze(1)
        draw = torch.Generator().manual_seed(seed)

        def others(taken, count):  # random points, (n, count), but those taken (n, m)
            found = torch.randint(table.n - taken.shape[1], (table.n, count), generator=draw)
            for column in taken.sort(1).values.T:
                found += found >= column.unsqueeze(1)
            return found

        def squared(points):  # distances from the points of each row, (n, m)
            return torch.stack([(X - X[column]).square().sum(1) for column in points.T], 1)

        near, m, r = self.affinity(knobs).pairs(neighbors).cpu(), int(self.n_outliers), int(self.n_random)
        far = others(torch.cat([rows, near], 1), near.shape[1] * m)
        near = torch.cat([near.repeat_interleave(m, 1), others(rows, r)], 1).to(X.device)
        far = torch.cat([far, others(rows, r)], 1).to(X.device)
        sigma = squared(neighbors.indices[:, min(3, neighbors.k - 1) : 6]).sqrt().mean(1)
        sigma = sigma.clamp_min(1e-3 * float(sigma.max()) or 1.0)
        longer = (squared(far) / sigma[far] - squared(near) / sigma[near]) / sigma.unsqueeze(1)
        swap = longer < 0
        near, far, longer = torch.where(swap, far, near), torch.where(swap, near, far), longer.abs()
        return {"near": near, "far": far, "longer": longer - longer.min()}

    def loss(self, Z, at):
        """The weighted mean of 1 / (1 + s_near^a / s_far^b), where a is the exaggeration, b the repulsion strength."""
        triplets, knobs = at.problem.extras, at.knobs
        level = 1 - knobs["weight_temp"]
        weights = (((1 + triplets["longer"]) ** level - 1) / level).clamp_min(1e-6)
        weights[:, -int(self.n_random) :] *= knobs["random_weight"]
        near, far = (
            torch.log1p((Z.unsqueeze(1) - Z[triplets[name]]).square().sum(2)) for name in ("near", "far")
        )
        a, b = knobs["exaggeration"], knobs["repulsion_strength"]
        unit = max(a, b) or 1.0  # of both powers, lest strong ones saturate the share
        share = torch.sigmoid((a * near - b * far) / unit)
        return unit * (weights * share).sum() / weights.sum()

    def iterations(self, n):
        return 400 if self.max_iter == "auto" else int(self.max_iter)

    def start_scale(self):
        return 0.01
