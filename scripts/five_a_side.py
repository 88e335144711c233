"""Turns paragraphs with questions into cases in the style of HotpotQA: split evidence.

    python scripts/five_a_side.py xquad-en.jsonl > five-a-side.jsonl

The sharer reads five paragraphs of one article of the test part, the receiver five of another one,
and the question is on one of the sharer's.
"""

import json
import random
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from latentflow.errors import InvalidInput
from latentflow.files import read_text_file
from latentflow.training.parts import Part
from latentflow.training.run import part_of

PARAGRAPHS = 5
_LEAST_ARTICLES = 2
Row = Mapping[str, object]


def split_evidence(path: Path, *, seed: int = 0) -> Iterator[Row]:
    """Rows as docs/evaluation.md has them, a question a paragraph, of a file that has `title` too.

    Raises InvalidInput for a file that is no such one, or without two articles of five paragraphs
    in its test part.
    """
    chance = random.Random(seed)
    articles = _articles(path)
    if len(articles) < _LEAST_ARTICLES:
        problem = f"has not {_LEAST_ARTICLES} unseen articles of {PARAGRAPHS} paragraphs"
        raise InvalidInput(field=str(path), problem=problem)
    titles = sorted(articles)
    for title, other in zip(titles, [*titles[1:], titles[0]], strict=True):
        shared, kept = ([*articles[each]][:PARAGRAPHS] for each in (title, other))
        for number, paragraph in enumerate(shared):
            asked = chance.choice(articles[title][paragraph])
            yield {
                "id": f"{title}-{number}",
                "context": "\n".join(shared),
                "spans": shared,
                "receiver_context": "\n".join(kept),
                "question": asked["question"],
                "answers": asked["answers"],
            }


def _articles(path: Path) -> dict[str, dict[str, list[Row]]]:
    """Questions by paragraph by article."""
    unseen = {case.context for case in part_of(path, Part.TEST)}
    articles: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    lines = read_text_file(path).split("\n")  # text may hold U+2028
    for row in (json.loads(line) for line in lines if line.strip()):
        if row["context"] in unseen and row.get("question") and row.get("title"):
            articles[row["title"]][row["context"]].append(row)
    return {title: found for title, found in articles.items() if len(found) >= PARAGRAPHS}


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    try:
        for row in split_evidence(parser.parse_args().file):
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    except InvalidInput as error:
        sys.exit(f"five_a_side: {error}")
