/* Moods over time, drawn: a small line for lists, and a timeline whose points can be asked why. */
import { draw, icon, make } from "../dom.js";
import { customer, intent, stopwatch, upset } from "./labels.js";

const WIDTH = 280;
const HEIGHT = 96;
const EDGE = { left: 8, right: 8, top: 8, bottom: 18 };
const LIKELY = 0.6; // from here on a customer is called likely upset (../mood.js)

const percent = (value) => `${Math.round(value * 100)} %`;

/** `moods` are [at, upset] pairs. */
export function sparkline(moods) {
  const known = moods.filter(([, value]) => Number.isFinite(value));
  const svg = draw("svg", { class: "sparkline", viewBox: "0 0 72 20", "aria-hidden": "true" });
  svg.append(draw("line", { class: "likely", x1: 0, x2: 72, y1: y(LIKELY), y2: y(LIKELY) }));
  if (!known.length) return svg;
  const x = (at) => (known.length === 1 ? 68 : 2 + (66 * at) / (known.length - 1));
  const points = known.map(([, value], at) => `${x(at)},${y(value)}`);
  if (points.length > 1) svg.append(draw("polyline", { points: points.join(" ") }));
  svg.append(draw("circle", { class: moodClass(known.at(-1)[1]), cx: x(known.length - 1), cy: y(known.at(-1)[1]), r: 2.5 }));
  return svg;

  function y(value) {
    return 18 - 16 * value;
  }
}

export const moodClass = (value) => (value >= LIKELY ? "hot" : value >= 0.3 ? "warm" : "cool");

/** The timeline of one conversation; `go(turn)` is called for a point that is pressed. */
export class Timeline {
  constructor(parent, go) {
    this.parent = parent;
    this.go = go;
    this.chosen = null; // the turn that somebody asked about; else it is the last one
    this.why = make("div", { class: "why", role: "status" });
  }

  show(conversation) {
    if (conversation.session !== this.session) this.chosen = null;
    this.session = conversation.session;
    this.conversation = conversation;
    const moods = conversation.moods.filter((one) => Number.isFinite(one.upset));
    const focused = this.parent.contains(document.activeElement) ? document.activeElement.dataset.turn : null;
    if (!moods.length) {
      this.parent.replaceChildren(make("p", { class: "quiet" }, "Not enough heard yet."));
      return;
    }
    const last = moods.at(-1);
    this.parent.replaceChildren(
      make("p", { class: `now ${moodClass(last.upset)}` },
        moodClass(last.upset) === "hot" ? icon("alert") : null, `Now: ${upset(last.upset)}${feeling(last)}`),
      this.#drawing(moods),
      this.why,
    );
    this.#explain(moods.find((one) => one.turn === this.chosen) ?? last);
    if (focused !== null) this.parent.querySelector(`[data-turn="${CSS.escape(focused)}"]`)?.focus();
  }

  #drawing(moods) {
    const [from, to] = [moods[0].at, moods.at(-1).at];
    const x = ({ at }) => (to > from ? EDGE.left + ((WIDTH - EDGE.left - EDGE.right) * (at - from)) / (to - from) : WIDTH / 2);
    const y = ({ upset: value }) => HEIGHT - EDGE.bottom - (HEIGHT - EDGE.top - EDGE.bottom) * value;
    const likely = y({ upset: LIKELY });
    const label = `How upset ${customer(this.conversation.customer)} has been. Arrow keys go from turn to turn.`;
    const svg = draw("svg", { class: "timeline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": label });
    svg.append(
      draw("rect", { class: "zone", x: 0, y: 0, width: WIDTH, height: likely }),
      draw("line", { class: "likely", x1: 0, x2: WIDTH, y1: likely, y2: likely }),
      draw("text", { class: "zone-name", x: 4, y: 11 }, "likely upset"),
      draw("polyline", { points: moods.map((one) => `${x(one)},${y(one)}`).join(" ") }),
      draw("text", { x: EDGE.left, y: HEIGHT - 4 }, stopwatch(from)),
      draw("text", { x: WIDTH - EDGE.right, y: HEIGHT - 4, "text-anchor": "end" }, to > from ? stopwatch(to) : ""),
      ...moods.map((one, at) => this.#point(one, x(one), y(one), at === moods.length - 1)),
    );
    svg.addEventListener("keydown", (event) => this.#walk(event));
    return svg;
  }

  #point(one, x, y, last) {
    const point = draw("g", {
      class: `point ${moodClass(one.upset)}`,
      "data-turn": one.turn,
      role: "button",
      tabindex: last ? 0 : -1,
      "aria-label": `At ${stopwatch(one.at)}: ${upset(one.upset)}${feeling(one)}. Enter shows the turn.`,
    });
    point.append(draw("circle", { class: "reach", cx: x, cy: y, r: 11 }), this.#mark(one, x, y));
    for (const asks of ["mouseenter", "focus"]) point.addEventListener(asks, () => this.#ask(one, last));
    point.addEventListener("click", () => this.go(one.turn));
    return point;
  }

  /** Likely upset is another shape, too. */
  #mark(one, x, y) {
    if (moodClass(one.upset) !== "hot") return draw("circle", { class: "mark", cx: x, cy: y, r: 4 });
    return draw("path", { class: "mark", d: `M${x} ${y - 6}l6 6-6 6-6-6z` });
  }

  #walk(event) {
    const points = [...this.parent.querySelectorAll(".point")];
    const at = points.indexOf(document.activeElement);
    if (event.key === "Enter" || event.key === " ") points[at]?.dispatchEvent(new MouseEvent("click"));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: points.length - 1 }[event.key];
    if (to !== undefined) points[to]?.focus();
    if (to !== undefined || event.key === "Enter" || event.key === " ") event.preventDefault();
  }

  #ask(one, last) {
    this.chosen = last ? null : one.turn; // who looks at the last one goes on with the next
    this.#explain(one);
  }

  #explain(one) {
    for (const point of this.parent.querySelectorAll(".point")) {
      point.classList.toggle("shown", point.dataset.turn === String(one.turn));
    }
    const words = this.conversation.said(one.turn);
    const reasons = one.evidence.map(({ term, weight, detail }) => {
      const sign = weight > 0 ? "raises" : weight < 0 ? "lowers" : "no effect";
      const size = Number.isFinite(weight) && weight ? `${weight > 0 ? "+" : "−"}${Math.abs(weight).toFixed(2)}` : "";
      return make("li", {}, make("span", {}, detail || intent(term)), make("span", { class: "weight", title: sign }, size));
    });
    this.why.replaceChildren(
      make("p", {}, make("b", {}, stopwatch(one.at)), ` · ${upset(one.upset)}${feeling(one)}`),
      words ? make("p", { class: "words" }, `“${words}”`) : "",
      reasons.length ? make("ul", {}, ...reasons) : "",
    );
  }
}

const feeling = ({ emotion }) => {
  if (!emotion) return "";
  if (typeof emotion === "string") return ` · sounds ${emotion}`;
  const [label, share] = Object.entries(emotion).sort(([, one], [, other]) => other - one)[0] ?? [];
  return label ? ` · sounds ${label} (${percent(share)})` : "";
};
