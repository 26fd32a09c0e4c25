"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const made = (tag, parts, text) => Object.assign(document.createElement(tag), parts, { textContent: text });

  // Light or dark: as the system has it, or as the reader says.
  const themes = ["auto", "light", "dark"];
  const remembered = { get: () => null, set: () => {} };
  try {
    remembered.get = () => localStorage.getItem("theme");
    remembered.set = (theme) => localStorage.setItem("theme", theme);
    remembered.get();
  } catch {
    remembered.get = () => null;
    remembered.set = () => {};
  }
  const toggle = made("button", { type: "button", id: "theme", className: "plain" }, "");
  const wear = (theme) => {
    document.documentElement.dataset.theme = theme;
    toggle.textContent = `theme: ${theme}`;
  };
  toggle.onclick = () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
    wear(next);
    remembered.set(next);
  };
  wear(themes.includes(remembered.get()) ? remembered.get() : "auto");
  document.querySelector("header").prepend(toggle);

  // What stands behind a point, in a box that stays inside of the window.
  const tip = made("div", { id: "tip", hidden: true }, "");
  tip.setAttribute("role", "status");
  document.body.append(tip);
  let shown = null;
  const place = () => {
    if (!shown) return;
    const at = shown.getBoundingClientRect();
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    const room = document.documentElement.clientWidth - width - 8;
    const left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, room));
    const above = at.top - height - 8;
    const top = Math.max(8, Math.min(above >= 8 ? above : at.bottom + 8, innerHeight - height - 8));
    tip.style.transform = `translate(${left}px, ${top}px)`;
  };
  const hide = () => {
    shown?.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };
  const tell = (element, text) => {
    if (shown !== element) hide();
    shown = element;
    shown.classList.add("on");
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = false;
    place();
  };
  addEventListener("scroll", place, { passive: true, capture: true });
  addEventListener("resize", place);

  for (const group of all("svg .p")) {
    const chart = group.ownerSVGElement;
    const points = [...group.children].map((circle) => {
      const text = circle.textContent;
      circle.replaceChildren();
      return { circle, text, x: +circle.getAttribute("cx"), y: +circle.getAttribute("cy") };
    });
    points.sort((a, b) => a.x - b.x || b.y - a.y);
    let current = -1;
    const show = (index) => {
      current = index;
      tell(points[index].circle, points[index].text);
    };
    const nearest = (event) => {
      const box = chart.getBoundingClientRect();
      const scale = chart.viewBox.baseVal.width / box.width;
      const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
      let [best, least] = [-1, 28 * scale];
      points.forEach((point, index) => {
        const distance = Math.hypot(point.x - x, point.y - y);
        if (distance < least) [best, least] = [index, distance];
      });
      if (best >= 0) show(best);
      else hide();
    };
    chart.tabIndex = 0;
    chart.setAttribute("aria-description", `Arrow keys walk through ${points.length} points.`);
    chart.addEventListener("pointermove", nearest);
    chart.addEventListener("pointerdown", nearest);
    chart.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (event) => {
      const last = points.length - 1;
      const next = {
        ArrowRight: current >= last ? 0 : current + 1,
        ArrowLeft: current <= 0 ? last : current - 1,
        Home: 0,
        End: last,
      }[event.key];
      if (event.key === "Escape") hide();
      if (next === undefined) return;
      event.preventDefault();
      points[next].circle.scrollIntoView({ block: "nearest", behavior: "instant" });
      show(next);
    });
  }
  addEventListener("pointerdown", (event) => event.target.closest("svg") || hide());

  // Tables: sorted by their headers, folded where they are long, in the order of tabs only where they scroll.
  const units = { ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
  const raised = (text) => [...text].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(sign)).map((at) => "-0123456789"[at]).join("");
  const number = (cell) => {
    if (cell.dataset.key) return +cell.dataset.key;
    const found = cell.textContent.trim().replaceAll(",", "").replace("−", "-");
    const parts = found.match(/^(-?\d+(?:\.\d+)?)(?:·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?\s*([^\s]*)/);
    if (!parts) return NaN;
    return parts[1] * 10 ** (parts[2] ? raised(parts[2]) : 0) * (units[parts[3]] ?? 1);
  };
  const words = new Intl.Collator("en", { numeric: true });
  for (const table of all("table")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const own = rows.map((row) => row.cells[column]);
      const told = own.filter((cell) => cell && cell.textContent.trim() !== "–");
      const wanted = (cell) => cell.dataset.key || column > 0;
      const numeric = told.length > 0 && told.every((cell) => wanted(cell) && !Number.isNaN(number(cell)));
      const keys = new Map(rows.map((row, at) => [row, numeric ? number(own[at]) : own[at].textContent.trim()]));
      const compare = (a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        return numeric ? x - y : words.compare(x, y);
      };
      const missing = (row) => keys.get(row) === "–" || Number.isNaN(keys.get(row));
      const button = made("button", { type: "button", title: "sort" }, "");
      button.append(...head.childNodes);
      head.append(button);
      button.onclick = () => {
        const before = head.getAttribute("aria-sort");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        const order = { ascending: "descending", descending: null }[before] ?? (before ? null : "ascending");
        const sorted = [...rows];
        if (order) {
          head.setAttribute("aria-sort", order);
          const sign = order === "ascending" ? 1 : -1;
          sorted.sort((a, b) => missing(a) - missing(b) || sign * compare(a, b));
        }
        body.append(...sorted);
      };
    });
    const box = table.parentElement;
    if (table.dataset.fold) {
      const more = made("button", { type: "button", className: "plain" }, "");
      const fold = (folded) => {
        table.classList.toggle("folded", folded);
        more.setAttribute("aria-expanded", String(!folded));
        more.textContent = folded ? `show all ${rows.length} rows` : `show ${table.dataset.fold} rows`;
      };
      more.onclick = () => fold(!table.classList.contains("folded"));
      fold(true);
      box.after(more);
    }
  }
  const scrolling = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  all(".wide, pre").forEach((box) => scrolling.observe(box));
})();
