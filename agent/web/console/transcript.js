/* The transcript: who said what and when, and what became of it. New lines are kept in view until
 * somebody scrolls up to read. */
import { icon, make } from "../dom.js";
import { moodClass } from "./timeline.js";
import { customer, Customer, intent, rule, stopwatch, upset, wallTime } from "./labels.js";

const NEAR_END_PX = 48;
const SURE = 0.5; // below this an intent is shown as a guess

const STATES = {
  requested: "A person was asked for",
  queued: "In the queue",
  accepted: "Accepted",
  ended: "The handoff is over",
  callback: "A call back was noted",
};

const SIGNS = { requested: "alert", queued: "clock", accepted: "check", ended: "check", callback: "phone" };

export class Transcript {
  constructor(log, newer) {
    Object.assign(this, { log, newer });
    this.following = true;
    this.lastTop = 0;
    log.addEventListener("scroll", () => this.#scrolled());
    newer.addEventListener("click", () => this.toNewest());
    new ResizeObserver(() => this.#keepUp()).observe(log);
  }

  show(conversation) {
    this.conversation = conversation;
    this.log.setAttribute("aria-busy", "true"); // it is not read out as news
    this.log.setAttribute("aria-label", `Conversation with ${customer(conversation.customer)}`);
    this.log.replaceChildren();
    const whispers = [...conversation.whispers];
    for (const item of conversation.items) {
      while (whispers.length && whispers[0].after < item.n) this.#append(this.#whisper(whispers.shift()));
      this.#append(this.#item(item));
    }
    for (const whisper of whispers) this.#append(this.#whisper(whisper));
    for (const text of conversation.unsure) this.sending(text);
    this.log.setAttribute("aria-busy", "false");
    this.toNewest();
  }

  add(item) {
    const drawn = this.#item(item);
    const before = this.log.querySelector(`[data-n="${item.n}"]`);
    if (before) before.replaceWith(drawn);
    else this.#append(drawn);
    if (item.kind === "person" && item.name === this.conversation.me) this.log.querySelector(".sending")?.remove();
    this.#keepUp();
  }

  whispered(whisper) {
    this.#append(this.#whisper(whisper));
    this.#keepUp();
  }

  /** Words of our own that the server has not shown us yet. */
  sending(text) {
    const line = make("div", { class: "line person sending", "aria-hidden": "true" },
      make("p", { class: "head" }, make("b", {}, "You"), " Sending…"), make("p", { class: "text" }, text));
    this.log.append(line);
    this.toNewest();
  }

  /** Scrolls to the customer's words of a turn and marks them; false when they are not here. */
  go(turn) {
    const line = this.log.querySelector(`[data-turn="${turn}"].customer`) ?? this.log.querySelector(`[data-turn="${turn}"]`);
    if (!line) return false;
    this.log.querySelector(".found")?.classList.remove("found");
    line.classList.add("found");
    line.tabIndex = -1;
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "center" });
    return true;
  }

  toNewest() {
    this.following = true;
    this.#keepUp();
  }

  #append(line) {
    const sending = this.log.querySelector(".sending");
    this.log.insertBefore(line, sending);
  }

  #item(item) {
    const what = { customer: () => this.#speech(item), bot: () => this.#speech(item), person: () => this.#speech(item) };
    const line = what[item.kind]?.() ?? this.#event(item);
    line.dataset.n = item.n;
    if (item.turn != null) line.dataset.turn = item.turn;
    return line;
  }

  #speech(item) {
    const { kind, text, spoken } = item;
    const head = make("p", { class: "head" },
      spoken ? make("span", { class: "spoken", title: "Spoken" }, icon("microphone"), make("span", { class: "unseen" }, "spoken,")) : null,
      make("b", {}, this.#name(item)), this.#time(item));
    return make("div", { class: `line ${kind}` }, head, make("p", { class: "text" }, text), this.#notes(item));
  }

  #notes(item) {
    const notes = [];
    if (Number.isFinite(item.upset) && moodClass(item.upset) !== "cool") {
      notes.push(make("span", { class: `feeling ${moodClass(item.upset)}` }, moodClass(item.upset) === "hot" ? icon("alert") : null, upset(item.upset)));
    }
    if (typeof item.emotion === "string" && item.emotion) notes.push(make("span", {}, `sounds ${item.emotion}`));
    if (item.intent) {
      const sure = Number.isFinite(item.confidence) && item.confidence < SURE ? "perhaps: " : "";
      notes.push(make("span", {}, sure + intent(item.intent)));
    }
    if (item.flow && item.flow !== this.#flowBefore(item)) notes.push(make("span", {}, intent(item.flow)));
    return notes.length ? make("p", { class: "notes" }, ...notes) : null;
  }

  /** What was in progress when the assistant spoke before. */
  #flowBefore({ n }) {
    return this.conversation.items.findLast((item) => item.kind === "bot" && item.n < n)?.flow;
  }

  #event(item) {
    const { kind, state, text } = item;
    const why = item.rule ? rule(item.rule) : "";
    const words = text || [STATES[state] ?? intent(state ?? kind), why].filter(Boolean).join(": ");
    const sign = { owner: "person", action: "check" }[kind] ?? SIGNS[state];
    return make("div", { class: `event ${kind}` }, sign ? icon(sign) : null, make("p", {}, words), this.#time(item));
  }

  #whisper({ name, text }) {
    const from = name === this.conversation.me ? "You whispered" : `${name} whispers`;
    return make("div", { class: "line whispered" },
      make("p", { class: "head" }, make("b", {}, from), " The customer does not see this."), make("p", { class: "text" }, text));
  }

  #name({ kind, name }) {
    if (kind === "bot") return "Assistant";
    if (kind === "customer") return Customer(this.conversation.customer);
    return name === this.conversation.me ? "You" : name || "A colleague";
  }

  #time({ at }) {
    return make("time", { title: wallTime(this.conversation.beganAt, at) }, stopwatch(at));
  }

  #keepUp() {
    if (this.following) {
      this.log.scrollTop = this.log.scrollHeight;
      this.lastTop = this.log.scrollTop; // where we have gone ourselves is no reader's wish
    }
    this.newer.hidden = this.following;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.log;
    if (scrollTop < this.lastTop) this.following = false;
    if (scrollTop + clientHeight > scrollHeight - NEAR_END_PX) this.following = true;
    this.lastTop = scrollTop;
    this.newer.hidden = this.following;
  }
}
