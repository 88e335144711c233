import pytest

from latentflow.calls import FinishReason, GenerateTimings, LatentOutcome, ShareTimings, Usage
from latentflow.cli.demo_arms import ArmRun
from latentflow.cli.demo_cases import DemoCase
from latentflow.cli.demo_report import case_report, is_right, summary
from latentflow.client import Answer
from latentflow.latent import LatentId, Outcome

CASE = DemoCase(context="Keys hang in locker 318.", question="Which locker?", expected="318")
OPEN_CASE = DemoCase(context="Keys hang in locker 318.", question="Which locker?")


def arm_run(arm: str, text: str) -> ArmRun:
    """Sharing took 0.5 s of which 0.4 s are accounted for, answering 1 s of which 0.6 s are."""
    usage = Usage(
        prompt_tokens=3,
        latent_slots=2,
        completion_tokens=1,
        finish=FinishReason.STOP,
        timings=GenerateTimings(fetch_seconds=0.1, inject_seconds=0.2, prefill_seconds=0.3),
    )
    outcome = LatentOutcome(
        latent_id=LatentId("01JD0000000000000000000000"), outcome=Outcome.LATENT, wire_bytes=1234
    )
    return ArmRun(
        arm=arm,
        answer=Answer(
            text=text, outcomes=(outcome,), usage=usage, first_token_seconds=0.75, seconds=1.0
        ),
        share_seconds=0.5,
        sharing=ShareTimings(prefill_seconds=0.2, summarise_seconds=0.1, publish_seconds=0.1),
    )


def test_seconds_count_from_when_the_sharer_has_the_context() -> None:
    run = arm_run("latent", "318")
    assert run.first_token_seconds == 1.25
    assert run.seconds == 1.5


def test_what_no_stage_accounts_for_is_the_rest() -> None:
    stages = arm_run("latent", "318").stages()
    assert sum(stages.values()) == pytest.approx(1.5)
    assert stages["rest"] == pytest.approx(0.5)


@pytest.mark.parametrize("text", ["318", " locker 318.", "the  LOCKER\n318"])
def test_an_answer_that_holds_what_was_expected_is_right(text: str) -> None:
    assert is_right(CASE, arm_run("latent", text))


def test_an_answer_without_it_is_not() -> None:
    assert not is_right(CASE, arm_run("latent", "31 8"))


def test_a_report_has_a_row_of_answers_and_of_times_for_each_arm() -> None:
    report = case_report("case 1", CASE, [arm_run("alone", "no idea"), arm_run("latent", "318")])
    lines = [line.split() for line in report.splitlines()]
    answers = [line for line in lines if line[:1] in (["alone"], ["latent"])]
    assert answers[0] == "alone no idea no 1.25 s 1.50 s 1,234".split()
    assert answers[1] == "latent 318 yes 1.25 s 1.50 s 1,234".split()
    assert answers[3] == "latent 200 100 100 100 200 300 0 500".split()


def test_an_answer_is_shown_on_one_line_and_cut() -> None:
    report = case_report("case 1", CASE, [arm_run("latent", "a\nb " + "c" * 99)])
    assert "a b " + "c" * 37 + "..." in report


def test_without_an_expected_answer_nothing_is_judged() -> None:
    runs = [arm_run("latent", "318")]
    assert "?" in case_report("case 1", OPEN_CASE, runs)
    assert "none was checked" in summary([OPEN_CASE], [runs])


def test_the_summary_counts_right_answers_by_arm() -> None:
    runs = [
        [arm_run("alone", "no"), arm_run("latent", "318")],
        [arm_run("alone", "no"), arm_run("latent", "7")],
    ]
    assert summary([CASE, CASE], runs).endswith("alone 0 of 2, latent 1 of 2")
