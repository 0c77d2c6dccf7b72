"""Dates of Darwin Core as spans of time."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


def in_utc(moment: datetime | None) -> str:
    """A moment as text, with Z for UTC; "" for none."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else ""


def span(event_date: str) -> tuple[datetime | None, datetime | None, bool]:
    """First and last moment of an `eventDate`, and whether both are written with time and zone.

    >>> first, last, exact = span("2021-02")
    >>> first.isoformat(), last.isoformat(), exact
    ('2021-02-01T00:00:00+00:00', '2021-02-28T23:59:59+00:00', False)
    """
    first, _, last = event_date.strip().partition("/")
    # The later end may leave out what it shares with the earlier one: 2007-11-13/15.
    if not re.match(r"\d{4}", last):
        last = first[: max(0, len(first) - len(last))] + last
    start, end = _moment(first, last=False), _moment(last, last=True)
    if start is None or end is None:
        return None, None, False
    exact = start.tzinfo is not None and end.tzinfo is not None
    return start if start.tzinfo else start.replace(tzinfo=UTC), end if end.tzinfo else end.replace(tzinfo=UTC), exact


def _moment(text: str, *, last: bool) -> datetime | None:
    try:
        if "T" in text:
            return datetime.fromisoformat(text)
        match = _DATE.fullmatch(text)
        if match is None:
            return None
        year, month = int(match[1]), int(match[2] or (12 if last else 1))
        day = int(match[3] or (calendar.monthrange(year, month)[1] if last else 1))
        return datetime(year, month, day, *((23, 59, 59) if last else ()))
    except ValueError:
        return None
