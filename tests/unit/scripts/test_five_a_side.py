"""Split evidence: five paragraphs a side, of two articles that training never sees."""

import json
from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from latentflow.evaluation.case_file import read_asked
from latentflow.training.parts import Part
from latentflow.training.run import part_of
from scripts.five_a_side import split_evidence

ARTICLES, PARAGRAPHS = 8, 6


def _rows(path: Path, articles: int = ARTICLES, paragraphs: int = PARAGRAPHS) -> Path:
    rows = [
        {
            "id": f"{article}-{paragraph}-{number}",
            "title": f"article {article}",
            "context": f"Article {article} says in paragraph {paragraph} what it says.",
            "question": f"Which number has paragraph {paragraph}?",
            "answers": [str(paragraph)],
        }
        for article in range(articles)
        for paragraph in range(paragraphs)
        for number in range(2)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_each_side_reads_five_paragraphs_of_an_unseen_article(tmp_path: Path) -> None:
    path = _rows(tmp_path / "rows.jsonl")
    unseen = {case.context for case in part_of(path, Part.TEST)}
    out = tmp_path / "out.jsonl"
    rows = list(split_evidence(path))
    out.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    cases = read_asked(out)
    assert len(cases) == 5 * len(unseen) // PARAGRAPHS
    for case in cases:
        shared, kept = case.context.split("\n"), case.receiver_context.split("\n")
        assert len(shared) == len(kept) == len(case.spans) == 5
        assert {*shared, *kept} <= unseen
        assert not {*shared} & {*kept}
        asked = case.question.removeprefix("Which number has ").removesuffix("?")
        assert sum(asked in paragraph for paragraph in shared) == 1


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    path = _rows(tmp_path / "rows.jsonl")
    assert list(split_evidence(path, seed=1)) == list(split_evidence(path, seed=1))


@pytest.mark.parametrize(("articles", "paragraphs"), [(2, 6), (4, 6), (8, 4)])
def test_too_few_articles_or_paragraphs_are_refused(
    tmp_path: Path, articles: int, paragraphs: int
) -> None:
    path = _rows(tmp_path / "rows.jsonl", articles, paragraphs)
    with pytest.raises(InvalidInput, match="unseen articles"):
        list(split_evidence(path))
