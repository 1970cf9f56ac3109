"""Makes agreement.json, which the tests of domain::agreement compare with: what scikit-learn, statsmodels, krippendorff
and irrCAC compute.

    python3 -m venv venv
    venv/bin/pip install scikit-learn==1.9.1 statsmodels==0.15.0 krippendorff==0.9.0 irrCAC==0.4.4
    OMP_NUM_THREADS=1 venv/bin/python -P agreement.py

Tables have a row for each annotator and a column for each item; null is missing. A figure is null where it has no
value. The intervals of bootstraps are percentiles of 4,000 resamples of items, each handed to the library.
"""

import json
import pathlib
import warnings

import krippendorff
import numpy as np
import pandas as pd
from irrCAC.raw import CAC
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

RESAMPLES = 4_000
NONE = None
# The example of Krippendorff (2011), four annotators and twelve items.
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]


def noisy(rng, n_annotators, n_items, n_labels, error, missing):
    truth = rng.integers(0, n_labels, n_items)
    table = np.where(rng.random((n_annotators, n_items)) < error, rng.integers(0, n_labels, (n_annotators, n_items)), truth)
    gone = rng.random(table.shape) < missing
    return [[None if g else int(it) for it, g in zip(row, lost)] for row, lost in zip(table, gone)]


def tables():
    rng = np.random.default_rng(1)
    scores = rng.uniform(0, 100, 40)
    judged = [[round(float(np.clip(it + e, 0, 100)), 2) for it, e in zip(scores, rng.normal(0, 15, 40))] for _ in range(3)]
    return {
        "textbook": TEXTBOOK,
        "two": noisy(rng, 2, 60, 3, 0.3, 0),
        "three with gaps": noisy(rng, 3, 80, 4, 0.4, 0.3),
        "seven verdicts": noisy(rng, 5, 50, 7, 0.5, 0.1),
        "by chance": noisy(rng, 4, 40, 2, 1, 0),
        "scores": judged,
        "scores with gaps": [[None if rng.random() < 0.3 else it for it in row] for row in judged],
        "all agree": [[0, 1, 2, 1]] * 3,
        "never agree": [[0, 0, 1, 1], [1, 1, 0, 0]],
        "one label": [[1, 1, 1, None]] * 2,
        "one item": [[0], [1], [1]],
        "one annotator says nothing": [[0, 1, 2, 1, 0], [0, 1, 1, 1, 2], [None] * 5],
        "nothing shared": [[0, None, 1], [None, 1, None]],
    }


def numbers(table):
    return np.array(table, dtype=float)


def known(value):
    return None if value is None or np.isnan(value) else float(value)


def alpha(table, scale):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return known(krippendorff.alpha(numbers(table), level_of_measurement=scale))
    except ValueError:
        return None


def alphas():
    rng = np.random.default_rng(2)
    rows = []
    for name, table in tables().items():
        row = {"name": name, "table": table}
        for scale in ["nominal", "ordinal", "interval", "ratio"]:
            row[scale] = alpha(table, scale)
        rows.append(row)
    for row in rows[:3]:
        for scale in ["nominal", "ordinal"]:
            row[f"{scale}_interval"] = resampled(rng, row["table"], lambda it: alpha(it, scale))
    return rows


def resampled(rng, table, statistic):
    """Items with at least two labels, drawn anew."""
    shared = numbers(table)
    shared = shared[:, (~np.isnan(shared)).sum(axis=0) > 1]
    n = shared.shape[1]
    values = [statistic(shared[:, rng.integers(0, n, n)]) for _ in range(RESAMPLES)]
    return list(np.percentile([it for it in values if it is not None], [2.5, 97.5]))


def fleiss(table):
    numbers_of = numbers(table).T
    if np.isnan(numbers_of).any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Rounded by irrCAC, so at more digits than it would by itself.
            return CAC(pd.DataFrame(numbers_of), digits=12).fleiss()["est"]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        kappa = known(fleiss_kappa(aggregate_raters(numbers_of)[0]))
    # Among equal numbers of labels the agreement is not rounded away.
    return {"coefficient_value": kappa, "pa": pairwise(numbers_of)}


def pairwise(items):
    counts = aggregate_raters(items)[0]
    n = counts.sum(axis=1)
    return float(np.mean((counts * (counts - 1)).sum(axis=1) / (n * (n - 1))))


