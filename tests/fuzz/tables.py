"""Hostile tables, for `check` and `identify`."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from fuzz.cases import Command, Place, tricks
from fuzz.nasty import NUMBERS, WORDS, flipped

HEADER = ["file_name", "scientificName", "catalogNumber"]
_ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1252",
    "cp850",
    "mac_roman",
    "shift_jis",
    "utf-7",
    "cp037",
)
_SEPARATORS = (",", ";", "\t", "|", ":", " ", "^", "¦")


def _rows(place: Place) -> list[list[str]]:
    names = [place.ground.photograph(place.folder / f"pics/{k}.png", 3 * k).name for k in range(6)]
    return [[f"pics/{name}", ("Salix alba", "Quercus robur")[k % 2], f"S{k}"] for k, name in enumerate(names)]


def taken(place: Place, file: Path) -> Command:
    """The command that reads the table."""
    if place.chance.random() < 0.2:
        by = place.chance.choice(("image", "specimen"))
        return ["identify", place.ground.model, file, "--out", place.folder / "out.csv", "--by", by]
    return ["check", file, "--json"]


def _text(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    return end.join(separator.join(row) for row in [HEADER, *rows]) + end


def _file(place: Place, content: str | bytes, suffix: str = "csv") -> Path:
    return place.file(f"specimens.{suffix}", content)


def encodings(place: Place) -> Command:
    rows = _rows(place)
    rows[0][1] = "Hönggeria žabari"
    encoding = place.chance.choice(_ENCODINGS)
    return taken(
        place, _file(place, _text(rows).encode(encoding, "replace"), place.chance.choice(("csv", "tsv", "txt")))
    )


def separators(place: Place) -> Command:
    end = place.chance.choice(("\n", "\r\n", "\r", "\n\r", "\u2028", "\x0b"))
    return taken(place, _file(place, _text(_rows(place), place.chance.choice(_SEPARATORS), end)))


def quotes(place: Place) -> Command:
    text = _text(_rows(place))
    for _ in range(place.chance.choice((1, 2, 5))):
        at = place.chance.randrange(len(text))
        text = text[:at] + place.chance.choice(('"', '""', "'", '"\n', ',"', "\\")) + text[at:]
    return taken(place, _file(place, text))


def nul_bytes(place: Place) -> Command:
    text = _text(_rows(place))
    for _ in range(place.chance.choice((1, 4))):
        at = place.chance.randrange(len(text))
        text = text[:at] + "\0" + text[at:]
    return taken(place, _file(place, text))


def flipped_bytes(place: Place) -> Command:
    return taken(
        place, _file(place, flipped(_text(_rows(place)).encode(), place.chance, place.chance.choice((1, 5, 40))))
    )


def odd_cells(place: Place) -> Command:
    rows = _rows(place)
    for _ in range(4):
        rows[place.chance.randrange(6)][place.chance.randrange(3)] = place.chance.choice(
            (*WORDS, *NUMBERS, "=1+1", "@SUM(A1)", "+cmd|x", "-2")
        )
    return taken(place, _file(place, _text([[cell.replace(",", "_") for cell in row] for row in rows])))


def odd_headers(place: Place) -> Command:
    header = [
        place.chance.choice((*HEADER, *WORDS[:20], "file", "species", "Genus", "split", "eventDate", ""))
        for _ in range(place.chance.choice((1, 3, 6)))
    ]
    text = "\n".join(",".join(row) for row in [header, *_rows(place)])
    return taken(place, _file(place, text))


def ragged(place: Place) -> Command:
    rows = [row + ["x"] * place.chance.choice((0, 0, 1, 9)) for row in _rows(place)]
    rows[2] = rows[2][: place.chance.randrange(3)]
    return taken(place, _file(place, _text(rows)))


def doubled(place: Place) -> Command:
    rows = _rows(place)
    deed = place.chance.randrange(3)
    rows = [*rows, *rows] if deed == 0 else [*rows, [rows[0][0], "Betula nana", "S9"]] if deed == 1 else rows
    text = _text(rows) if deed < 2 else "\n".join(",".join([*row, row[1]]) for row in [HEADER, *rows])
    return taken(place, _file(place, text))


def header_only(place: Place) -> Command:
    return taken(
        place,
        _file(
            place,
            place.chance.choice((",".join(HEADER), ",".join(HEADER) + "\n", "\n", "", " ", "\ufeff", ",,,\n,,,\n")),
        ),
    )


def many_columns(place: Place) -> Command:
    number = place.chance.choice((2_000, 100_000, 1_000_000))
    text = ",".join([*HEADER, *(f"c{k}" for k in range(number))]) + "\n" + ",".join([*_rows(place)[0], *["1"] * number])
    return taken(place, _file(place, text))


def giant_cell(place: Place) -> Command:
    rows = _rows(place)
    rows[1][place.chance.randrange(3)] = "x" * place.chance.choice((200_000, 50_000_000))
    return taken(place, _file(place, _text(rows)))


def json_lines(place: Place) -> Command:
    lines = [json.dumps(dict(zip(HEADER, row, strict=True))) for row in _rows(place)]
    odd = (
        '{"file_name": 1e999}',
        '{"file_name": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
        "[]",
        "null",
        "{",
        "{}",
        '{"file_name": {"a": 1}}',
        '{"file_name": "\\ud800", "scientificName": "x"}',
        '{"file_name": "a\\u0000b.png", "scientificName": "x"}',
        '{"a": NaN}',
        '{"a":1,"a":2}',
        "\x00",
        '"x"',
    )
    lines.insert(place.chance.randrange(1, 6), place.chance.choice(odd))
    return taken(place, _file(place, "\n".join(lines), "jsonl"))


def _parquet(place: Place) -> bytes:
    import polars as pl

    odd = place.chance.choice(
        (
            lambda: [[1], [2], [3], [4], [5], [6]],
            lambda: [b"\xff"] * 6,
            lambda: [None] * 6,
            lambda: [1.5, float("nan"), None, 2, 3, 4],
            lambda: [True] * 6,
            lambda: [{"a": 1}] * 6,
            lambda: ["2020-01-01"] * 6,
            lambda: [2**62] * 6,
        )
    )()
    columns = dict(zip(HEADER, map(list, zip(*_rows(place), strict=True)), strict=True))
    columns[place.chance.choice((*HEADER, "more"))] = odd
    stream = io.BytesIO()
    pl.DataFrame(columns, strict=False).write_parquet(stream)
    return stream.getvalue()


def parquet_types(place: Place) -> Command:
    return taken(place, _file(place, _parquet(place), "parquet"))


def parquet_damaged(place: Place) -> Command:
    content = _parquet(place)
    cut = content[: place.chance.randrange(len(content))]
    return taken(
        place,
        _file(place, place.chance.choice((cut, flipped(content, place.chance, 5), b"PAR1", b"PAR1" * 3)), "parquet"),
    )


_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'  # fmt: skip # noqa: E501
_RELS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" Target="{}"/></Relationships>'  # fmt: skip # noqa: E501
_BOOK = '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'  # fmt: skip # noqa: E501
_BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
    + "]>"
)


def workbook(place: Place, rows: list[list[str]], before: str = "", kind: str = "inlineStr") -> bytes:
    """A workbook by hand: every cell's text goes into the sheet as it is."""
    cells = "".join(
        f'<row r="{y}">'
        + "".join(f'<c r="{chr(65 + x)}{y}" t="{kind}">{text}</c>' for x, text in enumerate(row))
        + "</row>"
        for y, row in enumerate(rows, 1)
    )
    sheet = f'<?xml version="1.0"?>{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELS.format("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", _BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", _RELS.format("worksheet", "worksheets/sheet1.xml"))
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return stream.getvalue()


