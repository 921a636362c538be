/* Single keys for everything that is done often. None works while somebody writes or a dialog is
 * open, and all of them can be turned off in the help. */
import { make } from "../dom.js";

const OFF = "hearken-console-keys-off";

export class Shortcuts {
  /** `keys` are [keys, what they do, act]; `act` is called with the one that is pressed. */
  constructor(keys, list, toggle) {
    this.keys = new Map(keys.flatMap(([all, , act]) => all.map((key) => [key, () => act(key)])));
    list.replaceChildren(...keys.map(([all, what]) => line(all.map((key) => key.toUpperCase()), what)),
      line(["↑", "↓"], "Go through a list; Enter opens"),
      line(["←", "→"], "Go through the mood timeline; Enter shows the turn"),
      line(["Esc"], "Leave the text field, or a dialog"));
    toggle.checked = !localStorage.getItem(OFF);
    toggle.addEventListener("change", () => {
      if (toggle.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    });
    this.toggle = toggle;
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) return;
    if (document.querySelector("dialog[open]") || writes(event.target)) return;
    if (!this.toggle.checked && event.key !== "?") return;
    const act = this.keys.get(event.key.toLowerCase());
    if (!act) return;
    event.preventDefault(); // else the letter lands in the field it has just focused
    act();
  }
}

const writes = (element) => element.isContentEditable || element.matches("input, textarea, select");
const line = (keys, what) =>
  make("div", {}, make("dt", {}, ...keys.map((key) => make("kbd", {}, key))), make("dd", {}, what));
