"""What a person reads of a data set of very many taxa."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mentum.cli.display import print_check
from mentum.records import CheckReport, Fault, SpecimenSize, TaxonCount, error, warning
from mentum.taxonomy import Rank


def report_of(n_taxa: int, faults: Sequence[Fault]) -> CheckReport:
    """Taxon k has k + 2 specimens."""
    taxa = tuple(
        TaxonCount(scientific_name=f"Aus name{k}", rank=Rank.SPECIES, n_images=k + 2, n_specimens=k + 2)
        for k in reversed(range(n_taxa))
    )
    return CheckReport(
        data="data", n_images=9, n_specimens=9, taxa_per_rank={Rank.SPECIES: n_taxa}, taxa=taxa, sizes={}, modes={},
        imbalance=1.0, faults=tuple(faults),
    )  # fmt: skip


def test_of_very_many_taxa_the_rarest_are_listed_and_the_others_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_check(report_of(300, []))
    shown = capsys.readouterr().out
    assert [f"Aus name{k} " in shown for k in (0, 19, 20, 299)] == [True, True, False, False]
    assert "and 280 taxa with as many specimens or more; --json lists all" in shown


@pytest.mark.parametrize(("share", "advised"), [(0.2, True), (0.6, False)])
def test_a_crop_is_advised_where_specimens_are_small(
    share: float, advised: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    size = SpecimenSize(share=share, n_images=100, n_found=98)
    print_check(report_of(3, []).model_copy(update={"specimen_size": size}))
    shown = capsys.readouterr().out
    assert f"specimens: cover {share:.0%} of the picture in the median" in shown
    assert "98 of 100 pictures looked at" in shown
    assert ("pixels.crop=specimen" in shown) == advised


def test_a_long_list_is_still_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_check(report_of(200, [warning("few-specimens", f"Aus name{k}", "few") for k in range(50)]))
    shown = capsys.readouterr().out
    assert all(f"Aus name{k} " in shown for k in range(200))
    assert shown.count("warning ") == 50
    assert "more" not in shown


def test_faults_of_each_kind_are_counted_beyond_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    few = [warning("few-specimens", f"Aus name{k}", "few") for k in range(70)]
    copies = [warning("duplicate-image", f"{k}.png", "same bytes") for k in range(3)]
    torn = [error("specimen-two-taxa", f"S{k}", "two taxa") for k in range(51)]
    print_check(report_of(3, [*few, *copies, *torn]))
    shown = capsys.readouterr().out
    assert shown.count("warning Aus") == 50
    assert shown.count("warning ") == 53
    assert shown.count("error S") == 50
    assert "and 20 more of the kind few-specimens; --json lists all" in shown
    assert "and 1 more of the kind specimen-two-taxa; --json lists all" in shown
    assert "duplicate-image;" not in shown
