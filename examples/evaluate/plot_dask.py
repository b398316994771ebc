"""
Evaluate on a dask cluster
==========================

Fits of an evaluation are independent of each other, so that they can run on the
machines of a cluster. This example starts a cluster of two processes on this computer;
on a real cluster only the line that makes the client differs.

EEG and BOLD are simulated.
"""

# %%
# Models and recordings
# ---------------------

import logging

import joblib
import matplotlib.pyplot as plt
from dask.distributed import Client, LocalCluster

from braindecode_bolt.datasets import SimulatedEEGfMRI
from braindecode_bolt.evaluation import evaluate

recordings = SimulatedEEGfMRI(
    n_subjects=4, duration=150.0, ch_names=["Fz", "C4", "Pz", "Oz"], rois=["Thalamus"]
).load()
models = ["AlphaHRF", "LaggedBandPower"]

# %%
# The cluster
# -----------
# One thread for each worker, since the fits use several threads themselves. With a
# batch system: ``Client(SLURMCluster(cores=4, memory="8GB"))`` of dask-jobqueue. The
# guard is needed in a script, because new processes import it.

if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=logging.ERROR,
    )
    with cluster, Client(cluster), joblib.parallel_config("dask"):
        found = evaluate(models, recordings, n_splits=4, progress=False)
    print(found.scores[["pipeline", "subject", "region", "score"]].round(2))

# %%
# The same numbers come out as without a cluster
# ----------------------------------------------

if __name__ == "__main__":
    alone = evaluate(models, recordings, n_splits=4, progress=False)
    figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
    keys = ["pipeline", "subject", "region"]
    both = found.scores.merge(alone.scores, on=keys, suffixes=("_dask", "_alone"))
    axes.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    axes.plot(both["score_alone"], both["score_dask"], "o", color="tab:red")
    axes.set(xlabel="R, one process", ylabel="R, dask cluster", xlim=(0, 1), ylim=(0, 1))
    plt.show()

# %%
# **Next:** :ref:`sphx_glr_auto_examples_use_plot_save_and_share.py`.
# More about this: :doc:`/guide/cluster`.
