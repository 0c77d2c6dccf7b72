"""Tests of what a report says of an audit."""

from __future__ import annotations

import hashlib

import pytest
from PIL import Image

from mentum.audit.findings import NO_SUBSETS
from mentum.reporting.report.sections.audit import MOST_PAIRS, MOST_SUSPECTS, shortcut_sentence
from mentum.runs import Run
from mentum.specimens.pixels import hash_images
from support.report_pages import page_of
from support.runs_by_hand import make_run, store_scores
from support.studies_by_hand import CUES, SWAP, audit, audit_image, cue, pair, suspect, write_audit


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A run with its photographs."""
    run = make_run(tmp_path_factory.mktemp("audited") / "run")
    store_scores(run)
    folder = run.path.parent / "images"
    folder.mkdir()
    names = run.table()["file_name"].to_list()
    for place, name in enumerate(names):
        Image.new("RGB", (800, 400), (place * 10, 90, 120)).save(folder / name)
    whole = hashlib.sha256("".join(hash_images([folder / name for name in names])).encode()).hexdigest()
    run.update(data=run.record().data.model_copy(update={"source": str(folder), "content_hash": whole}))
    return run


def page_with(run: Run, **changes: object):
    write_audit(run.path / "audit", run, audit(run, **changes))
    return page_of(run)


def audited(page) -> str:
    """The section."""
    return page.text[page.text.index("Audit Can the taxon") : page.text.index("Images Held-out")]


def photographs(page) -> list[str]:
    """Names of the photographs in the section of the audit, which comes before that of the images."""
    titles = [attrs["title"] for attrs in page.tags("img")]
    return titles[: len(titles) - 6]


def test_every_cue_is_listed_with_its_verdict(run):
    text = audited(page_with(run))

    assert "borderstrips along the borders of the picture52.054.0 44.0-64.025.00.020shortcut" in text
    assert "above chance, perhaps by the specimen" in text
    assert "scale bar28.030.0 20.0-40.025.00.600no more than chance" in text  # a cue without description
    assert "0.040hardly above chance" in text
    assert (
        "Shortcuts were found: the taxon can be told from the strips along the border alone in 54.0 % (44.0-64.0 %) "
    ) in text


def test_the_figure_is_drawn_anew_into_the_folder_of_the_audit(run):
    first = page_with(run)
    drawing = (run.path / "audit" / "figures" / "shortcuts.svg").read_bytes()
    page_with(run, shortcuts=CUES[:1])

    assert [attrs["aria-label"] for attrs in first.tags("svg")].count(
        "How well each cue alone tells the taxon, against chance"
    ) == 1
    assert (run.path / "audit" / "figures" / "shortcuts.png").is_file()
    assert (run.path / "audit" / "figures" / "shortcuts.svg").read_bytes() != drawing


def test_summary_names_the_strongest_shortcut(run):
    text = page_with(run).text

    assert (
        "The taxon can be told from the background alone in 60.0 % of the images (95 % interval 50.0-70.0 %; always "
        "naming the commonest taxon: 30.0 %), likewise from the strips along the border (54.0 %): part of what the "
        "network knows may not come from the specimens."
    ) in text[: text.index("Accuracy Images identified")]


def test_without_a_shortcut_the_summary_says_nothing_and_the_section_does(run):
    assert shortcut_sentence(audit(run, shortcuts=(cue("border", 0.3),))) is None
    assert "No shortcut was found among these cues; others may exist." in audited(
        page_with(run, shortcuts=(cue("border", 0.3),))
    )


def test_an_unknown_cue_goes_by_its_name(run):
    sentence = shortcut_sentence(audit(run, shortcuts=(cue("scale bar", 0.9),)))

    assert str(sentence).startswith("The taxon can be told from the cue \u201cscale bar\u201d alone in 90.0")


def test_what_no_network_sees_is_no_shortcut_of_the_network(run):
    files, border = cue("file", 0.9), cue("border", 0.6)

    assert str(shortcut_sentence(audit(run, shortcuts=(files, border)))).startswith(
        "The taxon can be told from the strips along the border alone in 60.0"
    )
    assert str(shortcut_sentence(audit(run, shortcuts=(files,)))).endswith(
        "no network sees these, but they hint at how the images were made."
    )


def test_cues_that_could_not_be_looked_at_are_a_sentence(run):
    found = page_with(run, shortcuts=(), notes=("Shortcuts were not looked for: too few specimens.",))

    assert "Whether the taxon can be told without the specimen could not be looked at." in audited(found)
    assert "Shortcuts were not looked for: too few specimens." in audited(found)


def test_the_swap_of_backgrounds_is_told(run):
    text = audited(page_with(run, background=SWAP))

    assert (
        "Of 9 held-out images of 8 specimens (the fine-tuned network), 80.0 % (70.0-90.0 %) are identified correctly "
        "as they are, 75.0 % (65.0-85.0 %) on a smooth version of their own background, and 50.0 % (40.0-60.0 %) on"
    ) in text
    assert "changes the answer in 40.0 % (30.0-50.0 %) of the images; in 30.0 %" in text
    assert "The background decides some answers." in text
    assert "could not be shown" in audited(page_with(run, background=SWAP.model_copy(update={"decides": False})))
    assert "Whether identifications change with the background was not looked at" in audited(page_with(run))


def test_pairs_and_suspects_are_shown_with_thumbnails(run):
    page = page_with(run)
    names = run.table()["file_name"].to_list()

    assert photographs(page) == [names[row] for row in (0, 5, 1, 2, 0, 6)]
    assert max(map(len, page.attributes("src"))) < 10_000
    text = audited(page)
    assert "Images that look like the same photograph (2 pairs)" in text
    assert "1 across subsets and 1 of two specimens." in text
    assert (
        "across subsets, 3 of 64 bits differ Chironomus plumosus T1, train Chironomus riparius V1, validation" in text
    )
    assert "labelled Chironomus plumosus rather Polypedilum laetum 91.0 % against 2.0 % for the label T1, train" in text
    assert {"Chironomus plumosus", "Polypedilum laetum"} <= set(page.italic)
    assert "(60.0 % right: so weak a judge doubts many a right label)" in text


def test_of_many_only_some_are_shown_and_all_are_counted(run):
    page = page_with(
        run, duplicates=tuple(pair(run, 0, 5) for _ in range(40)), suspects=tuple(suspect(run, 0) for _ in range(50))
    )

    assert len(photographs(page)) == 2 * MOST_PAIRS + MOST_SUSPECTS
    assert "Images that look like the same photograph (12 of 40 pairs)" in audited(page)


def test_nothing_found_is_said(run):
    suspects = (suspect(run, 0),)
    text = audited(page_with(run, duplicates=(), bursts=(), suspects=suspects))

    assert "None were found. Rotated and mirrored copies are not looked for." in text
    assert "Bursts torn apart by the split None were found." in text


def test_without_a_split_no_burst_is_torn(run):
    image = audit_image(run, 0).model_copy(update={"subset": NO_SUBSETS})
    alone = suspect(run, 0).model_copy(update={"image": image})
    text = audited(page_with(run, duplicates=(), bursts=(), suspects=(alone,)))

    assert "had no split, so that none could be torn apart" in text
    assert "for the label T1 " in text


def test_bursts_are_named_from_their_first_to_their_last_image(run):
    assert "Bursts torn apart by the split (1)" in audited(page_with(run))
    assert "2 images: IMG_7.jpg to IMG_8.jpg" in audited(page_with(run))


def test_images_that_the_run_does_not_know_are_never_read(run, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    image = audit_image(run, 0).model_copy(update={"file_name": str(tmp_path / "secret.png")})
    page = page_with(run, duplicates=(), suspects=(suspect(run, 0).model_copy(update={"image": image}),))

    assert photographs(page) == []
    assert "T1, train, " in audited(page)


def test_without_photographs_names_stand_alone(run, tmp_path):
    copy = make_run(tmp_path / "run")
    store_scores(copy)
    write_audit(copy.path / "audit", copy)
    page = page_of(copy)

    assert page.tags("img") == []
    assert page.text.count("No photographs are shown: 12 of the 12 images") == 3
    assert "T1, train, image-00.png" in page.text


def test_text_from_users_is_never_taken_for_html(run):
    evil = "<script>alert(1)</script>"
    image = audit_image(run, 0).model_copy(update={"specimen": evil, "scientific_name": evil, "file_name": evil})
    page = page_with(
        run, shortcuts=(cue(evil, 0.9),), notes=(evil,), bursts=((evil, evil),),
        suspects=(suspect(run, 0, evil).model_copy(update={"image": image}),),
    )  # fmt: skip

    assert "script" not in {tag for tag, _ in page.elements}
    assert audited(page).count(evil) >= 7
