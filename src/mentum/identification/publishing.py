"""What must be known before identifications are published: under which licence, and where others find the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlparse

from mentum.errors import SettingsError
from mentum.identification.inputs import Given, Inputs
from mentum.identification.output.dataset import LICENCES, known_licence
from mentum.identification.output.media import is_online, is_within

_LICENCES = "CC0-1.0, CC-BY-4.0 or CC-BY-NC-4.0"


@dataclass
class Survey:
    """What the images to be published say of themselves.

    Attributes:
        licences: as in the user's rows → number of images; "" for those without.
        n_nowhere: images for which no address is given.
        outside: the first image whose name leads out of the folder where it is used; "" if none does.
    """

    licences: Counter[str] = field(default_factory=Counter)
    n_nowhere: int = 0
    outside: str = ""

    @classmethod
    def of(cls, images: Iterable[Given]) -> Survey:
        """Look at all images, without opening any."""
        found = cls()
        for image in images:
            found.licences[image.occurrence.get("license", "")] += 1
            if not image.media and not is_online(image.name):
                found.n_nowhere += 1
                found.outside = found.outside or ("" if is_within(image.name) else image.name)
        return found


@dataclass(frozen=True)
class Terms:
    """On which terms identifications are published.

    Attributes:
        licence: of the data set, one of `LICENCES`; None where nothing is stated.
        media_url: what comes before the name of an image; "" where nothing does.
        notes: what the user should know, in words.
    """

    licence: str | None
    media_url: str
    notes: tuple[str, ...]


def agree_terms(inputs: Inputs, licence: str | None, media_url: str | None, *, needed: bool) -> Terms:
    """Find out on which terms identifications are published, before any work.

    Args:
        inputs: the images.
        licence: given by the user, such as "CC-BY-4.0".
        media_url: what makes an address of an image's name.
        needed: whether a licence must be known.

    Raises:
        SettingsError: if a licence is needed and neither the user nor every row names one, or one of these options is
            none that can be used.
    """
    given = _given_licence(licence)
    prefix = _given_prefix(media_url)
    survey = Survey.of(inputs)
    if prefix and survey.outside:
        raise SettingsError(
            f"--media-url: the image {survey.outside!r} is not named from the folder that is published, so that no "
            "address can be made of its name; give relative names, from within that folder."
        )
    chosen = given or _licence_of_rows(survey.licences, needed=needed)
    return Terms(chosen, prefix, tuple(_notes(survey, given, chosen, prefix)))


def _given_licence(licence: str | None) -> str | None:
    known = None if licence is None else known_licence(licence)
    if licence is not None and known is None:
        raise SettingsError(
            f"--licence {licence}: found no licence that GBIF takes, expected {_LICENCES}; give one of these."
        )
    return known


def _given_prefix(media_url: str | None) -> str:
    prefix = (media_url or "").strip()
    if prefix and not (is_online(prefix) and urlparse(prefix).netloc):
        raise SettingsError(
            f"--media-url {media_url}: found no address, expected such as https://example.org/images/; give one."
        )
    return prefix


def _licence_of_rows(licences: Counter[str], *, needed: bool) -> str | None:
    """The licence that all rows name; None where there is no such licence, and none is needed."""
    known = {known_licence(text) for text in licences}
    (only, *others) = known or {None}
    if only is not None and not others:
        return only
    if not needed:
        return None
    lacking = licences.get("", 0)
    if lacking:
        found = f"images that name no licence in a column license: {lacking} of {licences.total()}"
    elif None in known:
        foreign = [text for text in licences if known_licence(text) is None]
        found = f"rows name the licence {foreign[0]!r}, which is none that GBIF takes for a data set"
    else:
        found = f"rows name {len(known)} different licences"
    raise SettingsError(
        f"{found}; an archive needs one licence for the data set, and none is assumed: give --licence {_LICENCES}."
    )


def _notes(survey: Survey, given: str | None, chosen: str | None, prefix: str) -> Iterator[str]:
    differing = {text: n for text, n in survey.licences.items() if text and known_licence(text) != given}
    if given is not None and differing:
        listed = ", ".join(f"{text!r} ({n})" for text, n in list(differing.items())[:3])
        yield (
            f"images with another licence in their rows ({listed}) than {LICENCES[given]}, which is given for the data "
            f"set: {sum(differing.values())}; each row keeps its own."
        )
    if chosen is None:
        yield "no licence is stated; give --licence, or a column license."
    if survey.n_nowhere and not prefix:
        yield (
            f"images without an address where others find them, called by their file names: {survey.n_nowhere}; give "
            "--media-url, or a column accessURI or associatedMedia."
        )
