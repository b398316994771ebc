// Tables of text become blocks on narrow screens (own.css); cells learn their column's name.
function labelCells(table) {
  const heads = [...table.querySelectorAll("thead tr:last-child th")];
  const rows = [...table.querySelectorAll("tbody tr")];
  if (!heads.length || table.querySelector("[colspan], [rowspan]")) return;
  const texts = rows.flatMap((row) => [...row.cells].map((cell) => cell.textContent.trim()));
  if (!texts.some((text) => text.length > 28)) return; // numbers: the table scrolls instead
  table.classList.add("stacked");
  for (const row of rows) {
    [...row.cells].forEach((cell, column) => {
      const head = heads[column]?.textContent.trim();
      if (head && cell.textContent.trim()) cell.dataset.label = head;
    });
  }
}

// Boxes that scroll to the side show at which edge they continue.
function showEdges(box) {
  const left = box.scrollLeft;
  const rest = box.scrollWidth - box.clientWidth - left;
  box.classList.toggle("more-right", rest > 2);
  box.classList.toggle("more-left", left > 2);
}

document.addEventListener("DOMContentLoaded", () => {
  for (const word of document.querySelectorAll(".bd-article code .pre")) {
    word.classList.toggle("long", word.textContent.length > 30);
  }
  document.querySelectorAll(".bd-article table.table:not(.autosummary)").forEach(labelCells);
  const boxes = document.querySelectorAll(
    ".bd-article :is(.pst-scrollable-table-container, .output_subarea, pre)",
  );
  const watch = new ResizeObserver((entries) => entries.forEach((e) => showEdges(e.target)));
  for (const box of boxes) {
    showEdges(box);
    box.addEventListener("scroll", () => showEdges(box), { passive: true });
    watch.observe(box);
  }
});
