/* The console of the person here: the lists, the conversation that is open, and what they do with them.
 *
 * What this console knows is in `this.all`, by session. A conversation is followed from `opened` on;
 * after every new connection each one is opened anew, so nothing is missing and nothing twice. What
 * the server says is taken in server_messages.js.
 */
import { icon, make } from "../dom.js";
import { Conversation } from "./conversation.js";
import { chooseOutcome, askToConfirm } from "./dialogs.js";
import { ON_MESSAGE } from "./server_messages.js";
import { focusFirst, setText } from "./keyed_list.js";
import { Connection } from "./connection.js";
import { Lists } from "./lists.js";
import { SessionTable } from "./session_table.js";
import { dismissProblems, showProblem } from "./notifications.js";
import { ConversationView } from "./conversation_view.js";
import { VoiceCall } from "./voice_call.js";
import { customer, Customer } from "./labels.js";

const ADDRESS = `${location.origin.replace(/^http/, "ws")}/v1/console`;
const byId = (id) => document.getElementById(id);

export class ConsoleApp {
  constructor(login) {
    this.login = login;
    this.all = new Map(); // session -> Conversation
    this.shown = null; // the one that is open
    this.wanted = null; // the session that is to be shown once it is opened
    this.outcomes = [];
    this.role = "person";
    this.name = "";
    this.connection = null;
    this.lists = new Lists({ open: (session) => this.open(session), accept: (entry) => this.accept(entry),
      done: ({ ticket }, outcome) => this.connection.send({ type: "call_back_done", ticket, outcome }) });
    this.live = new SessionTable({ open: (session) => this.open(session), takeOver: (row) => this.takeOver(row) });
    this.voice = new VoiceCall({ frame: (pcm) => this.connection.sendAudio(pcm), changed: () => this.draw(), trouble: showProblem });
    this.view = new ConversationView({
      accept: (one) => this.accept(this.lists.find(one.session) ?? one),
      takeOver: (one) => this.takeOver(one),
      handBack: (one) => this.handBack(one),
      close: (one) => this.close(one),
      voice: (one) => this.speak(one),
      say: (one, text) => this.say(one, text),
      whisper: ({ session }, text) => this.connection.send({ type: "whisper", session, text }),
      problem: showProblem,
    });
  }

  enter(name, token) {
    this.connection?.end();
    Object.assign(this, { name, shown: null, wanted: null, role: "person" });
    this.all.clear();
    this.view.hide();
    this.view.me = this.live.me = name;
    this.lists.queue([]);
    this.live.show([]);
    dismissProblems();
    const connection = new Connection(ADDRESS, { name, token }, {
      state: (state, detail) => connection === this.connection && ON_MESSAGE[state]?.(this, detail),
      message: (message) => connection === this.connection && ON_MESSAGE[message.type]?.(this, message), // later servers may say more
      audio: (buffer) => this.voice.play(buffer),
    });
    this.connection = connection;
    connection.open();
  }

  get mine() {
    return [...this.all.values()].filter((one) => one.isMine);
  }

  know(session) {
    if (!this.all.has(session)) this.all.set(session, new Conversation(session, this.name));
    return this.all.get(session);
  }

  /** Whether what happens in it is told to this console. */
  follows(one) {
    return this.role === "supervisor" || one.isMine || one.owner === "queued";
  }

  // ---- what is pressed

  open(session) {
    this.wanted = session;
    const known = this.all.get(session);
    if (known?.known) this.show(known);
    this.connection.send({ type: "watch", session });
  }

  accept({ session, id }) {
    this.wanted = session;
    this.connection.send({ type: "accept", session, id });
  }

  async takeOver({ session, customer: called, owner, name }) {
    const who = customer(called);
    const note = owner === "person" ? `${name} is told, and cannot write to ${who} any more.` : "The assistant stops talking.";
    if (!(await askToConfirm(`Take over the conversation with ${who}?`, note, "Take over"))) return;
    this.wanted = session;
    this.connection.send({ type: "take_over", session });
  }

  async handBack({ session, customer: called }) {
    const who = customer(called);
    const note = "The assistant goes on where it was before you accepted.";
    if (await askToConfirm(`Hand ${who} back to the assistant?`, note, "Hand back")) this.connection.send({ type: "hand_back", session });
  }

  async close({ session }) {
    const outcome = await chooseOutcome(this.outcomes);
    if (outcome) this.connection.send({ type: "close", session, outcome });
  }

  say(one, text) {
    one.unsure.push(text);
    this.connection.send({ type: "say", session: one.session, text });
  }

  async speak({ session }) {
    if (this.voice.session) {
      this.hush();
    } else if (await this.voice.start(session)) {
      this.connection.send({ type: "voice", session, on: true });
    }
  }

  hush() {
    const { session } = this.voice;
    if (!session) return;
    this.voice.stop();
    this.connection.send({ type: "voice", session, on: false });
  }

  async leave() {
    const count = this.mine.length;
    const note = "Somebody else gets them after a short while, unless you come back.";
    const question = `Log out with ${count} conversation${count === 1 ? "" : "s"} still yours?`;
    if (count && !(await askToConfirm(question, note, "Log out"))) return;
    this.end();
  }

  end(sentence) {
    this.voice.stop();
    this.connection?.end();
    this.login.leave(sentence);
  }

  // ---- what is shown

  show(one) {
    if (this.shown === one) return;
    const focusWasInside = byId("main").contains(document.activeElement) || document.activeElement === document.body;
    this.shown = one;
    one.unread = 0;
    for (const other of this.all.values()) if (other !== one && !other.isMine) this.all.delete(other.session);
    this.view.show(one);
    this.draw();
    if (one.isMine) this.view.write();
    else if (focusWasInside) byId("log").focus();
  }

  showLive() {
    if (this.shown && !this.shown.isMine) this.connection.send({ type: "unwatch" });
    this.shown = this.wanted = null;
    this.view.hide();
    this.draw();
    if (this.role === "supervisor") focusFirst(byId("live-rows"));
    else byId("main").focus();
  }

  /** Everything that follows from what is known and who is connected. */
  draw() {
    const online = this.connection?.ready ?? false;
    const supervises = this.role === "supervisor";
    byId("conversation").hidden = !this.shown;
    byId("live").hidden = Boolean(this.shown) || !supervises;
    byId("nothing").hidden = Boolean(this.shown) || supervises;
    byId("live-button").hidden = !supervises;
    if (this.shown || !supervises) byId("live-button").removeAttribute("aria-current");
    else byId("live-button").setAttribute("aria-current", "true");
    this.lists.mine(this.mine);
    this.lists.draw({ open: this.shown?.session ?? null, online });
    this.live.draw({ online });
    const { length: waiting } = this.lists.waiting;
    setText(byId("nothing-note"), waiting ? "Choose somebody who is waiting, at the left." : "Nobody is waiting. New requests appear at the left.");
    if (this.shown) {
      const queued = this.lists.find(this.shown.session);
      this.view.state({ queued, role: this.role, online, onAir: this.voice.session, follows: this.follows(this.shown) });
    }
    this.#air();
    const unread = this.mine.reduce((sum, one) => sum + one.unread, 0);
    document.title = [unread && `${unread} new`, waiting && `${waiting} waiting`, "Console"].filter(Boolean).join(" · ");
  }

  #air() {
    const on = this.all.get(this.voice.session);
    byId("on-air").hidden = !on;
    if (on) byId("on-air").replaceChildren(icon("microphone"), `${Customer(on.customer)} hears you`, make("b", {}, "Stop"));
  }
}
