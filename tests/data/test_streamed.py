"""Rows that come in batches: counted and checked in one pass, compared in later ones, refused where they change."""

import gc
import re
import weakref

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, SubsetRandomSampler, TensorDataset

from ne_interactive.data import table
from ne_interactive.data.arrays import Streamed, as_rows, fingerprint, like_input
from ne_interactive.params.errors import DataError

X = torch.randn(103, 7, generator=torch.Generator().manual_seed(0))
Y = torch.arange(103)


class Lines(IterableDataset):
    """Rows one by one, anew for every pass."""

    def __iter__(self):
        return iter(X)


class Batches:
    """Whatever it is given, anew for every pass."""

    def __init__(self, *batches):
        self.batches, self.passes = batches, 0

    def __iter__(self):
        self.passes += 1
        return iter(self.batches)


def loader(rows=X, **options):
    return DataLoader(TensorDataset(rows), **({"batch_size": 10} | options))


def whole(streamed):
    return torch.cat(list(streamed.batches()))


@pytest.mark.parametrize(
    "source",
    [
        loader(),
        loader(batch_size=1000),
        loader(batch_size=1),
        DataLoader(X, batch_size=9),
        DataLoader(TensorDataset(X, Y), batch_size=9),
        DataLoader([{"rows": x, "label": 1} for x in X], batch_size=9),
        DataLoader(Lines(), batch_size=20),
        Batches(X[:5], X[5:5], X[5:90], X[90:]),
        Batches((3, X[:50]), (4, X[50:])),
        Batches(X.requires_grad_(False).double(), X[:0].double()),
        Batches(X.clone().requires_grad_()),
        Batches(X.to_sparse()),
        Batches(X.numpy()[:60], X.numpy()[60:]),
        Batches({"a": {"b": [X.numpy().astype(">f8")]}}),
    ],
    ids=lambda source: type(getattr(source, "dataset", source)).__name__,
)
def test_every_source_gives_the_same_rows(source):
    streamed = as_rows(source)
    assert isinstance(streamed, Streamed)
    assert (streamed.n, streamed.d) == (103, 7)
    for _ in range(2):
        assert torch.equal(whole(streamed), X)
    assert all(b.dtype == torch.float32 and not b.requires_grad for b in streamed.batches())
    assert streamed.fingerprint() == as_rows(X).fingerprint() == fingerprint(X)
    back = like_input(torch.zeros(103, 2), streamed)
    assert type(back) is (torch.Tensor if streamed.kind == "torch" else np.ndarray)


def test_kind_and_type_are_those_of_the_batches():
    assert (as_rows(loader()).kind, as_rows(loader()).dtype) == ("torch", torch.float32)
    assert as_rows(Batches(X.to(torch.bfloat16))).dtype == torch.bfloat16
    assert as_rows(Batches(X.to(torch.int16))).dtype == torch.float32
    assert as_rows(Batches(X.double().numpy())).dtype == np.float64
    assert as_rows(Batches(X.numpy() > 0)).dtype == np.float32
    assert as_rows(loader(), device="cpu").device.type == "cpu"


def test_blocks_are_digested_however_batches_are_cut(monkeypatch):
    monkeypatch.setattr(table, "BLOCK_ROWS", 16)
    known = fingerprint(X)
    for size in (1, 16, 17, 103):
        streamed = as_rows(loader(batch_size=size))
        assert streamed.fingerprint() == known
        assert len(streamed.blocks) == 7
        assert torch.equal(whole(streamed), X)


