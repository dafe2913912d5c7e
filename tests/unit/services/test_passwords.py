"""Passwords: argon2id."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from time import sleep as native_sleep

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerifyMismatchError
from gevent import get_hub, sleep, spawn

from services import passwords
from services.errors import InvalidInput
from tests.support.factories import CHEAP_HASHER

HASH = passwords.hashed("correct")


class TestMatches:
    @pytest.mark.parametrize("password", ["wrong", "Correct", "correct ", ""])
    def test_other_password_does_not_match(self, password):
        assert not passwords.matches(password, HASH)

    @pytest.mark.parametrize("stored", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$x"])
    def test_invalid_hash_matches_nothing(self, stored):
        assert not passwords.matches("correct", stored)

    def test_dummy_password_does_not_match_an_absent_account(self):
        assert not passwords.matches("no such account", None)

    def test_rejected_password_does_not_match(self):
        assert not passwords.matches("correct", HASH, refused={"correct"})

    def test_correct_password_matches(self):
        assert passwords.matches("correct", HASH, refused={"other"})


class TestNormalization:
    """NIST SP 800-63B-4, 3.1.1.2: one password, however a keyboard encodes it."""

    @pytest.mark.parametrize(
        ("stored", "typed"),
        [
            ("clé à molette", "cle\u0301 a\u0300 molette"),
            ("cle\u0301 a\u0300 molette", "clé à molette"),
            ("\ufb01ne passphrase", "fine passphrase"),
            ("\uff30\uff41\uff53\uff53\uff11\uff12\uff13\uff14", "Pass1234"),
            ("한국어 암호 하나", "\u1112\u1161\u11ab국어 암호 하나"),
        ],
        ids=ascii,
    )
    def test_password_matches_in_each_unicode_form(self, stored, typed):
        assert passwords.matches(typed, passwords.hashed(stored))

    @pytest.mark.parametrize(
        "password", ["cle\u0301 a\u0300 molette", "\ufb01ne", "\uff30\uff41\uff53\uff53"], ids=ascii
    )
    def test_older_hash_of_the_raw_form_still_matches(self, password):
        assert passwords.matches(password, CHEAP_HASHER.hash(password))

    def test_other_password_does_not_match(self):
        assert not passwords.matches("cle", passwords.hashed("clé"))

    @pytest.mark.parametrize(
        "password",
        [
            "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11",
            "securepassword\uff11\uff12\uff13",
        ],
        ids=ascii,
    )
    def test_common_password_is_rejected_in_each_form(self, password):
        with pytest.raises(InvalidInput):
            passwords.reject_common(password, "/password", passwords.DEMO_PASSWORDS)

    def test_rejected_password_does_not_match_in_another_form(self):
        typed = "\uff43\uff4f\uff52\uff52\uff45\uff43\uff54"
        stored = CHEAP_HASHER.hash(typed)

        assert passwords.matches(typed, stored)
        assert not passwords.matches(typed, stored, refused={"correct"})

    @pytest.mark.parametrize(
        "password",
        [
            "wrong",
            "cle\u0301",
            "\uff4e\uff4f \uff53\uff55\uff43\uff48 \uff41\uff43\uff43\uff4f\uff55\uff4e\uff54",
        ],
        ids=ascii,
    )
    def test_unknown_account_takes_as_many_hashes_as_a_wrong_password(self, monkeypatch, password):
        stored, count = passwords.hashed("a password"), []
        verify = passwords._verifies
        monkeypatch.setattr(passwords, "_verifies", lambda *args: count.append(1) or verify(*args))
        assert not passwords.matches(password, stored)
        of_known = len(count)
        assert not passwords.matches(password, None)

        assert len(count) == 2 * of_known


class TestRefuseCommon:
    @pytest.mark.parametrize("password", ["password1", "PassWord1"])
    def test_common_password_is_rejected_in_any_case(self, password):
        with pytest.raises(InvalidInput) as raised:
            passwords.reject_common(password, "/password")

        assert [error["pointer"] for error in raised.value.extension_members["errors"]] == [
            "/password"
        ]

    @pytest.mark.parametrize("password", ["correct horse battery staple", "password1 and more"])
    def test_other_password_is_accepted(self, password):
        assert passwords.reject_common(password, "/password") is None


class TestHashed:
    def test_hash_has_the_parameters_of_owasp(self):
        parameters = extract_parameters(HASH)

        assert parameters.type is Type.ID
        assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
            19_456,
            2,
            1,
        )

    def test_hash_is_salted(self):
        assert passwords.hashed("correct") != HASH


class TestOutdated:
    def test_current_hash_is_not_outdated(self, real_hashes):
        assert not passwords.outdated(HASH)

    @pytest.mark.parametrize("other", [{"time_cost": 1}, {"memory_cost": 8192}, {"parallelism": 2}])
    def test_hash_with_other_parameters_is_outdated(self, other):
        parameters = {"time_cost": 2, "memory_cost": 19_456, "parallelism": 1} | other

        assert passwords.outdated(PasswordHasher(**parameters).hash("correct"))


class TestCores:
    def test_parallel_hashes_are_limited_to_the_cores(self, monkeypatch):
        running, peak, lock = 0, 0, Lock()
        enough = Barrier(passwords.CORES)

        class Hasher:
            def verify(self, *_):
                nonlocal running, peak
                with lock:
                    running += 1
                    peak = max(peak, running)
                enough.wait(30)  # so that as many as may run are seen to run at once
                with lock:
                    running -= 1

        monkeypatch.setattr(passwords, "_hasher", Hasher())
        with ThreadPoolExecutor(passwords.CORES * 4) as pool:
            list(pool.map(lambda _: passwords.matches("x", "y"), range(passwords.CORES * 4)))

        assert peak == passwords.CORES

    def test_unknown_account_waits_for_a_core_like_a_wrong_password(self, monkeypatch, real_hashes):
        verified = []

        class Hasher:
            def verify(self, password_hash, password):
                verified.append(extract_parameters(password_hash))
                raise VerifyMismatchError

        real = passwords.hashed("a password")
        monkeypatch.setattr(passwords, "_hasher", Hasher())
        assert not passwords.matches("wrong", real)
        assert not passwords.matches("wrong", None)

        assert verified[0] == verified[1]


class TestRunHashesIn:
    @pytest.fixture
    def threads(self, monkeypatch):
        """Hashes run in threads of gevent, as under gunicorn."""
        monkeypatch.setattr(passwords, "_run", passwords._run)
        passwords.run_hashes_in(get_hub().threadpool.apply)

    def test_results_are_the_same(self, threads, capfd):
        assert passwords.matches("secret", passwords.hashed("secret"))
        assert not passwords.matches("wrong", HASH)
        # gevent would print the traceback of an exception in a thread.
        assert capfd.readouterr().err == ""

    def test_other_greenlets_run_meanwhile(self, threads, monkeypatch):
        turns = []

        class Hasher:
            def hash(self, _):
                native_sleep(0.3)
                return "hash"

        monkeypatch.setattr(passwords, "_hasher", Hasher())
        hashing = spawn(passwords.hashed, "secret")
        while not hashing.ready():
            turns.append(1)
            sleep(0.01)

        assert len(turns) > 5
