"""The page of an ablation in a real browser."""

import pytest
import yaml

from memodule.cli import main

VARIANTS = {
    "sweep": {
        "rule": "PriorGuided",
        "parameters": {"threshold": [0.3, 0.5, 0.7], "nms_iou": [0.1, 0.4], "temporal_evolution": [True, False]},
    },
    "leak": {"rule": "FixedWindow", "protocol": {"fitted_on": "all"}},
    "chosen": {"rule": "FixedWindow", "parameters": {"threshold": [0.3, 0.7]}, "choose": ["threshold"]},
}


@pytest.fixture(scope="module")
def address(small, tmp_path_factory):
    grid = tmp_path_factory.mktemp("grid") / "page.yaml"
    reference = "sweep [threshold=0.5, nms_iou=0.1, temporal_evolution=true]"
    grid.write_text(yaml.safe_dump({"reference": reference, "variants": VARIANTS}, sort_keys=False))
    assert main(["ablate", str(small), "--grid", str(grid), "--workers", "1", "--quiet"]) == 0
    return (small / "ablations" / "page" / "index.html").as_uri()


def column(page, number: int) -> list[str]:
    rows = "[...document.querySelectorAll('table.rows tbody tr')].filter(row => !row.hidden)"
    return page.run(f"{rows}.map(row => row.cells[{number}].textContent)")


def test_it_opens_without_errors_and_without_network(page, address):
    page.open(address)
    assert page.problems == []
    assert page.requests == [address]
    heat_maps = """[...document.querySelectorAll("svg.plot")].filter(e => e.ariaLabel.includes(" by ")).length"""
    assert page.run(heat_maps) == 2


@pytest.mark.parametrize("width", [390, 1200])
def test_the_scales_of_variants_have_numbers(page, address, width):
    page.look(width=width, mobile=width < 600)
    page.open(address)
    axes = page.run("""[...document.querySelectorAll(".forest-line.head .scale")].map(axis => [...axis.children]
      .filter(e => e.getClientRects().length).map(e => Number(e.textContent)))""")
    assert len(axes) == 3
    assert all(len(numbers) >= 2 and numbers == sorted(numbers) for numbers in axes)
    page.look()


def test_rows_are_sorted_by_numbers_with_a_minus_sign(page, address):
    page.open(address)
    for _ in range(2):  # rows begin with the largest difference to the reference, and so does the first click
        page.click("table.rows thead th:nth-child(5) button")
    found = [float(text.replace("\N{MINUS SIGN}", "-")) for text in column(page, 4) if text]
    assert min(found) < 0 <= max(found)
    assert found == sorted(found)


def test_rows_are_found_by_words_of_their_names(page, address):
    page.open(address)
    assert len(column(page, 0)) == 1 + 12 + 1 + 1
    page.run("(() => { const f = document.getElementById('filter'); f.value = 'nms_iou=0.4 threshold=0.5';"
             "f.dispatchEvent(new Event('input')); })()")  # fmt: skip
    names = column(page, 0)
    assert len(names) == 2
    assert all("nms_iou=0.4" in name and "threshold=0.5" in name for name in names)
    assert page.run("document.getElementById('fitting').textContent") == "2 of 15 rows"


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1200, True)])
def test_nothing_is_wider_than_the_window(page, address, width, dark):
    page.look(width=width, dark=dark, mobile=width < 600)
    page.open(address)
    assert page.run("document.documentElement.scrollWidth") <= width
    page.look()
