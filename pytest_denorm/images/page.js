// Builds the viewer of a test when its images are opened, and filters the tests.
"use strict";

const MODES = ["side by side", "slider", "onion skin", "blink", "difference"];

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(text, title, action) {
  const made = element("button", { type: "button", textContent: text, title });
  made.addEventListener("click", action);
  return made;
}

// One zoom for all panels of a test: `scale` screen pixels for a pixel of the canvas, whose corner lies at (x, y).
class Viewer {
  constructor(root) {
    this.root = root;
    const figures = [...root.querySelector("template").content.cloneNode(true).children];
    this.width = Math.max(...figures.map((figure) => Number(figure.dataset.width)));
    this.height = Math.max(...figures.map((figure) => Number(figure.dataset.height)));
    this.box = root.dataset.box ? root.dataset.box.split(",").map(Number) : null; // top, left, height, width
    this.views = [];
    this.marks = [];
    const kinds = Object.fromEntries(figures.map((figure) => [figure.dataset.kind, figure]));
    this.panels = element("div", { className: "panels" });
    for (const figure of figures) {
      this.panels.append(element("figure", {}, figure.querySelector("figcaption"), this.frame([figure])));
      this.panels.lastChild.dataset.kind = figure.dataset.kind;
    }
    root.append(this.panels);
    this.modes = [];
    if (kinds.baseline && kinds.result) this.addStack(kinds);
    this.addTools(Boolean(kinds.difference));
    this.mode = MODES[0];
    this.onResult = true;
    this.show(this.mode);
    this.goToRegion();
    new ResizeObserver(() => this.target && this.fit(this.target)).observe(root);
  }

  frame(figures) {
    const layers = figures.map((figure) => {
      const canvas = element("div", { className: "canvas" });
      for (const image of figure.querySelectorAll("img")) canvas.append(image.cloneNode());
      return element("div", { className: "layer" }, canvas);
    });
    const mark = element("div", { className: "mark", hidden: !this.box });
    const frame = element("div", { className: "frame" }, ...layers, mark);
    frame.style.setProperty("--ratio", this.height / this.width);
    this.views.push({ frame, canvases: layers.map((layer) => layer.firstChild), mark });
    this.followPointer(frame);
    return frame;
  }

  addStack(kinds) {
    const frame = this.frame([kinds.baseline, kinds.result]);
    this.over = frame.children[1];
    this.divider = element("div", { className: "divider" });
    frame.append(this.divider);
    this.range = element("input", { type: "range", min: 0, max: 100, value: 50 });
    this.range.addEventListener("input", () => this.paintStack());
    this.caption = element("span", { className: "shown" });
    this.caption.setAttribute("aria-live", "polite");
    this.stack = element("div", { hidden: true }, this.caption, frame, this.range);
    this.root.append(this.stack);
  }

  addTools(hasDifference) {
    const names = this.stack ? MODES.filter((name) => name !== "difference" || hasDifference) : [];
    this.modes = names.map((name) => button(name, `key ${MODES.indexOf(name) + 1}`, () => this.show(name)));
    const zooms = [
      button("+", "zoom in", () => this.zoom(2)),
      button("\u2212", "zoom out", () => this.zoom(0.5)),
      button("whole", "key 0", () => this.fit([0, 0, this.height, this.width])),
    ];
    if (this.box) zooms.push(button("changed region", "key r", () => this.goToRegion()));
    this.tools = element("div", { className: "tools" }, ...this.modes, ...zooms);
    this.root.prepend(this.tools);
  }

  show(name) {
    if (name === "blink" && this.mode === "blink") this.onResult = !this.onResult;
    if (!this.stack && name !== MODES[0]) return;
    this.mode = name;
    const stacked = ["slider", "onion skin", "blink"].includes(name);
    this.panels.hidden = stacked;
    for (const figure of this.panels.children) figure.hidden = name === "difference" && figure.dataset.kind !== "difference";
    for (const one of this.modes) one.setAttribute("aria-pressed", String(one.textContent === name));
    if (this.stack) {
      this.stack.hidden = !stacked;
      this.range.hidden = name === "blink";
      this.paintStack();
    }
    this.paint();
  }

  paintStack() {
    const share = Number(this.range.value);
    this.divider.hidden = this.mode !== "slider";
    this.divider.style.left = `${share}%`;
    this.over.style.clipPath = this.mode === "slider" ? `inset(0 0 0 ${share}%)` : "none";
    this.over.style.opacity = this.mode === "onion skin" ? String(share / 100) : "1";
    this.over.style.visibility = this.mode === "blink" && !this.onResult ? "hidden" : "visible";
    const words = { slider: "baseline | result", "onion skin": `result, ${share} % opaque, over the baseline` };
    this.caption.textContent = words[this.mode] || (this.onResult ? "result" : "baseline");
    this.range.setAttribute("aria-label", this.mode === "slider" ? "where the baseline ends" : "opacity of the result");
  }

