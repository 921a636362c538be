/* The conversation that is open: whose it is, its transcript, what may be written and pressed.
 * Reports through `actions` what was pressed; decides nothing about the conversation. */
import { icon, make } from "../dom.js";
import { setText } from "./keyed_list.js";
import { isElsewhere } from "./lists.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";
import { channel, customer, ownership, stopwatch, wallTime } from "./labels.js";

const OWNER_ICONS = { mine: "person", other: "eye", bot: "mark", queued: "clock", over: "check" };
const NARROW = matchMedia("(max-width: 1099px)"); // the same width as in conversation.css
const CARE = "Care"; // the label of the claim about danger or distress
const NOT_FOLLOWED = "You do not see what is said from now on.";
const byId = (id) => document.getElementById(id);

export class ConversationView {
  constructor(actions) {
    this.actions = actions;
    this.me = "";
    this.role = "person";
    this.conversation = null;
    this.online = false;
    this.transcript = new Transcript(byId("log"), byId("newer"));
    this.timeline = new Timeline(byId("mood"), (turn) => this.#go(turn));
    this.field = byId("say-text");
    this.#connect();
  }

  show(conversation) {
    if (conversation !== this.conversation) this.keep();
    this.conversation = conversation;
    this.toggleAbout(false);
    this.field.value = conversation.draft;
    this.#fit();
    this.transcript.show(conversation);
    this.suggest();
    this.claims();
    this.mood();
    this.state();
  }

  /** What is being written belongs to the conversation; call this before that changes. */
  keep() {
    if (this.conversation) this.conversation.draft = this.field.value;
  }

  refresh() {
    this.show(this.conversation);
  }

  hide() {
    this.keep();
    this.conversation = null;
  }

  /** Puts back what was not sent, in front of what is being written. */
  takeBack() {
    this.keep();
    const lost = this.conversation.takeBack();
    this.field.value = this.conversation.draft;
    this.#fit();
    return lost;
  }

  /** Who owns it now, and with it all that may be done. `queued` is its entry in the queue. */
  state({ queued = null, role = this.role, online = this.online, onAir = null, follows = true } = {}) {
    Object.assign(this, { role, online });
    const { conversation } = this;
    if (!conversation) return;
    const { isMine, isOthers, owner, over } = conversation;
    const { tone, heading, note } = ownership(conversation, this.me);
    const banner = byId("owner");
    if (banner.dataset.tone !== tone) byId("owner-icon").replaceChildren(icon(OWNER_ICONS[tone]));
    banner.dataset.tone = tone;
    setText(byId("owner-heading"), heading);
    const began = wallTime(conversation.beganAt);
    const about = [channel(conversation.channel), began && `since ${began}`, follows || over ? note : NOT_FOLLOWED];
    setText(byId("owner-note"), about.filter(Boolean).join(" · "));
    const waits = owner === "queued" && !over;
    const may = {
      accept: waits && (queued ? !isElsewhere(queued) : Boolean(conversation.id)),
      voice: isMine && conversation.voice,
      "take-over": role === "supervisor" && !isMine && !waits && !over && owner !== "supervisor",
      "hand-back": isMine,
      close: isMine,
    };
    for (const [id, allowed] of Object.entries(may)) {
      byId(id).hidden = !allowed;
      byId(id).disabled = !online;
    }
    this.#air(onAir === conversation.session);
    byId("say").hidden = !isMine;
    byId("say-button").disabled = !online;
    byId("reading").hidden = isMine;
    setText(byId("reading"), over ? "Nothing can be written any more." : this.#whoMayWrite(waits));
    byId("whisper").hidden = !(role === "supervisor" && isOthers);
    byId("whisper-button").disabled = !online;
    setText(byId("whisper-label"), `Whisper to ${conversation.name || "the person"}: the customer does not see it`);
    byId("suggestions").hidden = !isMine || !conversation.replies.length;
    this.field.placeholder = `Write to ${customer(conversation.customer)}`;
  }

  suggest() {
    const { replies } = this.conversation;
    const buttons = replies.map(({ text, why }, at) =>
      make("button", { type: "button", title: why || null, onclick: () => this.use(at) },
        make("kbd", { "aria-hidden": "true" }, String(at + 1)), make("span", { class: "reply" }, text),
        why ? make("span", { class: "why-reply" }, why) : null));
    if (byId("suggestions").contains(document.activeElement)) this.write(); // else the focus is lost
    byId("suggestions").replaceChildren(...buttons);
    byId("suggestions").hidden = !this.conversation.isMine || !replies.length;
  }

  /** A suggestion goes into the field, where it can be changed; it is never sent from here. */
  use(at) {
    const reply = this.conversation?.replies[at];
    if (!reply || !this.conversation.isMine) return;
    const before = this.field.value.trimEnd();
    this.field.value = before ? `${before} ${reply.text}` : reply.text;
    this.field.focus();
    this.field.setSelectionRange(this.field.value.length, this.field.value.length);
    this.#fit();
  }

  claims() {
    const { claims } = this.conversation;
    byId("no-claims").hidden = claims.length > 0;
    byId("claims").replaceChildren(...claims.flatMap((claim) => [
      make("dt", claim.label === CARE ? { class: "care-claim" } : {}, claim.label === CARE ? icon("care") : null, claim.label),
      make("dd", {}, ...this.#linked(claim))]));
  }

  mood() {
    this.timeline.show(this.conversation);
  }

  write() {
    if (this.conversation?.isMine) this.field.focus();
  }

  toggleAbout(open = !byId("about").classList.contains("open")) {
    byId("about").classList.toggle("open", open);
    byId("about-button").setAttribute("aria-expanded", String(open || !NARROW.matches));
    if (open) (byId("claims").querySelector("button") ?? byId("about-button")).focus();
  }

  toMood() {
    if (NARROW.matches) this.toggleAbout(true);
    byId("mood").querySelector(".point[tabindex='0']")?.focus();
  }

  /** Where a claim names a turn there is its link; the links it does not name stand at its end. */
  #linked({ label, text, links = [] }) {
    const open = new Map(links.map(({ turn, at }) => [turn, at]));
    const parts = text.split(/ ?\(turn (\d+)\)/).map((part, at) => {
      const turn = Number(part);
      if (at % 2 === 0) return part;
      if (!open.has(turn)) return "";
      const link = this.#link(label, turn, open.get(turn));
      open.delete(turn);
      return link;
    });
    return [...parts, ...[...open].map(([turn, at]) => this.#link(label, turn, at))];
  }

  #link(label, turn, at) {
    const time = stopwatch(at);
    const name = `Show where this was said, at ${time}: ${label}`;
    return make("button", { type: "button", class: "turn-link", "aria-label": name, title: "Show where this was said",
      onclick: () => this.#go(turn) }, time);
  }

  #go(turn) {
    this.toggleAbout(false);
    if (!this.transcript.go(turn)) this.actions.problem("That turn is not in the transcript.");
  }

  #whoMayWrite(waits) {
    const { isOthers, name } = this.conversation;
    if (waits) return "Accept the conversation to write to the customer.";
    if (isOthers) return `Only ${name || "the person who has it"} can write to the customer.`;
    return this.role === "supervisor" ? "Take over to write to the customer." : "The assistant has the conversation.";
  }

  #air(on) {
    byId("voice").setAttribute("aria-pressed", String(on));
    byId("voice").replaceChildren(icon(on ? "stop" : "microphone"), on ? "Stop speaking " : "Speak ", make("kbd", {}, "V"));
  }

  #connect() {
    const pressed = { accept: "accept", voice: "voice", "take-over": "takeOver", "hand-back": "handBack", close: "close" };
    for (const [id, action] of Object.entries(pressed)) {
      byId(id).addEventListener("click", () => this.actions[action](this.conversation));
    }
    byId("about-button").addEventListener("click", () => this.toggleAbout());
    byId("conversation").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !byId("about").classList.contains("open")) return;
      this.toggleAbout(false);
      byId("about-button").focus();
    });
    this.field.addEventListener("input", () => this.#fit());
    this.#form("say", (text) => {
      this.transcript.sending(text);
      this.actions.say(this.conversation, text);
    });
    this.#form("whisper", (text) => this.actions.whisper(this.conversation, text));
  }

  /** Enter sends; what cannot be sent now stays in the field. */
  #form(id, send) {
    const [form, field] = [byId(id), byId(`${id}-text`)];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (!text || !this.online) return;
      field.value = "";
      this.#fit();
      send(text);
    });
    field.addEventListener("keydown", (event) => {
      // While an input method is composing, Enter accepts a word and must not send.
      if (event.key === "Escape") byId("log").focus();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
  }

  #fit() {
    this.field.style.height = "auto";
    const borders = this.field.offsetHeight - this.field.clientHeight;
    this.field.style.height = `${this.field.scrollHeight + borders}px`;
  }
}
