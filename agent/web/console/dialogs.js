/* Questions that are asked before something that cannot be taken back. */
import { make } from "../dom.js";
import { outcome } from "./labels.js";

const byId = (id) => document.getElementById(id);

/** Resolves to what the dialog's form was left with; "" when it was left without an answer. */
function answer(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

export async function askToConfirm(question, note, yes) {
  byId("sure-title").textContent = question;
  byId("sure-note").textContent = note;
  byId("sure-yes").textContent = yes;
  const asked = answer(byId("sure"));
  byId("sure-yes").focus();
  return (await asked) === "yes";
}

/** The outcome somebody chose, or "" when the conversation is to go on. */
export async function chooseOutcome(outcomes) {
  byId("outcomes").replaceChildren(...outcomes.map((key) => {
    const [name, note] = outcome(key);
    return make("label", { class: "choice" },
      make("input", { type: "radio", name: "outcome", value: key, required: true }),
      make("span", {}, make("b", {}, name), note ? make("small", {}, note) : null));
  }));
  const asked = answer(byId("closing"));
  byId("outcomes").querySelector("input")?.focus();
  return (await asked) === "close" ? byId("closing-form").elements.outcome.value : "";
}

export function help() {
  byId("help").showModal();
}
