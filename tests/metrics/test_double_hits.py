"""A prediction finds one expression, however many it overlaps; see docs/published-numbers.md for other counts."""

import json

from memodule.cli import main


def test_a_prediction_over_two_expressions_is_one_hit(tmp_path, capsys):
    header = "subject,video,onset,offset,emotion\n"
    (tmp_path / "truth.csv").write_text(
        header + "011,1,914,1069,others\n011,1,944,1031,others\n011,1,2000,2099,others\n"
    )
    (tmp_path / "found.csv").write_text(header + "011,1,953,1100,others\n011,1,3000,3099,others\n")
    assert main(["evaluate", str(tmp_path / "found.csv"), str(tmp_path / "truth.csv"), "--json"]) == 0
    spotting = json.loads(capsys.readouterr().out)["spotting"]
    # both of the first two expressions have IoU >= .5 with the first prediction; counted twice it would be 2 / 1 / 1
    assert (spotting["tp"], spotting["fp"], spotting["fn"]) == (1, 1, 2)
