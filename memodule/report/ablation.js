"use strict";
// The filter of the table of all rows: names must contain every typed word.

const filter = document.getElementById("filter");
const rows = [...document.querySelectorAll("table.rows tbody tr")];

function show() {
  const parts = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (row) => parts.every((part) => row.cells[0].textContent.toLowerCase().includes(part));
  for (const row of rows) row.hidden = !matches(row);
  document.getElementById("fitting").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
}

filter.addEventListener("input", show);
document.getElementById("filter-label").hidden = false;
show();