def workbooks(place: Place) -> Command:
    odd = (
        "<f>1+1</f><v>2</v>",
        "<f>HYPERLINK()</f>",
        "<is><t>&#27;</t></is>",
        "<is><t>&a;</t></is>",
        "<v>1e999</v>",
        "<v>nan</v>",
        "",
        "<is><t>&i;</t></is>",
    )
    rows = [[f"<is><t>{cell}</t></is>" for cell in row] for row in [HEADER, *_rows(place)]]
    for _ in range(3):
        rows[place.chance.randrange(1, 7)][place.chance.randrange(3)] = place.chance.choice(odd)
    before = place.chance.choice(("", "", _BOMB, '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'))
    kind = place.chance.choice(("inlineStr", "inlineStr", "s", "n", "e", "d", "b", "zzz"))
    return taken(place, _file(place, workbook(place, rows, before, kind), "xlsx"))


def workbooks_damaged(place: Place) -> Command:
    content = workbook(place, [[f"<is><t>{cell}</t></is>" for cell in row] for row in [HEADER, *_rows(place)]])
    deeds = (
        content[: place.chance.randrange(len(content))],
        flipped(content, place.chance, 5),
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0" + bytes(600),
        _zip_bomb(),
    )
    return taken(place, _file(place, place.chance.choice(deeds), place.chance.choice(("xlsx", "xlsm", "xls", "ods"))))


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(300_000_000))
    return stream.getvalue()


