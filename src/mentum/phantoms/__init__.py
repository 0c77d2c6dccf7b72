"""Drawn micrographs of chironomid taxa, with known answers, for tests, demonstrations and training from nothing."""

from mentum.phantoms.dataset import draw_phantoms
from mentum.phantoms.settings import PhantomSettings

__all__ = ["PhantomSettings", "draw_phantoms"]
