#!/usr/bin/env python3
"""Writes tests/data/estimators/vectors.json: what other people's programs say of the samples that tests/estimators.rs compares.

    python3 -m venv /tmp/vectors && /tmp/vectors/bin/pip install scikit-bio scipy
    apt-get install r-cran-vegan r-cran-alakazam
    /tmp/vectors/bin/python scripts/estimator-vectors.py

By hand, when an estimator is added; the tests need none of it. The same samples come out each time (seeded), and the file
names the versions that made it.

Where a program uses another form of a formula, the difference is undone here and nowhere else:

* scikit-bio's Chao1 leaves out the factor k = (n-1)/n, and knows no Chao2. seen + k (theirs - seen), with k = (m-1)/m and numbers
  of units in place of visits for Chao2.
* scikit-bio's variance of Chao1 has no k either, and 0.24 where Chao (1987) has 1/4. vegan's `specpool` has the variance of 1987
  with k; it wants a table of units and listeners. For Chao1 it is given one with a row for each visit, so that its (rows-1)/rows is
  (n-1)/n. Where nobody was seen twice its variance uses its own estimate, which is the same as ours there.
  Its estimate is compared only there: elsewhere it is f1^2/(2 f2), not corrected for bias.
* The log-normal interval is scikit-bio's function, called with that estimate and that variance. Where one was seen once and the
  estimate adds nothing it returns a point; we use the interval of samples in which nobody was seen once (same module).
* ACE: scikit-bio refuses samples in which every rare listener was seen once; so do we.
* Coverage (Chao and Jost 2012): alakazam, for samples with more than one visit.
* Good and Toulmin's series is summed here, with weights from scipy's binomial law: no package at hand has it.
* Quantiles: scipy's `isf` gives the smallest x with P(X > x) <= tail; we count ports, P(X >= c) <= tail, so c = x + 1.
"""

import json
import math
import pathlib
import subprocess
import tempfile

import numpy as np
import scipy
import skbio
from scipy import stats
from skbio.diversity.alpha import ace, chao1
from skbio.diversity.alpha._chao1 import _chao_confidence_no_singletons, _chao_confidence_with_singletons

TARGET = pathlib.Path(__file__).parent.parent / "tests/data/estimators/vectors.json"

R_PROGRAM = r"""
suppressMessages(library(vegan))
suppressMessages(library(alakazam))
lines <- readLines(commandArgs(TRUE)[1])
number <- function(x) if (length(x) == 0 || is.na(x)) "null" else format(x, digits = 17, scientific = TRUE)
for (line in lines) {
  part <- as.numeric(strsplit(line, " ")[[1]])
  units <- part[1]
  counts <- part[-1]
  # Listener i in the first counts[i] units: specpool looks at sums by listener only, for what is used of it.
  table <- sapply(counts, function(count) as.numeric(seq_len(units) <= count))
  pool <- specpool(matrix(table, nrow = units))
  coverage <- if (sum(counts) > 1) calcCoverage(counts) else NA
  cat("[", paste(number(pool$chao), number(pool$chao.se^2), number(pool$jack1), number(pool$jack2), number(coverage), sep = ", "),
      "]\n", sep = "")
}
cat("\"", as.character(packageVersion("vegan")), " ", as.character(packageVersion("alakazam")), " ",
    paste(R.version$major, R.version$minor, sep = "."), "\"\n", sep = "")
"""