def fleiss_kappas():
    rng = np.random.default_rng(3)
    all_tables = tables()
    names = ["textbook", "two", "three with gaps", "seven verdicts", "by chance", "all agree", "never agree", "one item"]
    rows = []
    for name in names:
        found = fleiss(all_tables[name])
        rows.append({"name": name, "table": all_tables[name], "kappa": known(found["coefficient_value"]),
                     "agreement": found["pa"]})
    for row in rows:
        if row["name"] in ["two", "by chance"]:
            row["interval"] = resampled(rng, row["table"], lambda it: fleiss(it)["coefficient_value"])
    return rows


def cohen(first, second, weights):
    labels = list(range(int(max(*first, *second)) + 1))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return known(cohen_kappa_score(first, second, labels=labels, weights=weights))


def cohen_kappas():
    rng = np.random.default_rng(4)
    grades = noisy(rng, 1, 100, 5, 0, 0)[0]
    graded = [int(np.clip(it + rng.integers(-1, 2), 0, 4)) for it in grades]
    cases = {
        "two": noisy(rng, 2, 60, 3, 0.3, 0),
        "grades": [grades, graded],
        "a label that one never gave": [[0, 0, 2, 2, 1, 0], [0, 2, 2, 2, 2, 0]],
        "a label that nobody gave": [[0, 0, 3, 3, 1, 0], [0, 3, 3, 1, 3, 0]],
        "all agree": [[0, 1, 2], [0, 1, 2]],
        "never agree": [[0, 0, 1, 1], [1, 1, 0, 0]],
        "one label": [[1, 1, 1], [1, 1, 1]],
        "one item": [[0], [1]],
    }
    rows = []
    for name, (first, second) in cases.items():
        row = {"name": name, "first": first, "second": second}
        for weights, key in [(None, "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")]:
            row[key] = cohen(first, second, weights)
        rows.append(row)
    for row in rows[:2]:
        table = [row["first"], row["second"]]
        row["interval"] = resampled(rng, table, lambda it: cohen(*it.astype(int), "linear"))
    return rows


def corrected_rates():
    """Lang and Reiczigel (2014) by their formulas, as published with the R package asht (prevSeSp). Null where no rate
    from 0 to 1 is in the interval: asht cuts it to one without width."""
    rows = []
    for reported, sensitivity, specificity in [((23, 150), (96, 100), (89, 100)), ((0, 64), (18, 20), (70, 80)),
                                               ((64, 64), (18, 20), (70, 80)), ((137, 1_280), (40, 50), (199, 200)),
                                               ((5, 10), (1, 1), (1, 1)), ((30, 100), (12, 20), (11, 20))]:
        for level in [0.8, 0.95]:
            z = stats.norm.ppf((1 + level) / 2)
            (x, n), (a, n_a), (b, n_b) = reported, sensitivity, specificity
            n, p = n + z**2, (x + z**2 / 2) / (n + z**2)
            n_a, se = n_a + 2, (a + 1) / (n_a + 2)
            n_b, sp = n_b + 2, (b + 1) / (n_b + 2)
            rate = (p + sp - 1) / (se + sp - 1)
            shift = 2 * z**2 * (rate * se * (1 - se) / n_a - (1 - rate) * sp * (1 - sp) / n_b)
            variance = p * (1 - p) / n + rate**2 * se * (1 - se) / n_a + (1 - rate) ** 2 * sp * (1 - sp) / n_b
            reach = z * np.sqrt(variance) / (se + sp - 1)
            raw = (x / reported[1] + b / specificity[1] - 1) / (a / sensitivity[1] + b / specificity[1] - 1)
            ends = [rate + shift - reach, rate + shift + reach]
            possible = ends[0] < 1 and ends[1] > 0
            rows.append({"reported": reported, "sensitivity": sensitivity, "specificity": specificity, "level": level,
                         "rate": float(np.clip(raw, 0, 1)),
                         "interval": [float(np.clip(it, 0, 1)) for it in ends] if possible else None})
    return rows


SECTIONS = [alphas, fleiss_kappas, cohen_kappas, corrected_rates]

if __name__ == "__main__":
    texts = []
    for section in SECTIONS:
        cases = ",\n".join("    " + json.dumps(case, allow_nan=False) for case in section())
        texts.append(f'  "{section.__name__}": [\n{cases}\n  ]')
    pathlib.Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(texts) + "\n}\n")
