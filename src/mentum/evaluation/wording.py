"""How strongly it may be said that an identification rests on a cue: one rule for all sentences.

Words follow the size of the effect, not its significance alone. A cue decides where answers follow it to the taxon that
it goes with; it plays a part where its change surely costs right answers; else no part could be shown.
"""

from __future__ import annotations

from mentum.evaluation.results import Estimate

SOME, MOST = 0.1, 0.5
"""Shares of answers that follow a cue from which on it decides some answers, or most."""


def role(cue: str, followed: float, is_sure: bool) -> str:
    """What part a cue plays, in words.

    Args:
        cue: what it is, such as "the background".
        followed: share of the answers that become the taxon which the changed cue goes with.
        is_sure: whether its change costs right answers beyond chance.

    >>> role("the background", 0.62, is_sure=True), role("the background", 0.2, is_sure=True)
    ('the background decides most answers', 'the background decides some answers')
    >>> role("the background", 0.0, is_sure=True)
    'the background plays a part, but answers do not follow it'
    >>> role("the background", 0.2, is_sure=False)
    'that the background plays a part could not be shown'
    """
    if not is_sure:
        return f"that {cue} plays a part could not be shown"
    if followed >= MOST:
        return f"{cue} decides most answers"
    return f"{cue} decides some answers" if followed >= SOME else f"{cue} plays a part, but answers do not follow it"


def size_in_points(cost: Estimate) -> str:
    """An effect in percentage points with its interval.

    >>> from mentum.evaluation.results import Estimate
    >>> from mentum.records import Interval
    >>> size_in_points(Estimate(value=0.014, interval=Interval(low=0.004, high=0.026, method="Wilson")))
    '1.4 points (95 % interval 0.4 to 2.6)'
    """
    low, high = (f"{100 * end:.1f}" for end in (cost.interval.low, cost.interval.high))
    return f"{100 * cost.value:.1f} points (95 % interval {low} to {high})"
