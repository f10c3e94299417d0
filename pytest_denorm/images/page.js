// Adds slider, blink and keyboard to the pictures, which stand side by side in the page without it.
"use strict";

const MODES = ["side by side", "slider", "blink", "difference"];

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function enhance(article) {
  const panels = article.querySelector(".panels");
  const [baseline, result, difference] = ["baseline", "result", "difference"].map(
    (kind) => panels.querySelector(`img[data-kind=${kind}]`),
  );
  if (!baseline || !result) return;
  const copy = (image) => element("img", { src: image.src, alt: image.alt, width: image.width, height: image.height });
  const under = copy(baseline);
  const over = copy(result);
  const divider = element("div", { className: "divider" });
  const stage = element("div", { className: "stage" }, under, over, divider);
  const range = element("input", { type: "range", min: 0, max: 100, value: 50 });
  range.setAttribute("aria-label", "how much of the baseline is shown, from the left");
  const shown = element("span", { className: "shown" });
  shown.setAttribute("aria-live", "polite");
  const compare = element("div", { className: "compare", hidden: true }, shown, element("div", {}, stage), range);
  panels.after(compare);

  let mode = MODES[0];
  let onResult = true;
  const buttons = MODES.map((name, index) => {
    const button = element("button", { type: "button", textContent: name, title: `key ${index + 1}` });
    button.addEventListener("click", () => show(name));
    return button;
  });
  if (!difference) buttons.pop();
  article.querySelector(".tools").append(...buttons);

  function paint() {
    if (mode === "slider") {
      over.style.clipPath = `inset(0 0 0 ${range.value}%)`;
      divider.style.left = `${range.value}%`;
      shown.textContent = "baseline | result";
    } else {
      over.style.clipPath = "none";
      over.style.visibility = onResult ? "visible" : "hidden";
      shown.textContent = onResult ? "result" : "baseline";
    }
  }

  function show(name) {
    if (name === "blink" && mode === "blink") onResult = !onResult;
    mode = name;
    const stacked = mode === "slider" || mode === "blink";
    panels.hidden = stacked;
    for (const figure of panels.children) {
      const kind = figure.querySelector("img").dataset.kind;
      figure.hidden = mode === "difference" && kind !== "difference";
    }
    compare.hidden = !stacked;
    divider.hidden = range.hidden = mode !== "slider";
    if (mode === "slider") over.style.visibility = "visible";
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.textContent === mode)));
    if (stacked) paint();
  }

  range.addEventListener("input", paint);
  article.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = Number(event.key) - 1;
    if (index >= 0 && index < buttons.length) show(MODES[index]);
    else if (event.key === "b") show("blink");
    else if (mode === "slider" && event.target !== range && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      range.value = Number(range.value) + (event.key === "ArrowRight" ? 2 : -2);
      paint();
    } else return;
    event.preventDefault();
  });
  show(mode);
}

const articles = [...document.querySelectorAll("article")];
articles.forEach(enhance);
document.querySelector("#keys").hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
  const visible = articles.filter((article) => article.getClientRects().length);
  const at = visible.indexOf(document.activeElement.closest("article"));
  const next = visible[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
  if (next) next.focus();
});
