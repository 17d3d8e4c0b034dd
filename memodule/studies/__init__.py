"""Studies: all folds of one experiment, in one folder. They produce data, which the report presents.

    plan    `plan` resolves a config into folds, and gives the study an identity and a folder
    run     `execution` runs folds here, `ray_tasks` runs them on other processes and machines; each fold is trained
            (`fold`), decoded again from saved curves (`redecoding`), or scored with the authors' weights (`imported`)
    pool    `pooling` adds up the counts of all folds and scores them once; `results_view` says how to read the scores

`loso` joins the three. `study` is the folder that they leave, `fold_result` one finished fold in it. The steps share
nothing but these files, so that a study can be stopped, moved, pooled again and reported anywhere. `tracking` is the
only module that calls Weights & Biases. Grids of `ablation` and spaces of `search` write values in one language,
which is `values`.
"""
