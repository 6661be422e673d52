"""Writes statistics.json: values of scipy and statsmodels for StatisticsTest.

python statistics.py > statistics.json    # numpy, scipy, statsmodels
"""

import json
import sys

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests


def holm(*p):
    return {"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()}


def anova(y):
    """The two-way table without repetition, from sums of squares of fitted means."""
    C, R = y.shape
    concept = np.repeat(np.arange(C), R)
    row = np.tile(np.arange(R), C)
    ones = np.ones((C * R, 1))
    a = np.eye(C)[concept][:, 1:]
    b = np.eye(R)[row][:, 1:]
    flat = y.reshape(-1)

    def residual(*columns):
        x = np.hstack([ones, *columns])
        fit = x @ np.linalg.lstsq(x, flat, rcond=None)[0]
        return ((flat - fit) ** 2).sum()

    rest = residual(a, b)
    ms_a = (residual(b) - rest) / (C - 1)
    ms_b = (residual(a) - rest) / (R - 1)
    ms_e = rest / ((C - 1) * (R - 1))
    return ms_a, ms_b, ms_e


def tests(y, margin):
    """Tests of the mean by Student's t with Satterthwaite's degrees of freedom, and by the noncentral t."""
    C, R = y.shape
    ms_a, ms_b, ms_e = anova(y)
    s_a, s_b = (ms_a - ms_e) / R, (ms_b - ms_e) / C
    assert s_a > 0 and s_b > 0
    variance = s_a / C + s_b / R + ms_e / (C * R)
    parts = [ms_a / (C * R), ms_b / (C * R), -ms_e / (C * R)]
    df = sum(parts) ** 2 / (parts[0] ** 2 / (C - 1) + parts[1] ** 2 / (R - 1) + parts[2] ** 2 / ((C - 1) * (R - 1)))
    se = variance**0.5
    mean = y.mean()
    critical = stats.t.ppf(0.975, df)

    def power(difference):
        shift = difference / se
        return stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift)

    return {
        "y": np.round(y, 6).tolist(),
        "components": [s_a, s_b, ms_e],
        "mean": mean,
        "standardError": se,
        "low": mean - critical * se,
        "high": mean + critical * se,
        "p": 2 * stats.t.sf(abs(mean) / se, df),
        "margin": margin,
        "equivalence": max(stats.t.sf((mean + margin) / se, df), stats.t.cdf((mean - margin) / se, df)),
        "difference": 2.5 * se,
        "power": power(2.5 * se),
        "detectable": optimize.brentq(lambda x: power(x) - 0.8, se, 10 * se),
    }


random = np.random.default_rng(7)
table = np.round(
    0.05 + 0.1 * random.normal(size=(24, 1)) + 0.1 * random.normal(size=(1, 30)) + 0.3 * random.normal(size=(24, 30)), 6
)
json.dump(
    {
        "holm": [holm(0.01, 0.04, 0.03, 0.005), holm(0.5), holm(0.02, 0.02, 0.9, 0.6, 0.001, 0.6)],
        "tests": tests(table, 0.12),
    },
    sys.stdout,
    indent=1,
)
print()
