/* The agent console: the login, and what keys and buttons do. */
import { icon } from "../dom.js";
import { ConsoleApp } from "./console_app.js";
import { help } from "./dialogs.js";
import { focusFirst } from "./keyed_list.js";
import { Shortcuts } from "./shortcuts.js";
import { Login } from "./login.js";
import { dismissProblems } from "./notifications.js";

const byId = (id) => document.getElementById(id);

for (const place of document.querySelectorAll("[data-icon]")) place.append(icon(place.dataset.icon));

const login = new Login((name, token) => app.enter(name, token));
const app = new ConsoleApp(login);

const onShown = (act) => () => app.shown && act(app.shown);
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

new Shortcuts([
  [["q"], "Go to those who wait", () => focusFirst(byId("queue"))],
  [["y"], "Go to your own conversations", () => focusFirst(byId("mine"))],
  [["l"], "All live conversations (supervisors)", click("live-button")],
  [["a"], "Accept the chosen conversation", accept],
  [["t"], "Write: go to the text field", onShown(() => app.view.write())],
  [["1", "2", "3", "4"], "Put that suggestion into the text field", (key) => app.view.use(key - 1)],
  [["r"], "Read: go to the transcript", onShown(() => byId("log").focus())],
  [["s"], "Summary: go to its first link", onShown(() => app.view.toggleAbout(true))],
  [["m"], "Go to the mood timeline", onShown(() => app.view.toMood())],
  [["v"], "Speak, or stop speaking", click("voice")],
  [["h"], "Hand back to the assistant", click("hand-back")],
  [["c"], "Close the conversation", click("close")],
  [["o"], "Take over (supervisors)", click("take-over")],
  [["w"], "Whisper (supervisors)", onShown(() => byId("whisper-text").focus())],
  [["x"], "Dismiss the messages at the lower left", dismissProblems],
  [["?"], "Show this", help],
], byId("keys"), byId("keys-on"));

byId("help-button").addEventListener("click", help);
byId("leave-button").addEventListener("click", () => app.leave());
byId("live-button").addEventListener("click", () => app.showLive());
byId("on-air").addEventListener("click", () => app.hush());
addEventListener("beforeunload", (event) => {
  if (app.mine.length && app.connection.ready) event.preventDefault();
});
login.start();
