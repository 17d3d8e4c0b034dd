"use strict";
// Sortable tables; on paper, every section is unfolded.

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : column > 0;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => row.cells[column].textContent.replace("\u2212", "-");
      const order = (a, b) => value(a).localeCompare(value(b), undefined, { numeric: column === 0 });
      const numbers = (a, b) => (column === 0 ? order(a, b) : Number(value(a)) - Number(value(b)));
      const rows = [...table.tBodies[0].rows].sort((a, b) => (falling ? numbers(b, a) : numbers(a, b)));
      table.tBodies[0].append(...rows);
    });
  });
}

document.querySelectorAll("table.sortable").forEach(sortable);

const folded = () => document.querySelectorAll("details.study:not([open])");
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded = [...folded()];
  unfolded.forEach((details) => { details.open = true; });
});
window.addEventListener("afterprint", () => unfolded.forEach((details) => { details.open = false; }));

// A link to a folded section opens it.
function unfold() {
  const part = location.hash && document.getElementById(location.hash.slice(1));
  if (part && part.matches("details")) part.open = true;
}
window.addEventListener("hashchange", unfold);
unfold();
