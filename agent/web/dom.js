/* Building elements. Text goes in as text nodes only, so nothing anyone writes becomes markup. */
const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  mark: ["M4 5.5h16v11h-8.5L7 20.5v-4H4z", "M8.5 9.7v2.6", "M12 8.4v5.2", "M15.5 9.7v2.6"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  save: ["M12 4v11", "M7.5 10.5L12 15l4.5-4.5", "M5 19.5h14"],
  send: ["M12 19V5.5", "M6 11l6-6 6 6"],
  microphone: ["M12 3.5a2.8 2.8 0 0 1 2.8 2.8v5a2.8 2.8 0 0 1-5.6 0v-5A2.8 2.8 0 0 1 12 3.5z",
    "M6 11a6 6 0 0 0 12 0", "M12 17v3.5"],
  stop: ["M7.5 7.5h9v9h-9z"],
  sound: ["M4.5 9.5v5h3.2l4.3 3.6V5.9L7.7 9.5z", "M15.5 9a4.2 4.2 0 0 1 0 6", "M18 6.5a7.8 7.8 0 0 1 0 11"],
  silent: ["M4.5 9.5v5h3.2l4.3 3.6V5.9L7.7 9.5z", "M16 9.5l5 5", "M21 9.5l-5 5"],
  person: ["M12 11.5a3.6 3.6 0 1 0 0-7.2 3.6 3.6 0 0 0 0 7.2z", "M5 20c.6-3.6 3.3-5.5 7-5.5s6.4 1.9 7 5.5"],
  clock: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M12 7.5V12l3 2"],
  alert: ["M12 4.5L21 19.5H3z", "M12 10v4.5", "M12 17v.1"],
  eye: ["M3 12c2.4-4.2 5.4-6.2 9-6.2s6.6 2 9 6.2c-2.4 4.2-5.4 6.2-9 6.2S5.4 16.2 3 12z",
    "M12 14.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2z"],
  back: ["M9 6.5L4 11.5l5 5", "M4 11.5h10.5a5.5 5.5 0 0 1 5.5 5.5v1"],
  care: ["M12 20.5s-8-4.8-8-10.6A4.4 4.4 0 0 1 12 7.5a4.4 4.4 0 0 1 8 2.4c0 5.8-8 10.6-8 10.6z", "M12 10.5v3.5", "M12 16.3v.1"],
  check: ["M4.5 12.5l5 5 10-11"],
  phone: ["M6 4.5h3l1.5 4-2 1.5a10 10 0 0 0 5.5 5.5l1.5-2 4 1.5v3a1.5 1.5 0 0 1-1.6 1.5A15 15 0 0 1 4.5 6.1 1.5 1.5 0 0 1 6 4.5z"],
  chat: ["M4 5.5h16v11h-8.5L7 20.5v-4H4z"],
};

/** make("p", { class: "note", onclick: f }, "text", child): null children are left out. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

export function icon(name) {
  const paths = ICONS[name].map((d) => draw("path", { d }));
  return draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, ...paths);
}

/** As `make`, for a part of an SVG drawing. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
