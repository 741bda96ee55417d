"""Which tracks of the locus figure are on show, in which order, and how tall."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
"""How many times as tall as usual a track may be made."""
_WORD = re.compile(r"(-?)([\w-]+?)(?:\*(\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Placed:
    """How one track stands in the figure."""

    name: str
    shown: bool = True
    factor: float = 1.0

    def __str__(self) -> str:
        return f"{'' if self.shown else '-'}{self.name}{f'*{self.factor:g}' * (self.factor != 1)}"


@dataclass(frozen=True)
class Arrangement:
    """The tracks from top to bottom.

    Its text is what an address may hold: ``association,genes,-pips,heritability*2`` hides the
    inclusion probabilities and has the heritability twice as tall. Tracks that it does not name
    follow in their usual order.
    """

    tracks: tuple[Placed, ...]

    @classmethod
    def read(cls, words: str, names: Iterable[str], always: str = "") -> Self:
        """What a text says of tracks that there are; of what it says of others, nothing.

        Parameters
        ----------
        words
            See above; empty for the usual arrangement.
        names
            Of the tracks that there are, in their usual order.
        always
            Name of the track that cannot be hidden.
        """
        known = list(names)
        found: dict[str, Placed] = {}
        for word in words.split(","):
            if (said := _WORD.fullmatch(word.strip())) and said[2] in known:
                shown = not said[1] or said[2] == always
                found.setdefault(said[2], Placed(said[2], shown, _nearest(float(said[3] or 1))))
        return cls(tuple(found.get(n) or Placed(n) for n in dict.fromkeys([*found, *known])))

    def __str__(self) -> str:
        return ",".join(map(str, self.tracks))

    def text(self, names: Iterable[str]) -> str:
        """The text, empty for the usual arrangement of the tracks of these names."""
        usual = Arrangement(tuple(map(Placed, names)))
        return "" if self == usual else str(self)

    def __getitem__(self, name: str) -> Placed:
        """How a track stands."""
        return next(track for track in self.tracks if track.name == name)

    def with_shown(self, name: str, shown: bool) -> Self:
        """With a track on show or not."""
        return self._with(replace(self[name], shown=shown))

    def taller(self, name: str, steps: int) -> Self:
        """With a track that is so many steps taller, or less tall, as far as it goes."""
        at = FACTORS.index(self[name].factor) + steps
        factor = FACTORS[min(max(at, 0), len(FACTORS) - 1)]
        return self._with(replace(self[name], factor=factor))

    def moved(self, name: str, places: int) -> Self:
        """With a track that stands so many places further down, or up, as far as it goes."""
        others = [track for track in self.tracks if track.name != name]
        at = self.tracks.index(self[name]) + places
        others.insert(min(max(at, 0), len(others)), self[name])
        return replace(self, tracks=tuple(others))

    def _with(self, other: Placed) -> Self:
        tracks = (other if track.name == other.name else track for track in self.tracks)
        return replace(self, tracks=tuple(tracks))


def _nearest(factor: float) -> float:
    return min(FACTORS, key=lambda known: abs(known - factor))
