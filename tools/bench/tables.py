#!/usr/bin/env python3
"""chainrule train with its defaults beside scikit-learn's multi-layer perceptron, on real tables.

    tools/bench/tables.py FOLDER [CASE...]     # FOLDER has titanic.csv, adult.csv, ...

Both see the same five splits, four fifths to learn from, those of train_test_split(random_state=0 to 4), by which
each class has its share. scikit-learn is given medians and the most frequent for gaps, standardised numbers, one-hot
texts, and max_iter=500. Needs python3-sklearn and python3-pandas."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import warnings

import pandas
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TOOL = pathlib.Path(__file__).parents[2] / "build/release/bin/chainrule"
# name: file, how pandas reads it, the target, columns to drop, numbers?
CASES = {
    "titanic": ("titanic.csv", {}, "Survived", ["PassengerId", "Name", "Ticket", "Cabin"], False),
    "adult": ("adult.csv", {"header": None, "skipinitialspace": True, "na_values": "?"}, -1, [], False),
    "car": ("car.data", {}, "class", [], False),
    "penguins": ("penguins.csv", {"encoding": "utf-8-sig"}, "species", ["id"], False),
    "pima": ("pima.csv", {"header": None}, -1, [], False),
    "glass": ("glass.data", {"header": None}, -1, [0], False),
    "ecoli": ("ecoli.data", {"header": None, "sep": r"\s+"}, -1, [0], False),
    "seeds": ("seeds.txt", {"header": None, "sep": r"\t+", "engine": "python"}, -1, [], False),
    "wine": ("winequality-red.csv", {"sep": ";"}, "quality", [], False),
    "wine R2": ("winequality-red.csv", {"sep": ";"}, "quality", [], True),
    "abalone R2": ("abalone.csv", {"header": None}, -1, [], True),
    "mpg R2": ("mpg.csv", {}, "mpg", [], True),
}


def theirs(x, y, train, test, numbers, seed):
    numeric = x.select_dtypes("number").columns
    texts = [name for name in x.columns if name not in numeric]
    prepare = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), list(numeric)),
        ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), texts)])
    perceptron = (MLPRegressor if numbers else MLPClassifier)(max_iter=500, random_state=seed)
    return make_pipeline(prepare, perceptron).fit(x.iloc[train], y.iloc[train]).score(x.iloc[test], y.iloc[test])


def ours(table, target, drop, train, test, numbers, seed):
    """Each part as a CSV file, in which columns are numbered where they have no names."""
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("train.csv", "test.csv")]
        for name, rows in zip(files, (train, test)):
            table.iloc[rows].to_csv(name, index=False)
        command = [TOOL, "train", files[0], "--test", files[1], "--target", target, "--seed", str(seed), "--json",
                   "--header", "yes", "--task", "regression" if numbers else "classification"]
        if drop:
            command += ["--drop", ",".join(drop)]
        result = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return result["r2" if numbers else "accuracy"]


def main():
    warnings.filterwarnings("ignore")
    folder = pathlib.Path(sys.argv[1])
    print("| table | chainrule | scikit-learn (deviation) |\n| --- | --: | --: |")
    for name in sys.argv[2:] or CASES:
        file, reading, target, drop, numbers = CASES[name]
        table = pandas.read_csv(folder / file, **reading)
        target = table.columns[target] if target == -1 else target
        table.columns, target, drop = [f"c{c}" if isinstance(c, int) else c for c in table.columns], \
            f"c{target}" if not isinstance(target, str) else target, [f"c{c}" if isinstance(c, int) else c for c in drop]
        table = table[table[target].notna()]
        x, y = table.drop(columns=[target, *drop]), table[target]
        mine, other = [], []
        for seed in range(5):
            train, test = train_test_split(range(len(table)), test_size=0.2, random_state=seed,
                                           stratify=None if numbers else y)
            mine.append(ours(table, target, drop, train, test, numbers, seed))
            other.append(theirs(x, y, train, test, numbers, seed))
        shown = (lambda v: f"{v:.3f}") if numbers else (lambda v: f"{100 * v:.1f} %")
        print(f"| {name} | {shown(statistics.mean(mine))} | {shown(statistics.mean(other))} "
              f"({shown(statistics.pstdev(other))}) |", flush=True)


if __name__ == "__main__":
    main()
