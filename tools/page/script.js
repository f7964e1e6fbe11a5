"use strict";
// Tables sort by a click on a column's head: numbers by value, empty ones last, words as people sort.
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== (head.classList.contains("word") ? "ascending" : "descending")
        ? head.classList.contains("word") : !head.classList.contains("word");
      heads.forEach(h => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = row => row.cells[column].dataset.v;
      const sign = up ? 1 : -1;
      [...body.rows].map((row, place) => [row, place]).sort(([a, i], [b, j]) => {
        const x = value(a), y = value(b);
        if ((x === "") !== (y === "")) return x === "" ? 1 : -1;
        const by = head.classList.contains("word") ? x.localeCompare(y) : Number(x) - Number(y);
        return by * sign || i - j;
      }).forEach(([row]) => body.append(row));
    });
  });
}
// The confusion matrix: shares of each row in 16 bits, darker for more; words for the cell under the pointer.
for (const box of document.querySelectorAll(".matrix")) {
  const { names, shares } = JSON.parse(box.querySelector("script").textContent);
  const n = names.length, canvas = box.querySelector("canvas"), output = box.querySelector("output");
  const bytes = Uint8Array.from(atob(shares), c => c.charCodeAt(0));
  const share = (row, column) => {
    const at = 2 * (row * n + column);
    return (bytes[at] + 256 * bytes[at + 1]) / 65535;
  };
  const cell = Math.max(1, Math.floor(608 / n));
  canvas.width = canvas.height = cell * n;
  const ink = canvas.getContext("2d");
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, cell * n, cell * n);
  for (let row = 0; row < n; row++)
    for (let column = 0; column < n; column++) {
      const strength = Math.sqrt(share(row, column));
      if (strength === 0) continue;
      ink.fillStyle = row === column ? `rgba(20,110,60,${strength})` : `rgba(190,30,20,${strength})`;
      ink.fillRect(column * cell, row * cell, cell, cell);
    }
  canvas.addEventListener("pointermove", event => {
    const area = canvas.getBoundingClientRect();
    const column = Math.min(n - 1, Math.floor((event.clientX - area.left) / area.width * n));
    const row = Math.min(n - 1, Math.floor((event.clientY - area.top) / area.height * n));
    if (row < 0 || column < 0) return;
    output.textContent = `${(100 * share(row, column)).toFixed(2)} % of the pixels of "${names[row]}" ` +
      `were labelled "${names[column]}"`;
  });
}
