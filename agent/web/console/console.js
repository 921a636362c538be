/* The agent console: somebody logs in, and keys and buttons reach their desk. */
import { icon } from "../dom.js";
import { Desk } from "./desk.js";
import { help } from "./dialogs.js";
import { focusFirst } from "./keyed.js";
import { Keys } from "./keys.js";
import { Login } from "./login.js";
import { dismissAll } from "./told.js";

const byId = (id) => document.getElementById(id);

for (const place of document.querySelectorAll("[data-icon]")) place.append(icon(place.dataset.icon));

const login = new Login((name, token) => desk.enter(name, token));
const desk = new Desk(login);

const onShown = (act) => () => desk.shown && act(desk.shown);
const click = (id) => () => {
  const button = byId(id);
  if (button.checkVisibility() && !button.disabled) button.click();
};

/** The entry of the queue that has the focus, else the conversation that is open. */
function accept() {
  const entry = document.activeElement.closest("#queue [data-key]");
  if (entry) entry.querySelector(".accept").click();
  else click("accept")();
}

new Keys([
  [["q"], "Go to those who wait", () => focusFirst(byId("queue"))],
  [["y"], "Go to your own conversations", () => focusFirst(byId("mine"))],
  [["l"], "All live conversations (supervisors)", click("live-button")],
  [["a"], "Accept the chosen conversation", accept],
  [["t"], "Write: go to the text field", onShown(() => desk.view.write())],
  [["1", "2", "3", "4"], "Put that suggestion into the text field", (key) => desk.view.use(key - 1)],
  [["r"], "Read: go to the transcript", onShown(() => byId("log").focus())],
  [["s"], "Summary: go to its first link", onShown(() => desk.view.toggleAbout(true))],
  [["m"], "Go to the mood timeline", onShown(() => desk.view.toMood())],
  [["v"], "Speak, or stop speaking", click("voice")],
  [["h"], "Hand back to the assistant", click("hand-back")],
  [["c"], "Close the conversation", click("close")],
  [["o"], "Take over (supervisors)", click("take-over")],
  [["w"], "Whisper (supervisors)", onShown(() => byId("whisper-text").focus())],
  [["x"], "Dismiss the messages at the lower left", dismissAll],
  [["?"], "Show this", help],
], byId("keys"), byId("keys-on"));

byId("help-button").addEventListener("click", help);
byId("leave-button").addEventListener("click", () => desk.leave());
byId("live-button").addEventListener("click", () => desk.showLive());
byId("on-air").addEventListener("click", () => desk.hush());
addEventListener("beforeunload", (event) => {
  if (desk.mine.length && desk.line.ready) event.preventDefault();
});
login.start();
