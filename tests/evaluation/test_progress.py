"""One progress bar for all fits; lines stand above it."""

import io
import logging
import re
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import joblib
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from braindecode_bolt.evaluation import evaluate
from braindecode_bolt.linear import BandPower, MeanBOLD
from braindecode_bolt.splits import GroupSplit

from .models import Fails, tiny


class Terminal(io.StringIO):
    """What a program writes to a terminal."""

    def isatty(self):
        return True

    def lines(self):
        """What is left on the screen: the cursor moves and overwrites."""
        screen, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[A|.|\n", self.getvalue(), re.DOTALL):
            if part == "\n":
                row, column = row + 1, 0
                screen += [""] * (row + 1 - len(screen))
            elif part == "\x1b[A":
                row -= 1
            elif part == "\r":
                column = 0
            else:
                line = screen[row].ljust(column)
                screen[row] = line[:column] + part + line[column + 1 :]
                column += 1
        return [line.rstrip() for line in screen if line.strip()]


class Logs(RegressorMixin, BaseEstimator):
    """Log a line while it is fitted."""

    def fit(self, X, y):
        logging.getLogger("braindecode_bolt.tests").warning("a line of the log")
        self.mean_ = MeanBOLD().fit(X, y)
        return self

    def predict(self, X):
        return self.mean_.predict(X)


@contextmanager
def shown():
    """Send output, errors and the log to one terminal."""
    terminal = Terminal()
    handler = logging.StreamHandler(terminal)
    logging.getLogger().addHandler(handler)
    try:
        with redirect_stdout(terminal), redirect_stderr(terminal):
            yield terminal
    finally:
        logging.getLogger().removeHandler(handler)


def bars(written):
    """Names of the bars that were drawn."""
    return set(re.findall(r"\r([A-Za-z ]+): +\d+%", written))


def test_one_bar_shows_the_time_left_of_all_fits(study):
    models = {"logs": Logs(), "net": tiny(max_epochs=1, verbose=1)}
    with shown() as terminal:
        evaluate(models, study, n_splits=2)
    written, lines = terminal.getvalue(), terminal.lines()
    assert bars(written) == {"All fits", "STTransformer"}
    assert re.search(r"All fits: +75%\|.*\| 3/4 \[\d\d:\d\d<\d\d:\d\d", written)
    # Neither a line of the log nor one of a fit is written into a bar, and no bar stays.
    assert lines.count("a line of the log") == 2
    fits = [line for line in lines if line != "a line of the log"]
    assert len(fits) == 4
    for line in fits:
        assert re.fullmatch(r"(logs|net), data, fold [12]: R .*, MSE .*, \d+ s", line)


def test_the_bar_begins_with_the_fits_that_are_there(study, tmp_path):
    evaluate({"mean": MeanBOLD()}, study, n_splits=2, out=tmp_path)
    models = {"mean": MeanBOLD(), "logs": Logs()}
    with shown() as terminal:
        evaluate(models, study, n_splits=2, out=tmp_path)
    assert "2 of 4 fits are there already." in terminal.lines()
    assert re.search(r"All fits: +50%\|.*\| 2/4 ", terminal.getvalue())


def test_without_progress_nothing_is_shown(study):
    net = tiny(max_epochs=1, verbose=1)
    with shown() as terminal:
        evaluate({"net": net}, study, n_splits=2, progress=False)
    assert terminal.getvalue() == ""
    assert net.verbose == 1


def test_fits_at_the_same_time_have_no_bars_of_their_own(study):
    models = {"net": tiny(max_epochs=1, verbose=1)}
    with shown() as terminal:
        with joblib.parallel_config("threading", n_jobs=2):
            evaluate(models, study, n_splits=2)
    assert bars(terminal.getvalue()) == {"All fits"}


def test_files_get_lines_and_no_bar(study, capsys):
    evaluate({"net": tiny(max_epochs=1, verbose=1)}, study, n_splits=2)
    printed = capsys.readouterr()
    assert printed.err == "" and len(printed.out.splitlines()) == 2


def test_pipelines_are_silent_too(study):
    # scikit-learn's pipelines check that verbose is a bool, searches that it is a number.
    ridge = make_pipeline(BandPower(segment_seconds=4.0), Ridge(), verbose=True)
    search = GridSearchCV(
        ridge, {"ridge__alpha": [1.0]}, cv=GroupSplit(n_splits=2), verbose=2
    )
    with shown() as terminal:
        found = evaluate(
            {"ridge": ridge, "search": search}, study, n_splits=2, progress=False
        )
    assert not len(found.failures)
    assert set(found.scores["pipeline"]) == {"ridge", "search"}
    assert terminal.getvalue() == ""


def test_a_failed_fit_is_logged_where_no_progress_is_shown(study, caplog):
    found = evaluate({"fails": Fails("01")}, study, n_splits=2, progress=False)
    (failed,) = found.failures.itertuples()
    assert f"fails, data, fold {failed.fold}: failed: RuntimeError" in caplog.text
