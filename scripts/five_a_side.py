"""Turns single paragraphs with questions into cases in the style of HotpotQA, split evidence.

    python scripts/five_a_side.py xquad-en.jsonl > five-a-side.jsonl

The sharer reads the paragraphs of one article of the test part, the receiver as many of another
one, and the question is on one of the sharer's. Needs `title` beside the fields of
docs/evaluation.md; one question a paragraph is taken, seeded.
"""

import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from latentflow.files import read_text_file
from latentflow.training.parts import Part
from latentflow.training.run import part_of

PARAGRAPHS = 5
Row = dict[str, object]


def split_evidence(path: Path, *, seed: int = 0) -> Iterator[Row]:
    chance = random.Random(seed)
    unseen = {case.context for case in part_of(path, Part.TEST)}
    articles: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for line in read_text_file(path).splitlines():
        row = json.loads(line)
        if row["context"] in unseen:
            articles[row["title"]][row["context"]].append(row)
    titles = sorted(articles)
    for title, other in zip(titles, [*titles[1:], *titles[:1]], strict=True):
        shared, kept = ([*articles[each]][:PARAGRAPHS] for each in (title, other))
        for paragraph in shared:
            asked = chance.choice(articles[title][paragraph])
            yield {
                "id": f"five-{asked['id']}",
                "context": "\n".join(shared),
                "spans": shared,
                "receiver_context": "\n".join(kept),
                "question": asked["question"],
                "answers": asked["answers"],
            }


if __name__ == "__main__":
    for row in split_evidence(Path(sys.argv[1])):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
