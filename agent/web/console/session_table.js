/* The supervisor's table: every conversation that is going on, those that need a look first. */
import { icon, make } from "../dom.js";
import { updateKeyedList, setText, moveFocusWithArrows } from "./keyed_list.js";
import { sparkline } from "./timeline.js";
import { alert, channel, Customer, duration, intent, ownerInShort, stopwatch, upset } from "./labels.js";

const byId = (id) => document.getElementById(id);
const seconds = () => performance.now() / 1000;

export class SessionTable {
  /** `actions.open(session)` when one is to be watched, `actions.takeOver(row)`. */
  constructor(actions) {
    this.actions = actions;
    this.me = "";
    this.rows = [];
    this.online = false;
    moveFocusWithArrows(byId("live-rows"));
    setInterval(() => this.#count(), 1000);
  }

  find(session) {
    return this.rows.find((row) => row.session === session) ?? null;
  }

  /** Returns the rows whose alert is new. */
  show(live) {
    const before = new Map(this.rows.map((row) => [row.session, row.alert]));
    const first = (row) => (row.alert === "care" ? 0 : row.alert ? 1 : 2);
    const now = seconds();
    this.rows = live.map((row) => ({ ...row, since: now - row.lasts_s })).sort((one, other) => first(one) - first(other) || (one.began_at < other.began_at ? -1 : 1));
    this.draw();
    return this.rows.filter((row) => row.alert && before.get(row.session) !== row.alert);
  }

  draw({ online = this.online } = {}) {
    this.online = online;
    setText(byId("live-count"), String(this.rows.length));
    byId("live-empty").hidden = this.rows.length > 0;
    updateKeyedList(byId("live-rows"), this.rows, (row) => row.session, (row, before) => this.#row(row, before));
  }

  #row(row, before) {
    const line = before ?? this.#line();
    line.row = row;
    const drawn = JSON.stringify(row);
    if (line.drawn !== drawn) {
      line.drawn = drawn;
      this.#fill(line, row);
    }
    const mayTake = row.owner === "bot" || (row.owner === "person" && row.name !== this.me) || row.owner === "queued";
    line.takes.hidden = !mayTake;
    line.takes.disabled = !this.online;
    this.#time(line);
    return line;
  }

  #line() {
    const line = make("tr", {});
    const watch = make("button", { type: "button", class: "link", "data-stop": true, onclick: () => this.actions.open(line.row.session) });
    const takes = make("button", { type: "button", onclick: () => this.actions.takeOver(line.row) }, "Take over");
    const fields = Object.fromEntries(["alert", "mood", "owner", "about", "since"].map((name) => [name, make("td", { class: `row-${name}` })]));
    line.append(make("th", { scope: "row" }, watch, make("span", { class: "quiet" })), ...Object.values(fields), make("td", {}, takes));
    return Object.assign(line, { watch, takes, fields });
  }

  #fill(line, row) {
    const { watch, takes, fields } = line;
    const called = Customer(row.customer);
    setText(watch, called);
    watch.setAttribute("aria-label", `Watch ${called}`);
    takes.setAttribute("aria-label", `Take over ${called}`);
    watch.nextSibling.textContent = `${channel(row.channel)} · ${row.turns} turns${row.present ? "" : " · connection lost"}`;
    line.classList.toggle("alerted", Boolean(row.alert));
    fields.owner.replaceChildren(make("span", { class: `tag ${row.owner}` }, ownerInShort(row, this.me)));
    fields.about.textContent = row.intent ? intent(row.intent) : "–";
    fields.mood.replaceChildren(sparkline(row.moods ?? []), make("span", {}, upset(row.upset)));
    fields.alert.replaceChildren(...(row.alert ? [icon(row.alert === "care" ? "care" : "alert"), alert(row.alert)] : []));
  }

  #count() {
    for (const line of byId("live-rows").children) this.#time(line);
  }

  #time(line) {
    const lasts = seconds() - line.row.since;
    setText(line.fields.since, stopwatch(lasts));
    line.fields.since.setAttribute("title", duration(lasts));
  }
}
