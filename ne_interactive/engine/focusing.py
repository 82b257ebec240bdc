"""A run goes on with some of its points alone, and comes back to all of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ne_interactive.engine.members import Members
from ne_interactive.engine.optimizers import rule_of
from ne_interactive.engine.past import Change
from ne_interactive.engine.pins import clear
from ne_interactive.engine.state import State, Whole
from ne_interactive.engine.step import in_force
from ne_interactive.quality.alignment import aligned


class Focusing(Members):
    """While a run is focused, its state holds all points as they were before; see `Whole`."""

    def focus(self, indices: np.ndarray) -> None:
        """Go on with these points alone, from where they are; a focus within a focus has the same whole."""
        state = self.ensure_start()
        keep = torch.from_numpy(np.sort(indices).astype(np.int64))
        rows = self._chosen(keep, "focus")
        taken = self._taken(keep)
        positions = self._loosened(taken.positions, state.positions)
        focused = replace(
            taken,
            positions=positions,
            slots=rule_of(self.method).slots(positions),
            members=self.members()[keep],
            whole=state.whole or Whole(state.copy(), self._right()),
        )
        change = Change(self.iteration, "focus", {"indices": indices})
        self._regroup(change, rows, focused, self._restricted(keep, rows), len(keep))

    def _loosened(self, some: Tensor, among: Tensor) -> Tensor:
        """Places spread about their mean until they lie as loosely as all do: a tight group has no room to unfold."""
        wanted = _spread(among) * math.sqrt(len(some) / len(among))
        have = _spread(some)
        if getattr(type(self.method), "disk", False) or not 0 < have < wanted:
            return some
        mean = some.mean(0)
        return mean + (some - mean) * (wanted / have)

    def unfocus(self, refined: bool) -> None:
        """Go on with all points as they were before the focus, at the iteration of now and with the values of now.

        Where `refined`, the arrangement that the focused points have now takes the place of the one they had: turned
        and sized as that one was, pinned points apart.
        """
        now = self.ensure_start()
        assert now.whole is not None
        assert now.members is not None
        before, known = now.whole.state, now.whole.neighbors
        rows = self._rows_of(before.members)
        back = replace(
            before.copy(),
            iteration=now.iteration,
            origin=before.origin + now.iteration - before.iteration,
            joined=now.joined,
            horizon=now.horizon,
            hand=now.hand,
            quiet=0,
            fading=0,
        )
        members = torch.arange(rows.n) if before.members is None else before.members
        places = torch.searchsorted(members, now.members).to(back.positions.device)
        back = _pinned_as(now, back, places)
        if refined:
            self._refine(now, back, places)
        change = Change(self.iteration, "unfocus", {"refined": refined})
        self._regroup(change, rows, back, lambda _: known, rows.n)

    def _refine(self, now: State, back: State, places: Tensor) -> None:
        """Put the focused points, rows `places` of all, where they are now among themselves; in place."""
        old = back.positions[places]
        moved = torch.from_numpy(aligned(now.positions, old, scale=False)).to(old)
        mean, have = old.mean(0), _spread(moved)
        moved = self.method.adopt(mean + (moved - mean) * (_spread(old) / have if have > 0 else 1.0))
        if back.pins is not None:
            free = ~torch.isin(places, back.pins)
            moved, places = moved[free], places[free]
        back.positions[places] = moved
        lr = in_force(self.method, back, len(back.positions))["lr"]
        clear(rule_of(self.method), dict(back.slots), back.positions, places, lr)

    def groups(self) -> list[tuple[int, np.ndarray]]:
        """Which points the run has had since its start: from which iteration on, and their numbers, ascending."""
        count = sum(table.n for table in self.tables[: self.first_tables])
        ids = np.arange(self.tables[0].n) if self.first_members is None else self.first_members.cpu().numpy()
        whole, told = ids, [(0, ids)]
        for change in self.past.changes:
            match change.kind:
                case "add":
                    ids = whole = np.append(ids, np.arange(count, count + change.values["rows"]))
                    count += change.values["rows"]
                case "remove":
                    ids = whole = np.delete(ids, change.values["indices"])
                case "focus":
                    ids = ids[np.sort(change.values["indices"])]
                case "unfocus":
                    ids = whole
                case _:
                    continue
            told.append((change.iteration, ids))
        return told

    def begin_with_members(self) -> None:
        """Have all points be those of a start."""
        if self.ensure_start().whole is not None:
            self.unfocus(refined=False)
        super().begin_with_members()


def _spread(positions: Tensor) -> float:
    """Root mean square distance from the mean."""
    Z = positions.double()
    return float((Z - Z.mean(0)).square().sum(1).mean().sqrt())


def _pinned_as(now: State, back: State, places: Tensor) -> State:
    """All points, those that were focused (rows `places`) pinned or free as they are now."""
    before = torch.empty(0, dtype=torch.int64, device=places.device) if back.pins is None else back.pins
    pins = before[~torch.isin(before, places)]
    if now.pins is not None:
        pins = torch.cat([pins, places[now.pins]]).sort().values
    if torch.equal(pins, before):
        return back
    if len(pins):
        return replace(back, pins=pins)
    return replace(back, pins=None, centre=tuple(back.positions.double().mean(0).tolist()))
