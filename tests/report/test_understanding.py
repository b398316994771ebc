import nibabel
import numpy as np
import pandas as pd

from braindecode_bolt.report import write_report
from tests.plotting.test_explanations import make_table

from .test_report import Page, found, summary  # noqa: F401

LABELS = ["Thalamus", "Cuneus"]


def make_atlas():
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = [-90, -126, -72]
    data = np.zeros((46, 55, 46), np.int32)
    data[20:25, 25:30, 18:22], data[20:25, 8:13, 20:24] = 1, 2
    return nibabel.Nifti1Image(data, affine)


def test_explanations_and_the_brain_are_in_the_report(found, summary, tmp_path):  # noqa: F811
    tables = {"ridge": make_table(), "net & <b>": make_table(["Cuneus"])}
    path = write_report(
        found,
        tmp_path / "report.html",
        summary,
        explanations=tables,
        atlas=make_atlas(),
        labels=LABELS,
    )
    page = Page(path)
    assert {"brain", "drives"} <= page.ids
    assert "What drives the predictions" in page.text and "net & <b>" in page.text
    alternatives = [image["alt"] for image in page.images]
    assert sum("on the brain" in text for text in alternatives) == 2
    assert sum("Effect of each band over lags" in text for text in alternatives) == 2
    assert all(link.startswith(("#", "data:")) for link in page.links)


def test_without_explanations_and_places_there_are_no_such_sections(
    found,  # noqa: F811
    summary,  # noqa: F811
    tmp_path,
):
    page = Page(write_report(found, tmp_path / "report.html", summary))
    assert not {"brain", "drives"} & page.ids


def test_explanations_in_the_results_folder_are_shown(found, summary, tmp_path):  # noqa: F811
    from dataclasses import replace

    (tmp_path / "explanations").mkdir()
    table = make_table().assign(effect=np.nan, method="pattern")
    table.to_csv(tmp_path / "explanations" / "ridge.tsv", sep="\t", index=False)
    found = replace(found, folder=tmp_path)
    page = Page(write_report(found, tmp_path / "report.html", summary))
    assert "drives" in page.ids and "ridge" in page.text


def test_what_cannot_be_drawn_is_logged(found, summary, tmp_path, caplog):  # noqa: F811
    places = pd.DataFrame({"x": [0.0], "y": [0.0], "z": [0.0]}, ["Elsewhere"])
    three = make_table(electrodes=["Cz", "Pz", "Oz"])
    path = tmp_path / "report.html"
    arguments = {"explanations": {"ridge": three}, "coordinates": places}
    page = Page(write_report(found, path, summary, **arguments))
    assert "No brain picture" in caplog.text and "is not drawn" in caplog.text
    assert "brain" not in page.ids and "drives" in page.ids
