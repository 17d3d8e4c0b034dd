"use strict";
// The table of all rows shows those whose names hold every typed word.

const filter = document.getElementById("filter");
const rows = [...document.querySelectorAll("table.rows tbody tr")];

function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => words.every((word) => row.cells[0].textContent.toLowerCase().includes(word));
  for (const row of rows) row.hidden = !fits(row);
  document.getElementById("fitting").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
}

filter.addEventListener("input", show);
document.getElementById("filter-label").hidden = false;
show();
