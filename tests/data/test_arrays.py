"""Every kind of table goes in and comes back; every bad one is refused with a message that helps."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse

from ne_interactive.data import arrays, table
from ne_interactive.data.arrays import as_rows, fingerprint, like_input
from ne_interactive.params.errors import DataError, NEError

X = np.random.default_rng(0).standard_normal((6, 3))
Z = torch.arange(12.0).reshape(6, 2)
INDEX = pd.Index(list("abcdef"))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (X, "numpy"),
        (X.astype(np.float32), "numpy"),
        (np.asfortranarray(X), "numpy"),
        (X[::-1].copy()[::-1], "numpy"),
        (X.astype(">f8"), "numpy"),
        (X.astype(np.longdouble), "numpy"),
        (X.astype(object), "numpy"),
        (X.tolist(), "numpy"),
        (sparse.csr_matrix(X), "numpy"),
        (sparse.coo_array(X), "numpy"),
        (pd.DataFrame(X, columns=["u", "v", "w"], index=INDEX), "pandas"),
        (pd.DataFrame(X, columns=["u", "v", "w"]).convert_dtypes(), "pandas"),
        (pl.DataFrame(X, schema=["u", "v", "w"]), "polars"),
        (torch.from_numpy(X), "torch"),
        (torch.from_numpy(X).requires_grad_(), "torch"),
        (torch.from_numpy(X).to_sparse(), "torch"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_round_trip(given, kind):
    rows = as_rows(given)
    assert rows.kind == kind
    assert (rows.n, rows.d) == (6, 3)
    assert rows.values.dtype == torch.float32
    assert rows.values.is_contiguous()
    assert not rows.values.requires_grad
    np.testing.assert_array_equal(rows.values.numpy(), X.astype(np.float32))
    back = like_input(Z.clone().requires_grad_(), rows)
    assert type(back).__module__.partition(".")[0] == kind
    if kind == "torch":
        assert back.dtype == torch.float32
        assert not back.requires_grad
    elif kind != "numpy":
        assert list(back.columns) == ["ne0", "ne1"]
        assert rows.names == ("u", "v", "w")
        if kind == "pandas":
            assert back.index.equals(given.index)
        back = back.to_numpy()
    np.testing.assert_array_equal(np.asarray(back), Z.numpy())
    assert np.asarray(back).dtype == np.float32


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16"]
)
def test_numeric_types(dtype):
    given = np.arange(12).reshape(4, 3).astype(dtype)
    rows = as_rows(given)
    np.testing.assert_array_equal(rows.values.numpy(), given.astype(np.float32))
    assert rows.dtype == (np.float16 if dtype == "float16" else np.float32)


def test_torch_types_and_device():
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.int32, torch.bool):
        given = torch.tensor([[0, 1], [1, 0]]).to(dtype)
        assert torch.equal(as_rows(given).values, given.float())
    assert as_rows(X, device="cpu").values.device.type == "cpu"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_bad_entries_of_any_torch_type(dtype):
    bad = torch.tensor([[0.0, 1.0], [2.0, np.nan]], dtype=dtype, requires_grad=True)
    with pytest.raises(DataError, match="row 1, column 1: NaN"):
        as_rows(bad)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
def test_sparse_matrices_and_arrays(form):
    for make in (getattr(sparse, f"{form}_matrix"), getattr(sparse, f"{form}_array")):
        assert torch.equal(as_rows(make(X)).values, as_rows(X).values)


class Annotated:
    """What an annotated data set looks like from outside."""

    def __init__(self, matrix):
        self.X, self.obs = matrix, pd.DataFrame(index=INDEX)
        self.obs_names, self.var_names = INDEX, pd.Index(["u", "v", "w"])


@pytest.mark.parametrize(
    "matrix",
    [
        X,
        X.astype(np.float32),
        sparse.csr_matrix(X),
        sparse.csc_array(X),
        torch.from_numpy(X),
        pd.DataFrame(X),
    ],
    ids=lambda matrix: type(matrix).__name__,
)
def test_annotated_data(matrix):
    rows = as_rows(Annotated(matrix))
    assert torch.equal(rows.values, as_rows(X).values)
    assert (rows.kind, rows.names) == ("numpy", ("u", "v", "w"))
    assert rows.index.equals(INDEX)
    assert isinstance(like_input(Z, rows), np.ndarray)


def test_annotated_data_read_from_a_file():
    class Backed:
        def to_memory(self):
            return sparse.csr_matrix(X)

    assert torch.equal(as_rows(Annotated(Backed())).values, as_rows(X).values)


def test_annotated_data_that_are_bad():
    with pytest.raises(DataError, match=r"Annotated\.X is None"):
        as_rows(Annotated(None))
    with pytest.raises(DataError, match=r"row 2, column 1 \('v'\): NaN"):
        as_rows(Annotated(with_entry(np.nan)))


def test_lazy_polars():
    frame = pl.DataFrame(X, schema=["u", "v", "w"])
    rows = as_rows(frame.lazy())
    assert torch.equal(rows.values, as_rows(X).values)
    assert isinstance(like_input(Z, rows), pl.DataFrame)


def test_batches_are_the_rows(monkeypatch):
    monkeypatch.setattr(table, "BATCH_ENTRIES", 7)
    rows = as_rows(X)
    assert [len(batch) for batch in rows.batches()] == [2, 2, 2]
    assert torch.equal(torch.cat(list(rows.batches())), rows.values)
    assert rows.device == torch.device("cpu")


def test_read_only_data_are_converted_in_blocks(monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK_ENTRIES", 6)
    for given in (X.copy(), X.astype(np.float32), X.astype(">f4")):
        given.flags.writeable = False
        assert torch.equal(as_rows(given).values, as_rows(X).values)


def test_memory_map(tmp_path):
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert torch.equal(as_rows(mapped).values, as_rows(X).values)


def test_float32_is_shared_not_copied():
    given = X.astype(np.float32)
    assert as_rows(given).values.data_ptr() == given.ctypes.data


def test_fingerprint(monkeypatch):
    monkeypatch.setattr(table, "BLOCK_ROWS", 2)
    values = as_rows(X).values
    assert as_rows(X).fingerprint() == fingerprint(values)
    assert fingerprint(values) == fingerprint(values.clone())
    changed = values.clone()
    changed[5, 2] += 1
    assert len({fingerprint(v) for v in (values, changed, values.reshape(3, 6), values.double())}) == 4


def with_entry(value, row=2, column=1):
    bad = X.copy()
    bad[row, column] = value
    return bad


FRAME = pd.DataFrame(with_entry(np.nan), columns=["u", "v", "w"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X.astype(complex), "Complex data not supported"),
        (torch.from_numpy(X).to(torch.complex64), "Complex data not supported"),
        (X[0], "Expected 2D array.*1D array instead.*Reshape your data"),
        (pd.Series(X[0]), "Expected 2D array.*1D array instead.*Reshape your data"),
        (pl.Series(X[0]), "Expected 2D array.*1D array instead.*Reshape your data"),
        (X.reshape(6, 3, 1), "Expected 2D array.*3D array"),
        (np.float64(3.0), "Expected 2D array"),
        (X[:1], r"Found array with 1 sample\(s\) \(shape=\(1, 3\)\) while a minimum of 2 is required"),
        (X[:0], r"Found array with 0 sample\(s\)"),
        (X[:, :0], r"0 feature\(s\) \(shape=\(6, 0\)\) while a minimum of 1 is required\."),
        (with_entry(np.nan), "1 entry is not, the first at row 2, column 1: NaN.*impute"),
        (with_entry(np.inf), "row 2, column 1: infinity.*clip"),
        (with_entry(-np.inf).tolist(), "row 2, column 1: infinity"),
        (with_entry(1e200), "row 2, column 1: 1e\\+200, beyond float32.*Rescale"),
        (np.full((3, 2), np.nan), "6 entries are not, the first at row 0, column 0"),
        (torch.from_numpy(with_entry(np.nan)), "row 2, column 1: NaN"),
        (FRAME, "row 2, column 1 \\('v'\\): NaN"),
        (FRAME.convert_dtypes(), "row 2, column 1 \\('v'\\): NaN"),
        (pl.DataFrame({"u": [1.0, None], "v": [1, 2]}), "row 1, column 0 \\('u'\\): NaN"),
        (FRAME.assign(v=list("abcdef")), "1 of 3 are not: 'v'.*encode"),
        (pl.DataFrame({"u": [1.0, 2.0], "text": ["a", "b"]}), "1 of 2 are not: 'text'"),
        (np.array([["a", "b"], ["c", "d"]]), "numbers only.*encode"),
        ([[1, 2], [3]], "table with n rows and d columns"),
        (np.ma.masked_equal(X, X[0, 0]), "masked entries.*Impute"),
        (np.array([["2020-01-01"], ["2020-01-02"]], "M8[D]"), "X must hold numbers; got dtype datetime64"),
    ],
)
def test_refused(given, message):
    with pytest.raises(DataError, match=re.compile(message, re.S)) as caught:
        as_rows(given)
    assert isinstance(caught.value, ValueError)


def test_entries_that_are_no_numbers_are_a_type_error_too():
    bad = X.astype(object)
    bad[0, 0] = {"foo": "bar"}
    with pytest.raises(TypeError, match=r"argument must be .* string.* number") as caught:
        as_rows(bad)
    assert isinstance(caught.value, NEError)


def test_large_sparse_is_refused(monkeypatch):
    monkeypatch.setattr(arrays, "MAX_DENSIFIED", 17)
    with pytest.raises(DataError, match=r"up to 17 entries.*18 entries.*TruncatedSVD"):
        as_rows(sparse.csr_matrix(X))
    with pytest.raises(DataError, match=r"up to 17 entries.*shape=\(6, 3\), 18 entries"):
        as_rows(torch.from_numpy(X.astype(np.float32)).to_sparse())


@pytest.mark.parametrize("scale", [1e16, 1e-16, 1e-300])
def test_extreme_sizes_are_refused(scale):
    given = np.full((4, 4), scale)
    with pytest.raises(DataError, match=r"between 1e-15 and 1e\+15.*Rescale"):
        as_rows(given)
    assert torch.equal(as_rows(given * 0).values, torch.zeros(4, 4))
    assert as_rows(given / scale * 1e15).n == 4


def test_columns_that_float32_cannot_tell_apart_are_warned_of():
    seconds = 1.7e9 + np.arange(6.0)
    table = pd.DataFrame({"a": X[:, 0].astype(float), "when": seconds, "constant": 1.7e9 + 0.1})
    with pytest.warns(
        UserWarning, match=r"1 of 3 columns of X differ by too little.* 'when'\. Subtract their means"
    ):
        as_rows(table)
    with pytest.warns(UserWarning, match=r"1 of 1 columns .* 0\. Subtract"):
        as_rows(torch.from_numpy(seconds[:, None]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_rows(table.assign(when=seconds - seconds.mean()))
        as_rows(np.arange(1_000_000, 1_000_006)[:, None])  # float32 holds these exactly
        as_rows(np.full((1, 2), 3.0), min_rows=1)
        as_rows(np.full((2, 2), 3.0), min_rows=1)


@pytest.mark.parametrize(("n", "lost"), [(100, False), (1_000_000, True)])
def test_places_far_from_the_origin_are_warned_of_where_neighbours_are_that_near(n, lost):
    place = np.linspace(5.3e6, 5.301e6, n) + 1e-3  # metres from the equator, a kilometre in all
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        as_rows(place[:, None])
    assert [("Subtract their means" in str(one.message)) for one in told] == [True] * lost


@pytest.mark.parametrize("n", [2, 6, 5000])
def test_equal_rows_are_warned_of(n):
    given = np.full((n, 2), 3.0)
    with pytest.warns(UserWarning, match=rf"All {n:,} rows of X are equal.*Check how X was read"):
        as_rows(given)
    given[-1, 1] = 4.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_rows(given)
