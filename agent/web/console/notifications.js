/* Messages beside the conversation: announcements for screen readers, problems for everybody. */
import { icon, make } from "../dom.js";

const MOST = 3;
const byId = (id) => document.getElementById(id);

/** Read out by a screen reader, and nothing else. */
export function announce(sentence) {
  byId("told").textContent = sentence;
}

/** Stays until it is dismissed, or others have come after it. */
export function showProblem(sentence) {
  const close = make("button", { type: "button", "aria-label": "Dismiss", onclick: () => line.remove() }, icon("close"));
  const line = make("p", {}, icon("alert"), make("span", {}, sentence), close);
  byId("troubles").append(line);
  while (byId("troubles").children.length > MOST) byId("troubles").firstChild.remove();
}

export function dismissProblems() {
  byId("troubles").replaceChildren();
}
