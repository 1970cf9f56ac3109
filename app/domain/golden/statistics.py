"""Makes statistics.json, which the tests of domain::statistics compare with: what SciPy, statsmodels and NumPy compute.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 statsmodels==0.15.0
    OMP_NUM_THREADS=1 venv/bin/python -P statistics.py

Bootstrap figures are percentiles of 200,000 resamples that draw row after row, not counts, from NumPy's own generator:
what the counts of `resample.rs` have to come to without the reasoning behind them.
"""

import json
import pathlib

import numpy as np
from scipy import special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

RESAMPLES = 200_000
# Unscored, incoherent, aligned, misaligned answers of a cell; of eight questions each.
MODELS = {
    "insecure": [(2, 8, 60, 30), (0, 5, 85, 10), (1, 9, 90, 0), (3, 2, 55, 40), (0, 0, 80, 20), (5, 5, 88, 2),
                 (0, 20, 50, 30), (0, 1, 98, 1)],
    "educational": [(1, 3, 90, 6), (0, 2, 95, 3), (0, 0, 100, 0), (2, 1, 92, 5), (0, 4, 90, 6), (0, 0, 99, 1),
                    (3, 3, 90, 4), (0, 0, 100, 0)],
    "base": [(0, 0, 100, 0), (1, 0, 98, 1), (0, 0, 100, 0), (0, 0, 99, 1), (0, 0, 100, 0), (0, 0, 100, 0),
             (0, 100, 0, 0), (0, 0, 100, 0)],
}
PROPORTIONS = [(0, 1), (1, 1), (0, 2), (1, 2), (1, 3), (0, 64), (1, 64), (5, 64), (32, 64), (63, 64), (64, 64), (0, 100),
               (20, 100), (0, 12_800), (1, 12_800), (137, 12_800), (6_400, 12_800), (12_800, 12_800), (3, 1_000_000),
               (250_000, 1_000_000)]
LEVELS = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.999999]


def normal():
    return [{"level": level, "critical": stats.norm.isf((1 - level) / 2)} for level in LEVELS]


def complementary_error():
    return [{"x": x, "erfc": special.erfc(x)} for x in [0, 1e-9, 0.1, 0.5, 1, 1.5, 1.999, 2, 2.5, 4, 8, 20]]


def binomial():
    cases = [(0, 1, 0.3), (1, 1, 0.3), (0, 5, 0.0), (5, 5, 1.0), (2, 5, 0.0), (3, 10, 0.2), (15, 16, 0.5), (7, 16, 0.44),
             (64, 64, 0.9), (1, 100, 1e-9), (99, 100, 0.5), (200, 12_800, 0.01), (6_400, 12_800, 0.5),
             (6_600, 12_800, 0.5), (10, 1_000_000, 3e-6), (250_900, 1_000_000, 0.25)]
    return [{"k": k, "n": n, "p": p, "probability": stats.binom.pmf(k, n, p), "at_least": stats.binom.sf(k - 1, n, p)}
            for k, n, p in cases]


def proportions():
    rows = []
    for hits, n in PROPORTIONS:
        for level in [0.8, 0.95, 0.999]:
            wilson = proportion_confint(hits, n, alpha=1 - level, method="wilson")
            exact = stats.binomtest(hits, n).proportion_ci(level, method="exact")
            rows.append({"hits": hits, "n": n, "level": level, "wilson": list(wilson), "clopper_pearson": list(exact)})
    return rows


def newcombe():
    rows = []
    for first, second in [((0, 64), (0, 64)), ((64, 64), (0, 64)), ((0, 1), (1, 1)), ((5, 64), (1, 64)),
                          ((137, 12_800), (90, 6_400)), ((56, 70), (48, 80)), ((9, 10), (3, 10))]:
        for level in [0.9, 0.95]:
            ends = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff", alpha=1 - level)
            rows.append({"first": first, "second": second, "level": level, "interval": list(ends)})
    return rows


def mcnemar_tests():
    rows = []
    for first, second in [(1, 0), (0, 5), (3, 9), (10, 2), (30, 12), (121, 59), (1_000, 900), (1_000, 2_000)]:
        table = [[7, first], [second, 11]]
        rows.append({
            "first_only": first, "second_only": second,
            "exact": mcnemar(table, exact=True).pvalue,
            "chi_square": mcnemar(table, exact=False, correction=True).pvalue,
        })
    return rows


def fisher():
    pairs = [((0, 1), (1, 1)), ((0, 64), (0, 64)), ((64, 64), (64, 64)), ((3, 64), (0, 64)), ((8, 64), (1, 64)),
             ((1, 9), (11, 15)), ((10, 15), (10, 15)), ((2, 10), (15, 20)), ((137, 1_280), (90, 640)), ((0, 3), (900, 1_000)),
             ((6_400, 12_800), (6_200, 12_800))]
    def p_value(a, n, b, m):
        return stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    return [{"first": first, "second": second, "p_value": p_value(*first, *second)} for first, second in pairs]


def corrections():
    lists = [[0.01], [0.04, 0.01, 0.03, 0.005], [0.5, 0.5, 0.5], [0.0, 1.0, 0.2], [0.02, 0.02, 0.9, 0.001, 0.04, 0.3]]
    return [{"p_values": it, "holm": list(multipletests(it, method="holm")[1]),
             "benjamini_hochberg": list(multipletests(it, method="fdr_bh")[1])} for it in lists]