def test_one_pass_checks_and_keeps_no_batch():
    alive, most = weakref.WeakSet(), 0

    class Counted:
        def __iter__(self):
            nonlocal most
            for part in X.split(10):
                batch = part.clone()
                alive.add(batch)
                most = max(most, len(alive))
                yield batch
                del batch

    streamed = as_rows(Counted())
    gc.collect()
    assert most <= 2  # the one being made, and the one being left
    assert len(alive) == 0
    assert streamed.n == 103
    source = Batches(X)
    as_rows(source).fingerprint()
    assert source.passes == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            iter([X]),
            "read in several passes, and a list_iterator can be read once only.*__iter__ begins anew",
        ),
        ((part for part in X.split(9)), "a generator can be read once only"),
        (iter(loader()), "can be read once only"),
        (TensorDataset(X), r"TensorDataset, which gives single items.*DataLoader\(dataset"),
        (loader(shuffle=True), "DataLoader with a RandomSampler.*shuffle=False"),
        (loader(sampler=SubsetRandomSampler(range(103))), "SubsetRandomSampler.*shuffle=False"),
        (Batches(), r"Found 0 sample\(s\) in all batches.*minimum of 2"),
        (Batches(X[:0]), r"Found 0 sample\(s\)"),
        (Batches(X[:1]), r"Found 1 sample\(s\)"),
        (Batches(X[:3], X[:3, :5]), "must have 7 columns, as the first has; batch 1 has 5"),
        (Batches(X[:, :0]), r"batch 0 has shape=\(103, 0\)"),
        (Batches(X[0]), r"Expected 2D array.*batch 0 has shape=\(7,\).*batch_size is not None"),
        (Lines(), r"Expected 2D array.*batch_size is not None"),
        (Batches(X[:98].reshape(2, 7, 7, 7)), r"batch 0 has shape=\(2, 7, 7, 7\).*Flatten"),
        (Batches(X.to(torch.complex64)), "real numbers; batch 0 holds torch.complex64"),
        (Batches(X.numpy().astype(str)), "real numbers; batch 0 holds <U"),
        (Batches(X, [1, 2]), "Batch 1 of X holds no tensor; got a list"),
        (Batches("text"), "batch 0 is a str.*collate_fn"),
        (Batches(X * 1e18), r"between 1e-15 and 1e\+15"),
        (
            Batches(X[:10].double(), X[:10].double() * 1e200),
            r"in batch 1.*row 10, column 0: .*beyond float32",
        ),
    ],
)
def test_refused(source, message):
    with pytest.raises(DataError, match=re.compile(message, re.S)):
        as_rows(source)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
@pytest.mark.parametrize("numpy", [False, True])
def test_entries_that_are_not_finite(value, said, numpy):
    bad = X.clone()
    bad[57, 3] = value
    batches = [part.numpy() if numpy else part for part in bad.split(20)]
    with pytest.raises(DataError, match=f"1 entry is not in batch 2, the first at row 57, column 3: {said}"):
        as_rows(Batches(*batches))


class Changing:
    """Gives X first, and what a function makes of it afterwards."""

    def __init__(self, change):
        self.change, self.passes = change, 0

    def __iter__(self):
        self.passes += 1
        return iter((X if self.passes == 1 else self.change(X)).split(25))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.flip(0), "differ from those of the first pass, or come in another order.*shuffle=False"),
        (lambda X: torch.cat([X[1:2], X[:1], X[2:]]), "another order"),
        (lambda X: X + 1e-6, "another order"),
        (lambda X: X[:-1], "gave 103 rows, a later one 102"),
        (lambda X: X[:0], "gave 103 rows, a later one 0"),
        (lambda X: torch.cat([X, X[:1]]), "gave 103 rows, a later one more"),
        (lambda X: X[:, :3], "must have 7 columns"),
    ],
)
@pytest.mark.parametrize("block", [8, 8192])
def test_later_passes_are_compared_with_the_first(change, message, block, monkeypatch):
    monkeypatch.setattr(table, "BLOCK_ROWS", block)
    streamed = as_rows(Changing(change))
    with pytest.raises(DataError, match=re.compile(message, re.S)):
        whole(streamed)


def test_a_random_order_of_ones_own_is_found_out():
    class Shuffled:
        def __iter__(self):
            return iter(X[torch.randperm(len(X))].split(10))

    with pytest.raises(DataError, match="shuffle=False"):
        whole(as_rows(Shuffled()))
