"""A report as tests read it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from mentum.reporting.report.page import write_report

VOID = {"meta", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, which must close whatever it opens."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.italic, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open or "svg" in self.open:
            return
        self.words.append(data)
        if "i" in self.open:
            self.italic.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words)).replace("\u2013", "-")

    def tags(self, name):
        return [attrs for tag, attrs in self.elements if tag == name]

    def attributes(self, name):
        return [attrs[name] for _, attrs in self.elements if name in attrs]


def page_of(run, **options):
    """The report of a run."""
    return Page(write_report(run, **options).read_text(encoding="utf-8"))
