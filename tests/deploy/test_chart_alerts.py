"""Alerts, tested with promtool."""

import shutil
import subprocess

import pytest
import yaml

from tests.deploy import promql

pytestmark = pytest.mark.deploy
OURS = 'namespace="production",job="shop-flask-api-metrics",pod="a"'
OTHERS = 'namespace="staging",job="shop-flask-api-metrics",pod="a"'
HOUR = 60
# The notation of promtool: start, + step, x how often; a step is a minute.
GROWS_FAST, GROWS, STAYS = f"0+1200x{HOUR}", f"0+60x{HOUR}", f"0+0x{HOUR}"
SLOW, QUICK = ('route="/",le="1"', 'route="/",le="5"'), ('route="/",le="0.1"', 'route="/",le="5"')


def durations(buckets, below):
    return {
        f"http_request_duration_seconds_bucket{{{buckets[0]}}}": below,
        f"http_request_duration_seconds_bucket{{{buckets[1]}}}": GROWS,
        'http_request_duration_seconds_bucket{route="/",le="+Inf"}': GROWS,
    }


def requests(failing):
    return {
        'http_requests_total{status="200"}': GROWS_FAST,
        'http_requests_total{status="503"}': failing,
    }


def pool(used):
    return {
        'database_pool_connections{state="in_use"}': f"{used}x{HOUR}",
        'database_pool_connections{state="idle"}': f"0x{HOUR}",
        "database_pool_size": f"16x{HOUR}",
    }


# For each alert, series for which it fires, and similar ones for which it must not.
CASES = {
    # The pods of webhooks are up.
    "FlaskApiUnavailable": ({"up": f"1x{HOUR}"}, {"database_pool_size": f"16x{HOUR}"}),
    "FlaskApiErrors": (requests(f"0+120x{HOUR}"), requests(f"0+12x{HOUR}")),
    "FlaskApiSlow": (durations(SLOW, STAYS), durations(QUICK, GROWS)),
    "FlaskApiPoolUsedUp": (pool(16), pool(12)),
    "FlaskApiLimitsNotShared": (
        {"rate_limit_shared": "1x10 0x50"},
        # Without REDIS_URL, the value is never 1.
        {"rate_limit_shared": f"0x{HOUR}"},
    ),
    "FlaskApiManyRateLimited": (
        {'rate_limit_refusals_total{limit="login"}': GROWS_FAST},
        {'rate_limit_refusals_total{limit="login"}': GROWS},
    ),
    "FlaskApiRefreshTokenReused": (
        {'auth_events_total{event="refresh_reused"}': "0x50 1x10"},
        {'auth_events_total{event="refresh"}': "0x50 1x10"},
    ),
    "FlaskApiWebhooksStopped": (
        {"up": f"1x{HOUR}"},
        {'webhook_backlog{receiver="healthy"}': f"9x{HOUR}"},
    ),
    "FlaskApiWebhooksLate": (
        {'webhook_oldest_due_seconds{receiver="healthy"}': GROWS},
        {'webhook_oldest_due_seconds{receiver="failing"}': GROWS},
    ),
    "FlaskApiWebhooksExhausted": (
        {'webhook_attempts_total{outcome="exhausted"}': "0x50 1x10"},
        {'webhook_attempts_total{outcome="failed"}': GROWS},
    ),
    "FlaskApiMailsLate": (
        {'mail_oldest_seconds{state="new"}': GROWS},
        {'mail_oldest_seconds{state="retried"}': GROWS},
    ),
    "FlaskApiMailsFailing": (
        {'mail_backlog{state="retried"}': f"21x{HOUR}"},
        {'mail_backlog{state="retried"}': f"20x{HOUR}", 'mail_backlog{state="new"}': GROWS},
    ),
}


def promtool(folder, *command, **files):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; Debian has it in `prometheus`")
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return subprocess.run(
        ["promtool", *command], cwd=folder, capture_output=True, text=True, timeout=60
    )


def rules():
    return {"groups": [{"name": "service", "rules": promql.alerts()}]}


def firing(folder, alert, series, labels=OURS):
    """Return whether an alert fires after an hour of `series`."""
    asked = {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', "eval_time": "1h"}
    case = {
        "interval": "1m",
        "input_series": [
            {"series": labelled(name, labels), "values": values} for name, values in series.items()
        ],
        "promql_expr_test": [asked | {"exp_samples": [{"labels": "{}", "value": 1}]}],
    }
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [case]}
    done = promtool(folder, "test", "rules", "tests.yaml", rules=rules(), tests=tests)
    assert done.returncode == 0 or "got: nil" in done.stdout + done.stderr, done
    return done.returncode == 0


def labelled(name, labels):
    return f"{name[:-1]},{labels}}}" if name.endswith("}") else f"{name}{{{labels}}}"


def test_alerts_are_valid_for_prometheus(tmp_path):
    done = promtool(tmp_path, "check", "rules", "rules.yaml", rules=rules())

    assert done.returncode == 0, done.stderr
    assert f"{len(CASES)} rules found" in done.stdout


def test_each_alert_has_a_test_case():
    assert list(CASES) == [alert["alert"] for alert in promql.alerts()]


@pytest.mark.parametrize("alert", CASES)
class TestAlert:
    def test_alert_fires(self, tmp_path, alert):
        assert firing(tmp_path, alert, CASES[alert][0])

    def test_alert_does_not_fire_for_normal_values(self, tmp_path, alert):
        assert not firing(tmp_path, alert, CASES[alert][1])

    def test_alert_ignores_other_releases(self, tmp_path, alert):
        other_pod = OURS.replace('"a"', '"b"')
        up = {
            labelled(name, other_pod): f"1x{HOUR}"
            for name in ("database_pool_size", "webhook_backlog")
        }
        others = {labelled(name, OTHERS): values for name, values in CASES[alert][0].items()}

        assert not firing(tmp_path, alert, others | up, labels='instance="1"')
