"""The section with photographs: wrong ones, the least certain and the surest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentum.reporting.report.known import Known
from mentum.reporting.report.pictures import make_galleries
from mentum.reporting.report.rendering import render_file

if TYPE_CHECKING:
    from markupsafe import Markup


def show(known: Known) -> Markup:
    """Held-out images with their heat maps, where these are there."""
    temperatures = known.calibration.temperatures if known.calibration else {}
    galleries = make_galleries(known.run, known.sample, temperatures, known.photographs) if known.headline else None
    return render_file("images.html", galleries=galleries, network=known.network)
