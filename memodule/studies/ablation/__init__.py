"""Ablations: the saved curves of a study, decoded under every variant of a grid; nothing is trained.

grid -> `grid` (`rule_files`, `variants`) -> `prepared` curves -> `execution` counts each decoding once (`counting`,
`cache`) -> `choosing` -> `table` (`sweeps`, `row_influences`). `run` joins them.
"""