def run_r(samples):
    """What R says of (units, counts): rows of Chao, its variance, jackknives 1 and 2, coverage; and the versions."""
    with tempfile.TemporaryDirectory() as folder:
        program, data = pathlib.Path(folder, "program.R"), pathlib.Path(folder, "data")
        program.write_text(R_PROGRAM)
        data.write_text("".join(" ".join(map(str, [units, *counts])) + "\n" for units, counts in samples))
        out = subprocess.run(["Rscript", program, data], check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    return rows[:-1], rows[-1].split(" ")


def chao(counts, units, from_r):
    """Estimate, 95 % interval and one-sided 95 % limit."""
    seen, total = len(counts), sum(counts)
    factor = (units - 1) / units
    estimate = seen + factor * (chao1(np.array(counts)) - seen)
    theirs, variance = from_r[0], from_r[1]
    if 2 not in counts:
        assert math.isclose(estimate, theirs, rel_tol=1e-12), (counts, units, estimate, theirs)
    if estimate > seen and variance > 0:
        lower, upper = _chao_confidence_with_singletons(estimate, seen, variance, 1.96)
        at_most = _chao_confidence_with_singletons(estimate, seen, variance, 1.645)[1]
    else:
        lower, upper = _chao_confidence_no_singletons(total, seen, 1.96)
        at_most = _chao_confidence_no_singletons(total, seen, 1.645)[1]
    return {"estimate": float(estimate), "lower_95": float(lower), "upper_95": float(upper), "at_most": float(at_most)}


def ace_or_none(counts):
    try:
        return float(ace(np.array(counts)))
    except ValueError:
        return None


def good_toulmin(counts, extension):
    weight = lambda j: stats.binom.sf(j - 1, 10, 0.5)
    return float(math.fsum(-((-extension) ** j) * weight(j) * counts.count(j) for j in range(1, 11)))


def samples():
    """Visits, and (units, units in which each listener was active)."""
    rng = np.random.default_rng(20_240_607)
    visits = [[1, 1], [2], [1, 2], [2, 2, 2], [1, 1, 1, 2], [1, 3, 3], [1, 1, 1, 1, 1, 9], [10, 11], [11, 12, 900], [1, 1, 2, 2, 3, 40],
              [5] * 51, [1] * 12 + [2] * 3 + [3] * 3, [1] * 30 + [2], [1] + [2] * 40]
    for listeners, median, spread, hours in [(51, 1, 1, 1), (51, 1, 2, 4), (51, 0.2, 2, 4), (51, 0.2, 1, 8), (68, 1, 1, 4), (68, 1, 2, 8),
                                             (68, 0.2, 2, 8), (68, 0.2, 2, 1), (300, 0.1, 2, 4)]:
        rates = median * np.exp(spread * rng.standard_normal(listeners))
        visits.append([int(count) for count in rng.poisson(np.minimum(rates * hours, 60)) if count > 0])
    units = [(2, [1]), (2, [1, 1]), (2, [2, 2]), (2, [1, 2]), (3, [1, 1, 2, 3]), (3, [3, 3, 3]), (5, [1, 1, 1, 1]), (7, [7] * 6), (20, [1, 2, 20]),
             (20, [1] * 10), (10, [2] * 9 + [1])]
    for listeners, count, a, b in [(51, 3, 1, 1), (51, 5, 0.7, 1.4), (68, 5, 2, 1), (68, 10, 0.7, 1.4), (68, 20, 0.5, 4), (51, 20, 0.3, 3),
                                   (51, 14, 1, 2), (200, 100, 0.3, 5)]:
        active = rng.binomial(count, rng.beta(a, b, listeners))
        units.append((count, [int(of) for of in active if of > 0]))
    return visits, units


def quantiles():
    rows = []
    for mean in (0.02, 0.5, 1, 3.7, 12.25, 51, 124.9, 611.3, 5_000):
        for ratio in (1.0, 1.3, 3.0, 9.47, 41.36):
            for tail in (1e-2, 1e-6, 1e-9):
                if ratio == 1.0:
                    most = stats.poisson.isf(tail, mean)
                else:
                    most = stats.nbinom.isf(tail, mean / (ratio - 1), 1 / ratio)
                rows.append({"mean": mean, "variance_to_mean": ratio, "tail": tail, "ports": int(most) + 1})
    return rows


def main():
    visits, units = samples()
    rows, (vegan, alakazam, r) = run_r([(sum(counts), counts) for counts in visits] + units)
    abundance = []
    for counts, row in zip(visits, rows):
        abundance.append({"visits": counts, "chao1": chao(counts, sum(counts), row), "ace": ace_or_none(counts), "coverage": row[4],
                          "good_toulmin": {"half": good_toulmin(counts, 0.5), "once": good_toulmin(counts, 1.0)}})
    incidence = []
    for (count, active), row in zip(units, rows[len(visits):]):
        incidence.append({"units": count, "active_units": active, "chao2": chao(active, count, row), "jackknife1": row[2], "jackknife2": row[3]})
    made_with = {"scikit-bio": skbio.__version__, "scipy": scipy.__version__, "vegan": vegan, "alakazam": alakazam, "R": r}
    lines = lambda rows: "[\n    " + ",\n    ".join(json.dumps(row) for row in rows) + "\n  ]"
    body = {"made_with": json.dumps(made_with), "abundance": lines(abundance), "incidence": lines(incidence), "quantiles": lines(quantiles())}
    TARGET.write_text("{\n" + ",\n".join(f'  "{name}": {value}' for name, value in body.items()) + "\n}\n")
    print(f"{len(abundance)} + {len(incidence)} samples, {len(quantiles())} quantiles: {TARGET}")


main()