  visibleFrame() {
    return this.views.map((view) => view.frame).find((frame) => frame.clientWidth > 0);
  }

  fit([top, left, height, width]) {
    const frame = this.visibleFrame();
    this.target = [top, left, height, width]; // until somebody moves it
    if (!frame) return;
    this.scale = Math.min(16, frame.clientWidth / width, frame.clientHeight / height);
    this.x = frame.clientWidth / 2 - (left + width / 2) * this.scale;
    this.y = frame.clientHeight / 2 - (top + height / 2) * this.scale;
    this.paint();
  }

  goToRegion() {
    if (!this.box) return this.fit([0, 0, this.height, this.width]);
    const [top, left, height, width] = this.box;
    const margin = Math.max(12, 0.15 * Math.max(height, width));
    this.fit([top - margin, left - margin, height + 2 * margin, width + 2 * margin]);
  }

  zoom(factor) {
    const frame = this.visibleFrame();
    if (!frame) return;
    this.target = null;
    const scale = Math.min(64, Math.max(0.02, this.scale * factor));
    const [middleX, middleY] = [frame.clientWidth / 2, frame.clientHeight / 2];
    this.x = middleX - ((middleX - this.x) * scale) / this.scale;
    this.y = middleY - ((middleY - this.y) * scale) / this.scale;
    this.scale = scale;
    this.paint();
  }

  paint() {
    if (this.scale === undefined) return;
    const place = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    for (const view of this.views) {
      for (const canvas of view.canvases) canvas.style.transform = place;
      if (!this.box) continue;
      const [top, left, height, width] = this.box;
      Object.assign(view.mark.style, {
        left: `${this.x + left * this.scale - 3}px`,
        top: `${this.y + top * this.scale - 3}px`,
        width: `${width * this.scale + 6}px`,
        height: `${height * this.scale + 6}px`,
      });
    }
  }

  followPointer(frame) {
    let last = null;
    frame.addEventListener("pointerdown", (event) => {
      last = [event.clientX, event.clientY];
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!last) return;
      this.target = null;
      this.x += event.clientX - last[0];
      this.y += event.clientY - last[1];
      last = [event.clientX, event.clientY];
      this.paint();
    });
    for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, () => (last = null));
  }

  press(key) {
    const index = Number(key) - 1;
    const wanted = index >= 0 ? MODES[index] : undefined;
    if (this.modes.some((one) => one.textContent === wanted)) this.show(wanted);
    else if (key === "+" || key === "-") this.zoom(key === "+" ? 2 : 0.5);
    else if (key === "0") this.fit([0, 0, this.height, this.width]);
    else if (key === "r") this.goToRegion();
    else if (this.stack && !this.range.hidden && !this.stack.hidden && key.startsWith("Arrow")) {
      this.range.value = Number(this.range.value) + ({ ArrowRight: 2, ArrowLeft: -2 }[key] || 0);
      this.paintStack();
    } else return false;
    return true;
  }
}

const viewers = new WeakMap();
for (const details of document.querySelectorAll("article > details")) {
  const root = details.querySelector(".viewer");
  if (!root) continue;
  const open = () => details.open && !viewers.has(root) && viewers.set(root, new Viewer(root));
  details.addEventListener("toggle", open);
  open();
}

const articles = [...document.querySelectorAll("article")];
const filtered = [...document.querySelectorAll("[data-test]")];
const filter = document.querySelector("#filter");

function applyFilter() {
  const words = document.querySelector("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [verdict, module] = ["verdict", "module"].map((name) => document.querySelector(`#${name}`).value);
  for (const one of filtered) {
    const fits = words.every((word) => one.dataset.test.includes(word));
    one.hidden = !fits || (verdict && one.dataset.verdict !== verdict) || (module && one.dataset.module !== module);
  }
  for (const group of document.querySelectorAll(".group")) {
    group.hidden = ![...group.querySelectorAll("[data-test]")].some((one) => !one.hidden);
  }
  document.querySelector("#nothing").hidden = filtered.some((one) => !one.hidden);
}

if (filter) {
  filter.hidden = false;
  document.querySelector("#keys").hidden = false;
  filter.addEventListener("input", applyFilter);
  filter.addEventListener("submit", (event) => event.preventDefault());
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=search], select")) return;
  const article = document.activeElement.closest("article");
  if (event.key === "/" && filter) document.querySelector("#search").focus();
  else if (event.key === "j" || event.key === "k") {
    const visible = articles.filter((one) => one.getClientRects().length);
    const at = visible.indexOf(article);
    const next = visible[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
    if (next) next.focus();
  } else if (!article) return;
  else {
    const details = article.querySelector("details");
    const root = article.querySelector(".viewer");
    if (event.key === "o" && details) details.open = !details.open;
    else if (event.target.matches("input") || !root || !viewers.has(root) || !viewers.get(root).press(event.key)) return;
  }
  event.preventDefault();
});
