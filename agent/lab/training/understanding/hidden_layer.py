"""Training of the hidden layer beside the linear intent model.

One layer of rectified units over the same TF-IDF features (a bag of terms, Iyyer et al. 2015, "Deep
unordered composition"), with dropout of features and units and softened labels. Its mistakes differ
from the linear model's, so the sum of both scores makes fewer mistakes than either. Invariant, held
by tests/agent/lab/training/test_understanding.py: a seed gives one layer.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional

from agent.lab.arrays import FloatArray, IntArray
from agent.understanding.hidden_layer import HiddenLayer

BATCH_SIZE = 128
LEARNING_RATE = 3e-3
LABEL_SMOOTHING = 0.1
FEATURE_DROPOUT, UNIT_DROPOUT = 0.3, 0.5  # in training
MIN_STEPS = 300  # for small packs, whose epochs are short


class _BagOfTerms(nn.Module):
    def __init__(self, features: int, hidden: int, intents: int) -> None:
        super().__init__()
        self.inlet = nn.EmbeddingBag(features, hidden, mode="sum", include_last_offset=True)
        nn.init.normal_(self.inlet.weight, 0.0, hidden**-0.5)
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.drop = nn.Dropout(UNIT_DROPOUT)
        self.outlet = nn.Linear(hidden, intents)

    def forward(self, rows: csr_matrix) -> Tensor:
        """(n, features), sparse -> logits (n, intents)."""
        weights = torch.from_numpy(rows.data.astype(np.float32))
        if self.training:
            kept = torch.rand_like(weights) >= FEATURE_DROPOUT
            weights = weights * kept / (1.0 - FEATURE_DROPOUT)
        where = torch.from_numpy(rows.indices.astype(np.int64))
        starts = torch.from_numpy(rows.indptr.astype(np.int64))
        hidden = functional.relu(self.inlet(where, starts, weights) + self.bias)
        logits: Tensor = self.outlet(self.drop(hidden))
        return logits


def train_layer(
    rows: csr_matrix,
    labels: IntArray,
    weights: FloatArray,
    hidden: int,
    epochs: int,
    seed: int,
) -> HiddenLayer:
    """The layer fitted to `rows` (n, features), `labels` (n,) and `weights` (n,) of mean one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # small products: a second thread brings nothing
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        bag = _BagOfTerms(rows.shape[1], hidden, int(labels.max()) + 1).train()
        _optimise(bag, rows.tocsr(), labels, weights, epochs, np.random.default_rng(seed))
    torch.set_num_threads(threads)
    bag.eval()
    parts = (bag.inlet.weight, bag.bias, bag.outlet.weight.T, bag.outlet.bias)
    return HiddenLayer(*(part.detach().numpy().astype(np.float32) for part in parts))


def _optimise(
    bag: _BagOfTerms,
    rows: csr_matrix,
    labels: IntArray,
    weights: FloatArray,
    epochs: int,
    rng: np.random.Generator,
) -> None:
    count = len(labels)
    batch = min(BATCH_SIZE, count)
    steps = max(epochs * (count // batch), MIN_STEPS)
    optimizer = torch.optim.Adam(bag.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    order = np.empty(0, np.int64)
    for _ in range(steps):
        if len(order) < batch:
            order = rng.permutation(count)
        chosen, order = order[:batch], order[batch:]
        loss = functional.cross_entropy(
            bag(rows[chosen]),
            torch.from_numpy(labels[chosen]),
            label_smoothing=LABEL_SMOOTHING,
            reduction="none",
        )
        optimizer.zero_grad()
        (loss * torch.from_numpy(weights[chosen].astype(np.float32))).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
