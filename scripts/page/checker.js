"use strict";
// Runs inside of a copy of a report's page, before anything else, and tells the window around it what is wrong.
(() => {
  const defects = [];
  const fail = (text) => defects.push(`${name}: ${text}`);
  const said = (...words) => fail(`the console says ${words.join(" ")}`);
  console.error = said;
  console.warn = said;
  addEventListener("error", (event) => fail(event.message || `${event.target.src} does not load`), true);
  addEventListener("unhandledrejection", (event) => fail(String(event.reason)));

  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const named = (element) => (element.getAttribute("aria-label") || element.textContent).trim().slice(0, 60);

  const widths = () => {
    const window = document.documentElement.clientWidth;
    const page = document.documentElement.scrollWidth;
    if (page > window) fail(`the page is ${page} px wide, the window ${window}`);
    for (const element of all("body *")) {
      if (element.closest(".wide, pre, svg, .skip, details:not([open])")) continue;
      const box = element.getBoundingClientRect();
      if (box.width > 0 && (box.right > window + 1 || box.left < -1)) {
        fail(`${element.tagName} reaches beyond the window: ${named(element)}`);
      }
    }
  };

  const letters = () => {
    for (const text of all("svg text")) {
      const [own, chart] = [text, text.ownerSVGElement].map((element) => element.getBoundingClientRect());
      if (chart.width === 0) continue;
      // Boxes of letters are larger than letters.
      if (own.left < chart.left - 5 || own.right > chart.right + 5 || own.bottom > chart.bottom + 5) {
        fail(`a text reaches beyond its chart: ${text.textContent.trim()}`);
      }
    }
  };

  const words = () => {
    all("img").forEach((image) => image.alt || fail(`no alt: ${image.src}`));
    all("img").forEach((image) => image.naturalWidth || fail(`not there: ${image.src}`));
    all("svg").forEach((chart) => chart.getAttribute("aria-label") || fail("a chart without a label"));
    all(".wide").forEach((box) => named(box) || fail("a table without a label"));
    all("button, a").forEach((element) => named(element) || fail(`nameless: ${element.outerHTML}`));
    const ids = all("[id]").map((element) => element.id);
    ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => fail(`two elements are called ${id}`));
    for (const link of all("a[href^='#']")) {
      document.getElementById(link.hash.slice(1)) || fail(`nowhere: ${link.hash}`);
    }
  };

  const colours = () => {
    const wanted = name.startsWith("dark");
    const paper = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    if (paper[0] < 128 !== wanted) fail(`the paper is ${paper}`);
  };

  const tables = () => {
    let sorted = 0;
    for (const table of all("table")) {
      const first = (row) => row.cells[row.cells.length - 1].textContent;
      const order = () => [...table.tBodies[0].rows].map(first).join("\n");
      const head = [...table.tHead.rows[0].cells].at(-1);
      const button = head.querySelector("button");
      if (!button) {
        fail(`a head without a button: ${named(head)}`);
        continue;
      }
      const before = order();
      button.click();
      const up = order();
      if (head.getAttribute("aria-sort") !== "ascending") fail(`not sorted: ${named(head)}`);
      button.click();
      const down = order();
      button.click();
      if (order() !== before) fail(`not as it was: ${named(head)}`);
      if (up !== down) sorted += 1;
    }
    return sorted;
  };

  const points = () => {
    const charts = all("svg").filter((chart) => chart.querySelector(".p circle"));
    for (const chart of charts) {
      if (chart.getBoundingClientRect().width === 0) continue;
      const press = (key) => chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      const label = named(chart);
      const tip = document.getElementById("tip");
      if (chart.tabIndex !== 0) fail(`not to be reached by keys: ${label}`);
      chart.focus();
      for (const key of ["Home", "ArrowRight", "End"]) {
        press(key);
        const box = tip.getBoundingClientRect();
        if (tip.hidden || !tip.textContent) fail(`${key} tells nothing: ${label}`);
        if (!chart.querySelector(".on")) fail(`${key} marks nothing: ${label}`);
        if (box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight) {
          fail(`${key} tells beyond the window: ${label}`);
        }
      }
      press("Escape");
      if (!tip.hidden || chart.querySelector(".on")) fail(`Escape does not close: ${label}`);
    }
    return charts.length;
  };

  addEventListener("load", () => {
    let [sorted, told] = [0, 0];
    try {
      words();
      colours();
      widths();
      letters();
      all("details").forEach((part) => (part.open = true));
      widths();
      sorted = tables();
      told = points();
    } catch (error) {
      fail(error.stack);
    }
    const count = `${told} charts with points, ${sorted} tables sorted`;
    parent.postMessage([...defects, `${name} was looked at: ${count}`].join("\n"), "*");
  });
})();
