"""HDBSCAN for 100,000 faces: the package's condensed tree over a spanning tree that we find by matrix products.

HDBSCAN (Campello, Moulavi & Sander 2013) needs of the data only a minimum spanning tree under the mutual
reachability distance max(core_a, core_b, |a - b|). The package's own search for it takes n² steps on one core
in 128 dimensions. Here it comes from the graph of the nearest neighbours, and what that graph leaves apart is
connected by exact rounds of Borůvka. With fewer than `NEIGHBOURS` faces the graph is complete.
"""

from __future__ import annotations

import hdbscan
import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from facecluster.people.grouping import NOBODY
from facecluster.people.neighbours import ROWS, neighbours
from facecluster.records import Float32, Int64

NEIGHBOURS = 64

TINY = 1e-6
"""Least distance: a sparse matrix takes 0 for no edge at all."""


def density_groups(
    vectors: Float32, min_size: int, min_samples: int, k: int = NEIGHBOURS, method: str = "eom"
) -> Int64:
    """HDBSCAN's labels (N,) int64, -1 for noise, of ``vectors`` (N, D) float32 unit rows, euclidean.

    ``k`` is the number of neighbours in the graph; from N - 1 on the result is that of
    ``hdbscan.HDBSCAN`` on the vectors. ``method`` is its ``cluster_selection_method``.
    """
    n = len(vectors)
    if n <= max(2, min_size):
        return np.full(n, NOBODY, np.int64)
    tree = spanning_tree(vectors, min(min_samples, n - 1), k)
    # Every edge is at least as long as the shortest at either end, so with one sample the package's own
    # mutual reachability leaves the tree as it is.
    model = hdbscan.HDBSCAN(
        min_cluster_size=max(2, min_size),
        min_samples=1,
        metric="precomputed",
        cluster_selection_method=method,
    )
    return np.asarray(model.fit(tree).labels_, np.int64)


def spanning_tree(vectors: Float32, min_samples: int, k: int) -> csr_matrix:
    """A spanning tree of least mutual reachability distance, (N, N) with both directions of each edge.

    The core distance of a face is that to its ``min_samples``-th other face.
    """
    n = len(vectors)
    k = min(n - 1, max(k, min_samples))
    index, squared = neighbours(vectors, k)
    core = squared[:, min_samples - 1]
    reach = np.maximum(squared, np.maximum(core[:, None], core[index]))
    rows = np.repeat(np.arange(n), k)
    graph = _forest(rows, index.ravel(), reach.ravel(), n)
    del index, squared, reach, rows
    while (parts := connected_components(graph, directed=False))[0] > 1:
        more = coo_matrix(graph)
        row, column, squared = _bridges(vectors, core, parts[1].astype(np.int64))
        graph = _forest(
            np.concatenate((more.row, row)),
            np.concatenate((more.col, column)),
            np.concatenate((np.square(more.data), squared)),
            n,
        )
    return csr_matrix(graph.maximum(graph.T))


def _forest(row: Int64, column: Int64, squared: Float32, n: int) -> csr_matrix:
    length = np.maximum(np.sqrt(squared.astype(np.float64)), TINY)
    return minimum_spanning_tree(csr_matrix((length, (row, column)), shape=(n, n)))


def _bridges(vectors: Float32, core: Float32, part: Int64) -> tuple[Int64, Int64, Float32]:
    """The shortest edge out of each part but the largest: rows, columns, squared lengths."""
    largest = np.bincount(part).argmax()
    ends = []
    for own in np.unique(part[part != largest]):
        members = np.flatnonzero(part == own)
        ends.append(min(_shortest_exit(vectors, core, part, block) for block in _blocks(members)))
    squared, row, column = (np.array(values) for values in zip(*ends, strict=True))
    return row, column, squared


def _shortest_exit(vectors: Float32, core: Float32, part: Int64, rows: Int64) -> tuple[float, int, int]:
    reach = np.maximum(2 - 2 * (vectors[rows] @ vectors.T), core[rows, None])
    np.maximum(reach, core, out=reach)
    reach[:, part == part[rows[0]]] = np.inf
    at, column = divmod(int(reach.argmin()), len(vectors))
    return float(reach[at, column]), int(rows[at]), column


def _blocks(rows: Int64) -> list[Int64]:
    return [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
