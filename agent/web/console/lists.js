/* The lists at the left: one's own conversations, those who wait, and the calls to return. */
import { icon, make } from "../dom.js";
import { updateKeyedList, setText, moveFocusWithArrows } from "./keyed_list.js";
import { moodClass } from "./timeline.js";
import { care, channel, Customer, duration, rule, stopwatch, summary, upset, urgency, wallTime, whyCallBack } from "./labels.js";

const CHANNEL_ICONS = { chat: "chat", voice: "microphone", call: "phone" };
const byId = (id) => document.getElementById(id);
const seconds = () => performance.now() / 1000;

export class Lists {
  /** `actions.open(session)` for an entry that is chosen, `actions.accept(entry)`, and
   *  `actions.done(ticket, outcome)` for a call that was returned. */
  constructor(actions) {
    this.actions = actions;
    this.waiting = [];
    this.open = null; // the session that is shown
    this.online = false;
    for (const id of ["mine", "queue"]) moveFocusWithArrows(byId(id));
    setInterval(() => this.#count(), 1000);
  }

  find(session) {
    return this.waiting.find((entry) => entry.session === session) ?? null;
  }

  /** The whole queue; returns those who were not in it before. */
  queue(waiting) {
    const known = new Set(this.waiting.map(keyOf));
    const now = seconds();
    this.waiting = waiting.map((entry) => ({ ...entry, since: now - entry.waited_s }));
    this.draw();
    return this.waiting.filter((entry) => !known.has(keyOf(entry)));
  }

  mine(conversations) {
    this.conversations = conversations;
    byId("mine-part").hidden = !conversations.length;
    updateKeyedList(byId("mine"), conversations, (one) => one.session, (one, before) => this.#own(one, before));
  }

  draw({ open = this.open, online = this.online } = {}) {
    Object.assign(this, { open, online });
    byId("queue-empty").hidden = this.waiting.length > 0;
    setText(byId("queue-count"), String(this.waiting.length));
    updateKeyedList(byId("queue"), this.waiting, keyOf, (entry, before) => this.#entry(entry, before));
    if (this.conversations) this.mine(this.conversations);
  }

  calls(tickets) {
    byId("calls-empty").hidden = tickets.length > 0;
    setText(byId("calls-count"), String(tickets.length));
    updateKeyedList(byId("calls"), tickets, ({ ticket }) => ticket, (one, before) => this.#call(one, before));
  }

  /** A call to return: who, where, when, about what, and that it is done. */
  #call(one, before) {
    const { ticket, customer, why, written_at: at, summary: text, contact, name, due_at: due } = one;
    const row = before ?? make("li", {});
    const drawn = JSON.stringify(one);
    if (row.drawn === drawn) return row;
    row.drawn = drawn;
    const done = (outcome, label, hint) => make("button", { type: "button", class: "done", "aria-label": `${ticket}: ${hint}`,
      onclick: () => this.actions.done(one, outcome) }, label);
    row.replaceChildren(
      make("p", { class: "entry-head" }, make("b", {}, name || Customer(customer)), make("span", {}, ticket)),
      make("p", { class: "contact" }, contact || "No number or address was noted"),
      make("p", { class: "quiet" }, `${whyCallBack(why)} · ${wallTime(at)}${due ? ` · call from ${wallTime(due)}` : ""}`),
      text ? make("p", { class: "entry-summary" }, summary(text)) : "",
      make("p", { class: "done-row" }, done("reached", "Done", "the customer was called back"),
        done("not_reached", "Not reached", "the customer could not be reached")));
    return row;
  }

  #entry(entry, before) {
    const row = before ?? this.#row((one) => this.actions.open(one.session));
    row.entry = entry;
    const button = row.firstChild;
    const signs = [
      care(entry.rule) ? make("span", { class: "care" }, icon("care"), care(entry.rule)) : null,
      make("span", { class: `urgency ${entry.urgency}` }, entry.urgency === "high" ? icon("alert") : null, urgency(entry.urgency)),
      Number.isFinite(entry.upset) ? make("span", { class: `feeling ${moodClass(entry.upset)}` }, upset(entry.upset)) : null,
      isElsewhere(entry) ? make("span", { class: "gone" }, "On another server") : null,
      entry.present ? null : make("span", { class: "gone" }, entry.here === false ? "Has left" : "Connection lost"),
    ];
    const drawn = JSON.stringify([entry.urgency, entry.upset, entry.present, entry.here, entry.customer, entry.rule, entry.summary]);
    if (row.drawn !== drawn) {
      row.drawn = drawn;
      button.replaceChildren(
        make("span", { class: "entry-head" },
          make("span", { class: "sign", title: channel(entry.channel) }, icon(CHANNEL_ICONS[entry.channel] ?? "chat"), make("span", { class: "unseen" }, channel(entry.channel))),
          make("b", {}, Customer(entry.customer)), make("span", { class: "timer" })),
        make("span", { class: "entry-why" }, rule(entry.rule), chance(entry.probability)),
        make("span", { class: "signs" }, ...signs.filter(Boolean)),
        make("span", { class: "entry-summary" }, summary(entry.summary)));
    }
    this.#mark(button, entry.session);
    row.accept ??= row.appendChild(make("button", { type: "button", class: "accept", onclick: () => this.actions.accept(row.entry) }, "Accept"));
    row.accept.setAttribute("aria-label", `Accept ${Customer(entry.customer)}`);
    row.accept.disabled = !this.online || isElsewhere(entry);
    this.#time(row);
    return row;
  }

  #own(one, before) {
    const row = before ?? this.#row((entry) => this.actions.open(entry.session));
    row.entry = one;
    const button = row.firstChild;
    const last = one.items.findLast((item) => item.kind === "customer")?.text ?? "";
    const drawn = JSON.stringify([one.customer, one.unread, last, one.channel]);
    if (row.drawn !== drawn) {
      row.drawn = drawn;
      button.replaceChildren(
        make("span", { class: "entry-head" },
          make("span", { class: "sign" }, icon(CHANNEL_ICONS[one.channel] ?? "chat"), make("span", { class: "unseen" }, channel(one.channel))),
          make("b", {}, Customer(one.customer)),
          one.unread ? make("span", { class: "unread" }, `${one.unread} new`) : null),
        last ? make("span", { class: "entry-last" }, last) : "");
    }
    this.#mark(button, one.session);
    return row;
  }

  #row(choose) {
    const row = make("li", {});
    row.append(make("button", { type: "button", class: "entry", "data-stop": true, onclick: () => choose(row.entry) }));
    return row;
  }

  #mark(button, session) {
    if (session === this.open) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }

  #count() {
    for (const row of byId("queue").children) this.#time(row);
  }

  #time(row) {
    const waits = seconds() - row.entry.since;
    const timer = row.querySelector(".timer");
    setText(timer, stopwatch(waits));
    timer.setAttribute("title", `Waiting for ${duration(waits)}`);
  }
}

/** Who has left is in no server; accepting them takes them out of the queue. */
export const isElsewhere = ({ here, present }) => here === false && present;

const keyOf = ({ session, id }) => `${session}/${id}`;
const chance = (value) =>
  (Number.isFinite(value) ? make("span", { class: "chance" }, ` · ${Math.round(value * 100)} % sure`) : "");
