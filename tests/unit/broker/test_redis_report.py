"""What is told of several Redis servers as of one store."""

from services.broker.redis_store.report import memory_of_fullest


def info(used_memory: int, maxmemory: int) -> dict[str, int]:
    return {"used_memory": used_memory, "maxmemory": maxmemory}


def test_a_store_is_as_full_as_its_fullest_server() -> None:
    assert memory_of_fullest([info(50, 100), info(40, 50), info(900, 2000)]) == (40, 50)


def test_a_server_without_a_limit_is_never_the_fullest() -> None:
    assert memory_of_fullest([info(900, 0), info(10, 100)]) == (10, 100)


def test_without_any_limit_the_one_that_holds_the_most_is_told_of() -> None:
    assert memory_of_fullest([info(10, 0), info(900, 0)]) == (900, 0)
