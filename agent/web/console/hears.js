/* What changes at this desk when the connection changes, or when the server says something. */
import { make } from "../dom.js";
import { say } from "./keyed.js";
import { tell, trouble } from "./told.js";
import { alert, customer, Customer, rule } from "./words.js";

const ROLES = { person: "agent", supervisor: "supervisor" };
const LOST = "Connection lost – connecting again…";
const byId = (id) => document.getElementById(id);

/** By the state of the line or the type of a message: f(desk, detail). */
export const HEARS = {
  // ---- the line

  connecting(desk) {
    if (byId("desk").hidden) desk.login.busy("Logging in…");
  },

  waiting(desk) {
    if (byId("desk").hidden) desk.login.problem("The server cannot be reached. Trying again…");
    byId("line").dataset.tone = "problem";
    say(byId("line"), LOST);
    desk.voice.stop();
    desk.draw();
  },

  refused(desk, { sentence }) {
    desk.end(sentence);
  },

  ready(desk, { role, name, outcomes, recovered }) {
    const first = byId("desk").hidden;
    Object.assign(desk, { role, outcomes });
    desk.login.done();
    byId("line").dataset.tone = "calm";
    say(byId("line"), "Connected");
    byId("who").replaceChildren(make("b", {}, name), ` · ${ROLES[role] ?? role}`);
    const kept = new Set(recovered ?? []);
    for (const one of desk.mine.filter(({ session }) => !kept.has(session))) {
      one.own({ owner: "queued", name: "" });
      trouble(`You no longer have the conversation with ${customer(one.customer)}.`);
    }
    for (const session of kept) desk.know(session).own({ owner: role, name });
    openAnew(desk, [...kept]);
    desk.draw();
    if (first) byId("main").focus();
  },

  lost(desk) {
    desk.voice.stop();
    openAnew(desk, desk.mine.map((one) => one.session));
  },

  error(desk, { message }) {
    trouble(message || "That could not be done.");
    desk.wanted = null;
    if (desk.shown?.unsure.length && desk.view.takeBack()) desk.view.refresh();
  },

  // ---- the lists

  queue(desk, { waiting }) {
    const added = desk.lists.queue(waiting);
    const first = added.find(({ urgency }) => urgency === "high") ?? added[0];
    if (first) tell(`New in the queue: ${customer(first.customer)}, ${rule(first.rule)}.`);
    desk.draw();
  },

  sessions(desk, { live }) {
    for (const row of desk.live.show(live)) tell(`${Customer(row.customer)}: ${alert(row.alert)}.`);
  },

  calls_back(desk, { tickets }) {
    desk.lists.calls(tickets);
  },

  // ---- one conversation

  opened(desk, message) {
    const one = desk.know(message.session);
    const was = one.isMine;
    if (desk.shown === one) desk.view.keep();
    if (one.open(message)) trouble("What you wrote last did not arrive. It is in the text field again.");
    if (desk.shown === one) desk.view.refresh();
    if (desk.wanted === one.session || (!desk.shown && one.isMine)) desk.show(one);
    if (desk.wanted === one.session) desk.wanted = null;
    desk.draw();
    if (one.isMine && !was && desk.shown === one) desk.view.write();
  },

  item(desk, { session, item }) {
    const one = desk.all.get(session);
    if (!one) return;
    one.add(item);
    if (desk.shown === one) desk.view.transcript.add(item);
    if (item.kind === "customer" && one.isMine && desk.shown !== one) {
      one.unread += 1;
      tell(`${Customer(one.customer)} has written.`);
    }
    desk.draw();
  },

  claims(desk, { session, id, claims }) {
    const one = desk.all.get(session);
    if (!one) return;
    Object.assign(one, { id, claims });
    if (desk.shown === one) desk.view.claims();
  },

  mood(desk, message) {
    const one = desk.all.get(message.session);
    one?.feel(message);
    if (one && desk.shown === one) desk.view.mood();
  },

  suggestions(desk, { session, replies }) {
    const one = desk.all.get(session);
    if (!one) return;
    one.replies = replies;
    if (desk.shown === one) desk.view.suggest();
  },

  owner(desk, message) {
    const one = desk.know(message.session);
    const was = one.isMine;
    one.own(message);
    if (one.isMine && !was) tell(`You are talking to ${customer(one.customer)}.`);
    if (was && !one.isMine) losesIt(desk, one);
    desk.draw();
    if (one.isMine && !was && desk.shown === one) desk.view.write();
  },

  whisper(desk, { session, name, text }) {
    const one = desk.all.get(session);
    if (!one) return;
    const whisper = one.whisper({ name, text });
    if (desk.shown === one) desk.view.transcript.whispered(whisper);
    else trouble(`${name} whispers about ${customer(one.customer)}: ${text}`);
  },

  closed(desk, { session, reason }) {
    const one = desk.all.get(session);
    if (!one) return;
    if (desk.voice.session === session) desk.voice.stop();
    one.end(reason || "ended");
    tell(`The conversation with ${customer(one.customer)} is over.`);
    if (desk.shown !== one) desk.all.delete(session);
    desk.draw();
  },
};

/** Asks for everything again, last of all what is shown: that one is followed from then on. */
function openAnew(desk, sessions) {
  if (desk.shown && !desk.shown.over && desk.follows(desk.shown)) desk.wanted ??= desk.shown.session;
  desk.wanted ??= desk.shown ? null : sessions[0] ?? null;
  const others = sessions.filter((session) => session !== desk.wanted);
  for (const session of desk.wanted ? [...others, desk.wanted] : others) desk.line.send({ type: "watch", session });
}

function losesIt(desk, one) {
  const who = customer(one.customer);
  if (desk.voice.session === one.session) desk.voice.stop();
  if (one.isOthers) trouble(`${one.name} has taken over the conversation with ${who}.`);
  else tell(`You are no longer talking to ${who}.`);
  if (desk.shown === one && desk.view.takeBack()) trouble("What you wrote last may not have reached the customer.");
}