def no_tables(place: Place) -> Command:
    begins = (
        b"\x1f\x8b",
        b"BZh9",
        b"%PDF-1.4",
        b"\x89PNG\r\n",
        b"SQLite format 3\0",
        b"<html>",
        b"{\\rtf1",
        b"{",
        b"[",
        b"\0" * 50,
        b"\xff\xfe",
        b"\xff" * 9,
    )
    return taken(
        place,
        _file(
            place,
            place.chance.choice(begins) + place.chance.randbytes(place.chance.choice((0, 100))),
            place.chance.choice(("csv", "tsv", "xlsx", "parquet", "jsonl")),
        ),
    )


def odd_paths(place: Place) -> Command:
    rows = _rows(place)
    rows[0][0] = place.chance.choice(("/dev/zero", "/etc/passwd", "../../../../etc/passwd", "pics", ".", "/", "a\x01.png", "pics/0.png/x", "x" * 4000, "http://127.0.0.1/x.png", "~/x.png", "pics\\0.png", "", "\x1b[2J.png"))  # fmt: skip # noqa: E501
    return taken(place, _file(place, _text(rows)))


def odd_terms(place: Place) -> Command:
    terms = (
        "eventDate",
        "decimalLatitude",
        "split",
        "locality",
        "license",
        "taxonRank",
        "genus",
        "family",
        "order",
        "class",
        "identifiedBy",
    )
    chosen = place.chance.sample(terms, 3)
    rows = [
        [*row, *(place.chance.choice((*WORDS[:40], *NUMBERS[:15])).replace(",", "").replace("\n", "") for _ in chosen)]
        for row in _rows(place)
    ]
    return taken(place, _file(place, "\n".join(",".join(row) for row in [[*HEADER, *chosen], *rows])))


TABLES = tricks(
    encodings,
    separators,
    quotes,
    nul_bytes,
    flipped_bytes,
    odd_cells,
    odd_headers,
    ragged,
    doubled,
    header_only,
    json_lines,
    parquet_types,
    parquet_damaged,
    workbooks,
    workbooks_damaged,
    no_tables,
    odd_paths,
    odd_terms,
    many_columns,
    giant_cell,
)


_RANKS = ("scientificName", "taxonRank", "subfamily", "genus", "family")


def cycle(place: Place) -> Command:
    rows = [
        "Salix alba,species,,Salix,Quercus",
        "Salix,genus,,Quercus,Salix",
        "Quercus,genus,,Salix,Quercus",
        "Quercus robur,species,,Quercus,Salix",
    ]
    place.chance.shuffle(rows)
    return _taxonomy(place, "\n".join([",".join(_RANKS), *rows]))


def homonyms(place: Place) -> Command:
    rows = [
        "Salix alba,species,A,Salix,Salicaceae",
        "Salix alba,species,B,Salix,Fagaceae",
        "Quercus robur,genus,A,Salix,Fagaceae",
        "Quercus robur,species,,,",
    ]
    return _taxonomy(place, "\n".join([",".join(_RANKS), *place.chance.sample(rows, 3)]))


def blanks(place: Place) -> Command:
    cells = ("", " ", "\u00a0", "Salix", "Salix alba", "species", "genus", "x", "=1+1", "\x1b[1m", "NA", "null")
    rows = [",".join(place.chance.choice(cells) for _ in _RANKS) for _ in range(place.chance.choice((1, 5)))]
    return _taxonomy(place, "\n".join([",".join(_RANKS), *rows]))


def ranks(place: Place) -> Command:
    header = [place.chance.choice((*_RANKS, "clan", "", "species", "kingdom", "Rank")) for _ in range(5)]
    return _taxonomy(
        place, "\n".join([",".join(header), "Salix alba,species,Salix,Salicaceae,x", "Quercus robur,genus,a,b,c"])
    )


def taxonomy_bytes(place: Place) -> Command:
    text = (place.ground.data / "taxonomy.csv").read_bytes()
    return _taxonomy(
        place,
        place.chance.choice(
            (
                flipped(text, place.chance, 6),
                b"",
                b"\0",
                text.decode().encode("utf-16"),
                b"\xff" * 20,
                _zip_bomb()[:500],
            )
        ),
    )


def _taxonomy(place: Place, content: str | bytes) -> Command:
    root = place.ground.folders(place.folder / "data")
    place.file("data/taxonomy.csv", content)
    return ["check", root, "--json"]


TAXONOMIES = tricks(cycle, homonyms, blanks, ranks, taxonomy_bytes)
