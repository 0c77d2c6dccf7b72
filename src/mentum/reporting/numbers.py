"""How numbers are written in reports, figures, model cards and on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentum.records import Interval

if TYPE_CHECKING:
    from mentum.evaluation.results import Estimate

THIN = "\u202f"
"""A narrow blank at which no line breaks."""


def percent(share: float, unit: bool = True) -> str:
    r"""A share in per cent; only what is whole reads 0 or 100.

    >>> percent(0.98755, unit=False), percent(1.0, unit=False), percent(0.99996, unit=False)
    ('98.8', '100', '>\u202f99.9')
    """
    text = f"{100 * share:.1f}"
    if text in ("0.0", "100.0"):
        whole = {0.0: "0", 1.0: "100"}
        text = whole.get(share) or (f"<{THIN}0.1" if share < 1 / 2 else f">{THIN}99.9")
    return f"{text}{THIN}%" if unit else text


def rate(share: float, unit: str = f"{THIN}%") -> str:
    r"""A share that was asked for, as it was asked.

    >>> rate(0.05)
    '5\u202f%'
    """
    return f"{100 * share:g}{unit}"


def bounds(interval: Interval | None, unit: bool = True) -> str:
    """An interval in per cent, empty where there is none."""
    if interval is None:
        return ""
    low, high = (f"{100 * end:.1f}" if 0 < end < 1 else f"{100 * end:.0f}" for end in (interval.low, interval.high))
    text = f"{low}\u2013{high}"
    return f"{text}{THIN}%" if unit else text


def points(difference: float) -> str:
    r"""A difference of shares in percentage points, with its sign.

    >>> points(0.0421), points(-0.01), points(0.0)
    ('+4.2', '\u22121.0', '0.0')
    """
    text = f"{100 * abs(difference):.1f}"
    return text if text == "0.0" else f"{'+' if difference > 0 else chr(0x2212)}{text}"


def p_value(p: float) -> str:
    r"""A p value to three digits, never 0.

    >>> p_value(0.0351), p_value(0.0)
    ('0.035', '<\u202f0.001')
    """
    return f"{p:.3f}" if p >= 0.0005 else f"<{THIN}0.001"


def number_of(n: float, noun: str = "") -> str:
    """A count with its noun, thousands set apart; one decimal where parts of specimens count.

    >>> number_of(1, "image"), number_of(160, "specimen"), number_of(2.5)
    ('1 image', '160 specimens', '2.5')
    """
    text = f"{n:,.0f}" if n == round(n) else f"{n:,.1f}"
    text = text.replace(",", THIN)
    return f"{text} {noun}{'' if n == 1 else 's'}" if noun else text


def counted(n: int, noun: str) -> str:
    """A small count with its noun, for a figure or a plain table.

    >>> counted(1, "image"), counted(40, "specimen")
    ('1 image', '40 specimens')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def decimals(value: float | None, digits: int = 3) -> str:
    """A score, a probability or a factor with a fixed number of digits; empty where there is none.

    >>> decimals(0.98755), decimals(2.5, 1), decimals(None)
    ('0.988', '2.5', '')
    """
    return "" if value is None else f"{value:.{digits}f}"


def tiny(value: float) -> str:
    """A difference near 0, as a power of ten.

    >>> tiny(0.00000012)
    '1.2e-07'
    """
    return f"{value:.1e}"


def in_percent(share: float | None, digits: int = 1, sign: bool = False) -> str:
    """A share in per cent as plain tables and figures have it, without unit; empty where there is none.

    >>> in_percent(0.98755), in_percent(0.98755, 0), in_percent(0.0421, sign=True), in_percent(None)
    ('98.8', '99', '+4.2', '')
    """
    return "" if share is None else f"{100 * share:{'+' if sign else ''}.{digits}f}"


def percent_bounds(interval: Interval | None, digits: int = 1, between: str = "-", sign: bool = False) -> str:
    """An interval in per cent as plain tables have it, without unit; empty where there is none.

    >>> percent_bounds(Interval(low=0.5, high=0.75, method="Wilson")), percent_bounds(None)
    ('50.0-75.0', '')
    """
    if interval is None:
        return ""
    return between.join(in_percent(end, digits, sign) for end in (interval.low, interval.high))


def estimate(found: Estimate) -> str:
    """A score in per cent with its interval, within a sentence of a report."""
    return f"{percent(found.value)} ({bounds(found.interval)})"


def seconds(value: float) -> str:
    """A duration.

    >>> seconds(2.26), seconds(198.6), seconds(7300)
    ('2.3 s', '3 min 19 s', '2 h 1 min')
    """
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def three_digits(value: float) -> str:
    """A relevance to three digits.

    >>> three_digits(0.41678), three_digits(12.0)
    ('0.417', '12')
    """
    return f"{value:.3g}"


def whole_percent(share: float) -> str:
    """A share in whole per cent.

    >>> whole_percent(0.63), whole_percent(0.004), whole_percent(0.998), whole_percent(0.0)
    ('63 %', '< 1 %', '> 99 %', '0 %')
    """
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"
