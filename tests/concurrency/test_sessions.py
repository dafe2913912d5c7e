"""Sessions, from many at once, against two worker processes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from services.demo import USER, USER_PASSWORD


class TestRefresh:
    def test_of_twenty_parallel_uses_of_a_token_one_wins_and_the_session_lives(self, server):
        with httpx.Client(base_url=server.url, timeout=30) as client:
            login = {"email": USER, "password": USER_PASSWORD}
            tokens = client.post("/api/auth/login", json=login).json()
            body = {"refresh_token": tokens["refresh_token"]}

            with ThreadPoolExecutor(20) as threads:
                answers = list(
                    threads.map(lambda _: client.post("/api/auth/refresh", json=body), range(20))
                )

            assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
            (winner,) = (answer.json() for answer in answers if answer.status_code == 200)
            headers = {"Authorization": f"Bearer {winner['access_token']}"}
            assert client.get("/api/users/me", headers=headers).status_code == 200