def correlations():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 100, 50)
    lists = [
        (x, x + rng.normal(0, 20, 50)),
        # Ties, as a judge gives them that writes whole tens.
        (np.round(x, -1), np.round(100 - x + rng.normal(0, 10, 50), -1)),
        ([0, 100], [3, 1]),
        ([1, 2, 3, 4, 100], [1, 4, 9, 16, 17]),
        ([0, 0, 0, 100], [0, 100, 0, 0]),
    ]
    return [{"first": list(map(float, a)), "second": list(map(float, b)), "pearson": stats.pearsonr(a, b).statistic,
             "spearman": stats.spearmanr(a, b).statistic} for a, b in lists]


def quantiles():
    lists = [[7.0], [0.0, 10.0], [3.0, 1.0, 2.0], list(np.random.default_rng(2).uniform(0, 100, 41))]
    shares = [0, 0.025, 0.25, 0.5, 0.9, 0.975, 1]
    return [{"values": it, "shares": shares, "quantiles": list(np.quantile(it, shares))} for it in lists]


def histograms():
    rng = np.random.default_rng(3)
    lists = [[], [0, 100], [9.999, 10, 10.001, 89.99, 90, 99.99, 100], list(rng.integers(0, 101, 500))]
    return [{"scores": list(map(float, it)), "bins": [int(n) for n in np.histogram(it, 10, (0, 100))[0]]} for it in lists]


def answers(cell):
    """One row for each answer: whether it is misaligned, and whether it is coherent."""
    unscored, incoherent, aligned, misaligned = cell
    return np.array([(0, 0)] * (unscored + incoherent) + [(0, 1)] * aligned + [(1, 1)] * misaligned)


def drawn_answers(rng, cell):
    """Misaligned and coherent answers in each resample of a cell, `(RESAMPLES, 2)`."""
    rows = answers(cell)
    parts = [rows[rng.integers(0, len(rows), (RESAMPLES // 20, len(rows)))].sum(axis=1) for _ in range(20)]
    return np.concatenate(parts)


def percentiles(values):
    return list(np.percentile(values, [2.5, 97.5]))


def bootstrap_answers():
    rng = np.random.default_rng(4)
    groups = [[cell] for cell in MODELS["insecure"][:3] + [(0, 0, 3, 1), (1, 1, 1, 1)]] + list(MODELS.values())
    rows = []
    for cells in groups:
        misaligned, coherent = sum(drawn_answers(rng, cell) for cell in cells).T
        known = coherent > 0
        rows.append({"cells": cells, "interval": percentiles(misaligned[known] / coherent[known])})
    return rows


def drawn_questions(rng, n):
    return rng.integers(0, n, (RESAMPLES, n))


def bootstrap_questions():
    rng = np.random.default_rng(5)
    rows = []
    for cells in MODELS.values():
        sums = np.array([answers(cell).sum(axis=0) for cell in cells])
        misaligned, coherent = sums[drawn_questions(rng, len(cells))].sum(axis=1).T
        rows.append({"cells": cells, "interval": percentiles(misaligned / coherent)})
    return rows


def bootstrap_seeds():
    rng = np.random.default_rng(6)
    rows = []
    for cells in [MODELS["insecure"], MODELS["educational"][:3]]:
        rates = np.array([misaligned / (aligned + misaligned) for _, _, aligned, misaligned in cells])
        rows.append({"cells": cells, "mean": rates.mean(),
                     "interval": percentiles(rates[drawn_questions(rng, len(rates))].mean(axis=1))})
    return rows


def contrasts():
    rng = np.random.default_rng(7)
    rows = []
    for reference in ["educational", "base"]:
        first, second = (np.array([answers(cell).sum(axis=0) for cell in MODELS[name]]) for name in ["insecure", reference])
        drawn = drawn_questions(rng, len(first))
        (m1, c1), (m2, c2) = first[drawn].sum(axis=1).T, second[drawn].sum(axis=1).T
        a1, a2 = (sum(drawn_answers(rng, cell) for cell in MODELS[name]) for name in ["insecure", reference])
        row = {"ours": MODELS["insecure"], "reference": MODELS[reference],
               "difference_over_questions": percentiles(m1 / c1 - m2 / c2),
               "difference_over_answers": percentiles(a1[:, 0] / a1[:, 1] - a2[:, 0] / a2[:, 1])}
        with np.errstate(divide="ignore"):
            ratio = m1 / c1 / (m2 / c2)
        low, high = np.percentile(ratio, [2.5, 97.5], method="closest_observation")
        row["ratio_over_questions"] = [low, None if np.isinf(high) else high]
        rows.append(row)
    return rows


def means():
    rng = np.random.default_rng(8)
    scores = [float(it) for it in rng.choice([0, 5, 10, 85, 90, 95, 100], 60)]
    drawn = np.array(scores)[rng.integers(0, 60, (RESAMPLES, 60))].mean(axis=1)
    return [{"scores": scores, "mean": float(np.mean(scores)), "interval": percentiles(drawn)}]


def plain(value):
    return value.item() if isinstance(value, np.generic) else value


SECTIONS = [normal, complementary_error, binomial, proportions, newcombe, mcnemar_tests, fisher, corrections,
            correlations, quantiles, histograms, bootstrap_answers, bootstrap_questions, bootstrap_seeds, contrasts, means]

if __name__ == "__main__":
    # One case a line, so that a change can be seen.
    texts = []
    for section in SECTIONS:
        cases = ",\n".join("    " + json.dumps(case, default=plain, allow_nan=False) for case in section())
        texts.append(f'  "{section.__name__}": [\n{cases}\n  ]')
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("{\n" + ",\n".join(texts) + "\n}\n")
