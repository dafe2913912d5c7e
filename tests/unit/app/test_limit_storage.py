"""Counting hits, in this process and in Redis."""

import pytest
from redis.exceptions import RedisError

from app.auth import windows
from app.auth.windows import PAUSE_SECONDS, ProcessWindows, RedisWindows, Windows


@pytest.fixture(params=["process", "redis"])
def counted(request):
    """Either kind, empty."""
    if request.param == "process":
        return ProcessWindows()
    shared = RedisWindows(request.getfixturevalue("redis_url"))
    shared.script.registered_client.flushall()
    return shared


class TestHit:
    def test_counts_until_the_amount_is_reached(self, counted):
        hits = [counted.hit("k", 2, 60) for _ in range(3)]

        assert [(hit.counted, hit.hits) for hit in hits] == [(True, 1), (True, 2), (False, 2)]
        assert len({hit.oldest for hit in hits}) == 1

    def test_keys_are_counted_apart(self, counted):
        assert counted.hit("a", 1, 60).counted
        assert counted.hit("b", 1, 60).counted

    def test_hit_leaves_the_window_when_its_time_has_passed(self, counted, clock):
        first = counted.hit("k", 2, 60)
        clock(30)
        second = counted.hit("k", 2, 60)
        clock(31)
        third = counted.hit("k", 2, 60)

        assert (third.counted, third.hits) == (True, 2)
        assert first.oldest == second.oldest < third.oldest

    def test_refused_hit_does_not_count(self, counted, clock):
        counted.hit("k", 1, 60)
        clock(59)
        assert not counted.hit("k", 1, 60).counted
        clock(2)

        assert counted.hit("k", 1, 60).counted


class TestProcessWindows:
    def test_are_bounded(self, monkeypatch):
        monkeypatch.setattr(windows, "MAX_WINDOWS", 3)
        counted = ProcessWindows()
        for n in range(10):
            counted.hit(str(n), 1, 60)

        assert set(counted.windows) == {"7", "8", "9"}

    def test_idle_ones_go_as_others_come(self, clock):
        counted = ProcessWindows()
        for n in range(10):
            counted.hit(f"idle {n}", 1, 60)
        clock(61)
        for n in range(10):
            counted.hit(f"new {n}", 1, 60)

        assert set(counted.windows) == {f"new {n}" for n in range(10)}


class Away:
    """A Redis that doesn't answer, until it is back."""

    def __init__(self):
        self.asked, self.back = 0, False

    def hit(self, *_):
        self.asked += 1
        if not self.back:
            raise RedisError
        return windows.Window(True, 1, 0.0)


class TestAway:
    @pytest.fixture
    def counted(self):
        counted = Windows("")
        counted.shared = Away()
        return counted

    def test_process_counts_alone(self, counted):
        assert [counted.hit("k", 2, 60).counted for _ in range(3)] == [True, True, False]

    def test_it_is_asked_once_a_pause(self, counted, clock):
        for _ in range(5):
            counted.hit("k", 9, 60)
        assert counted.shared.asked == 1
        clock(PAUSE_SECONDS)
        for _ in range(5):
            counted.hit("k", 9, 60)

        assert counted.shared.asked == 2

    def test_it_counts_again_when_it_is_back(self, counted, clock):
        counted.hit("k", 9, 60)
        counted.shared.back = True
        clock(PAUSE_SECONDS)
        for _ in range(5):
            counted.hit("k", 9, 60)

        assert counted.shared.asked == 6

    def test_clock_that_is_set_back_does_not_lengthen_the_pause(self, counted, clock):
        counted.hit("k", 9, 60)
        clock(-3600)
        counted.hit("k", 9, 60)

        assert counted.shared.asked == 2
