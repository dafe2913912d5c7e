"""The comparison: ratios, and the check that all targets return equal responses."""

import pytest

from bench import compare

SERVERS = {name: name for name in ("service", "floor", "fastapi", "litestar")}


def rounds(**rates):
    return {
        name: [{"requests_per_second": rate, "cpu_ms": 1 / rate, "errors": 1} for rate in each]
        for name, each in rates.items()
    }


class TestFigures:
    def test_have_the_ratios_of_the_service_to_each_other_target(self):
        found = compare.figures(rounds(service=[6.0], floor=[12.0], fastapi=[3.0], litestar=[4.0]))

        assert {name: round(value, 2) for name, value in found["ratios"].items()} == {
            "requests_per_second service/floor": 0.5,
            "requests_per_second service/fastapi": 2.0,
            "requests_per_second service/litestar": 1.5,
            "cpu_ms service/floor": 2.0,
            "cpu_ms service/fastapi": 0.5,
            "cpu_ms service/litestar": 0.67,
        }

    def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds(self):
        found = compare.figures(rounds(service=[1.0, 20.0, 30.0], floor=[1.0, 10.0, 100.0]))

        assert found["ratios"]["requests_per_second service/floor"] == 1.0

    def test_have_the_medians_and_all_errors(self):
        found = compare.figures(rounds(service=[1.0, 9.0, 2.0]))["targets"]["service"]

        assert found["requests_per_second"] == 2.0
        assert found["errors"] == 3


@pytest.fixture
def served(monkeypatch):
    """Return the responses of each target, which a test may change."""
    responses = dict.fromkeys(SERVERS, "the contract")
    statuses = {name: [422, 422] for name in SERVERS}
    monkeypatch.setattr(compare, "responses", lambda server, who: responses[server])
    monkeypatch.setattr(compare, "invalid_orders", lambda server, who: statuses[server])
    return responses, statuses


class TestCheck:
    def test_accepts_equal_responses_and_a_floor_without_validation(self, served):
        served[1]["floor"] = [500, 201]

        compare.check(SERVERS, None)

    @pytest.mark.parametrize("name", ["floor", "fastapi", "litestar"])
    def test_rejects_a_target_with_another_response(self, served, name):
        served[0][name] = "another contract"

        with pytest.raises(AssertionError, match=f"{name} returns\nanother contract"):
            compare.check(SERVERS, None)

    @pytest.mark.parametrize("name", ["service", "fastapi", "litestar"])
    def test_rejects_a_target_that_accepts_an_invalid_order(self, served, name):
        served[1][name] = [422, 201]

        with pytest.raises(AssertionError, match=f"{name} returns .* for invalid orders"):
            compare.check(SERVERS, None)
