"""From what the networks say of the images of a specimen to its identification."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mentum.calibration.novelty import KnownScores, is_novel
from mentum.calibration.temperatures import at_ranks, combine
from mentum.calibration.thresholds import Answers, RankThreshold, defended_rank, most_probable
from mentum.identification.inputs import Given
from mentum.identification.reading import Picture
from mentum.identification.reasons import Ground, explain_status
from mentum.model.record import ModelRecord
from mentum.records import Candidate, Identification, RankIdentification, Status
from mentum.taxonomy import Rank, Taxon, Taxonomy

N_CANDIDATES = 5


@dataclass(frozen=True)
class Looked:
    """One image that the networks have looked at, or could not.

    Attributes:
        log_prob: network → (C,), calibrated; empty where the image could not be read.
        strangeness: its novelty score; NaN where there is none.
    """

    picture: Picture
    log_prob: Mapping[str, NDArray[np.float64]]
    strangeness: float


@dataclass(frozen=True)
class Judge:
    """Decides about images, or about specimens with several.

    Attributes:
        record: of the model.
        thresholds: lowest rank first, for this unit.
        known: scores of known specimens, None where the model has too few to call any specimen unknown.
    """

    record: ModelRecord
    taxonomy: Taxonomy
    thresholds: tuple[RankThreshold, ...]
    known: KnownScores | None
    error_rate: float
    false_rejection: float

    def conclude(self, units: Sequence[Sequence[Looked]], when: datetime) -> list[Identification]:
        """Identify each unit, given its images; those that could be read are combined."""
        readable = [[each for each in images if each.log_prob] for images in units]
        told = [images for images in readable if images]
        grounds = iter(self._grounds(told) if told else [])
        return [
            self._identification(images, next(grounds) if could else None, when)
            for images, could in zip(units, readable, strict=True)
        ]

    def _grounds(self, units: Sequence[Sequence[Looked]]) -> list[Ground]:
        """On what each answer rests."""
        looked = [each for images in units for each in images]
        of_unit = np.repeat(np.arange(len(units)), [len(images) for images in units])
        names = [network.name for network in self.record.networks]
        combined = {name: combine(np.stack([each.log_prob[name] for each in looked]), of_unit) for name in names}
        y_prob = at_ranks(combined, self.taxonomy, self.record.ranks)
        answers = most_probable(y_prob, self.taxonomy)
        chosen = defended_rank(answers, self.thresholds)
        less_strange = self._less_strange(units)
        novel = is_novel(less_strange, self.false_rejection)
        return [
            Ground(
                ranks=tuple(self._at_rank(answers, rank, row) for rank in answers.ranks),
                candidates=self._candidates(y_prob, row),
                thresholds=self.thresholds,
                defended=int(chosen[row]),
                taxon=self._taxon(answers, int(chosen[row]), row),
                agrees=tuple(bool(answers.agrees[rank][row]) for rank in answers.ranks),
                is_open=tuple(bool(self._open[rank][answers.column[rank][row]]) for rank in answers.ranks),
                novelty=None if np.isnan(less_strange[row]) else round(float(less_strange[row]), 4),
                novel=bool(novel[row]),
                error_rate=self.error_rate,
                false_rejection=self.false_rejection,
            )
            for row in range(len(units))
        ]

    def _less_strange(self, units: Sequence[Sequence[Looked]]) -> NDArray[np.float64]:
        if self.known is None:
            return np.full(len(units), np.nan)
        return self.known.less_strange(np.array([np.mean([each.strangeness for each in images]) for images in units]))

    def _at_rank(self, answers: Answers, rank: Rank, row: int) -> RankIdentification:
        taxon = self._taxa[rank][int(answers.column[rank][row])]
        probability = round(float(answers.probability[rank][row]), 6)
        return RankIdentification(rank=rank, scientific_name=taxon.name, probability=probability)

    @cached_property
    def _taxa(self) -> dict[Rank, tuple[Taxon, ...]]:
        return {rank: self.taxonomy.taxa(rank) for rank in self.taxonomy.ranks}

    @cached_property
    def _open(self) -> dict[Rank, NDArray[np.bool_]]:
        return {rank: self.taxonomy.open_columns(rank) for rank in self.taxonomy.ranks}

    def _candidates(self, y_prob: Mapping[Rank, NDArray[np.float64]], row: int) -> tuple[Candidate, ...]:
        lowest = next(iter(y_prob))
        probabilities, taxa = y_prob[lowest][row], self._taxa[lowest]
        columns = np.argsort(-probabilities, kind="stable")[:N_CANDIDATES].tolist()
        return tuple(
            Candidate(
                scientific_name=taxa[column].name,
                taxon_rank=taxa[column].rank,
                probability=round(float(probabilities[column]), 6),
            )
            for column in columns
        )

    def _taxon(self, answers: Answers, chosen: int, row: int) -> Taxon | None:
        if chosen < 0:
            return None
        rank = self.thresholds[chosen].rank
        return self._taxa[rank][int(answers.column[rank][row])]

    def _identification(self, images: Sequence[Looked], ground: Ground | None, when: datetime) -> Identification:
        given = [each.picture.given for each in images]
        failures = [each.picture.failure for each in images if each.picture.failure]
        found = Identification(
            identification_id=self._identifier_of([each.picture for each in images]),
            file_names=tuple(each.name for each in given),
            specimen=given[0].specimen,
            occurrence=_shared_terms(given),
            media=tuple(each.media for each in given) if any(each.media for each in given) else (),
            status=Status.FAILED,
            reason="no image could be read",
            failure="; ".join(failures) or None,
            date_identified=when,
        )
        if ground is None:
            return found
        answered = found.model_copy(update=self._answer(ground))
        return _with_uncropped(answered, sum(each.picture.is_uncropped for each in images))

    def _answer(self, ground: Ground) -> dict[str, object]:
        """What the networks add to an identification."""
        status, reason = explain_status(ground, self.taxonomy)
        found: dict[str, object] = {
            "status": status,
            "ranks": ground.ranks,
            "candidates": ground.candidates,
            "novelty": ground.novelty,
            "reason": reason,
        }
        named = ground.taxon
        if named is None or status is Status.UNKNOWN:
            return found
        if status is Status.NOT_A_TAXON:
            return found | {"verbatim_identification": self._verbatim.get(named)}
        return found | {
            "scientific_name": named.name,
            "taxon_rank": named.rank,
            "verbatim_identification": self._verbatim.get(named),
            "lineage": named.lineage,
        }

    @cached_property
    def _verbatim(self) -> dict[Taxon, str]:
        labels = zip(self.taxonomy.leaves, self.record.verbatim, strict=True)
        return {leaf: label for leaf, label in labels if leaf not in self.taxonomy.open_leaves}

    def _identifier_of(self, pictures: Sequence[Picture]) -> str:
        """A URN that the same images and the same model always give."""
        parts = sorted(each.content_hash for each in pictures)
        specimen = pictures[0].given.specimen
        return uuid.uuid5(uuid.NAMESPACE_URL, "/".join([self.record.identifier, *parts, specimen or ""])).urn


def _with_uncropped(found: Identification, n: int) -> Identification:
    """Say so where images were used whole although the model crops to the specimen."""
    if not n:
        return found
    which = "the picture" if len(found.file_names) == 1 else f"{n} of {len(found.file_names)} pictures"
    said = f"no specimen was found in {which} by its colour, so nothing was cropped there"
    return found.model_copy(update={"n_uncropped": n, "reason": "; ".join(filter(None, (found.reason, said)))})


def _shared_terms(given: Sequence[Given]) -> dict[str, str]:
    """Terms that say the same of all images of a specimen."""
    first = given[0].occurrence
    return {term: value for term, value in first.items() if all(each.occurrence.get(term) == value for each in given)}
