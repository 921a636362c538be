/* What the console does when its connection changes or a message of the server arrives. */
import { make } from "../dom.js";
import { setText } from "./keyed_list.js";
import { announce, showProblem } from "./notifications.js";
import { alert, customer, Customer, rule } from "./labels.js";

const ROLES = { person: "agent", supervisor: "supervisor" };
const LOST = "Connection lost – connecting again…";
const byId = (id) => document.getElementById(id);

/** By the state of the connection or the type of a message: f(app, detail). */
export const ON_MESSAGE = {
  // ---- the line

  connecting(app) {
    if (byId("desk").hidden) app.login.busy("Logging in…");
  },

  waiting(app) {
    if (byId("desk").hidden) app.login.problem("The server cannot be reached. Trying again…");
    byId("line").dataset.tone = "problem";
    setText(byId("line"), LOST);
    app.voice.stop();
    app.draw();
  },

  refused(app, { sentence }) {
    app.end(sentence);
  },

  ready(app, { role, name, outcomes, recovered }) {
    const first = byId("desk").hidden;
    Object.assign(app, { role, outcomes });
    app.login.done();
    byId("line").dataset.tone = "calm";
    setText(byId("line"), "Connected");
    byId("who").replaceChildren(make("b", {}, name), ` · ${ROLES[role] ?? role}`);
    const kept = new Set(recovered ?? []);
    for (const one of app.mine.filter(({ session }) => !kept.has(session))) {
      one.own({ owner: "queued", name: "" });
      showProblem(`You no longer have the conversation with ${customer(one.customer)}.`);
    }
    for (const session of kept) app.know(session).own({ owner: role, name });
    openAnew(app, [...kept]);
    app.draw();
    if (first) byId("main").focus();
  },

  lost(app) {
    app.voice.stop();
    openAnew(app, app.mine.map((one) => one.session));
  },

  error(app, { message }) {
    showProblem(message || "That could not be done.");
    app.wanted = null;
    if (app.shown?.unsure.length && app.view.takeBack()) app.view.refresh();
  },

  // ---- the lists

  queue(app, { waiting }) {
    const added = app.lists.queue(waiting);
    const first = added.find(({ urgency }) => urgency === "high") ?? added[0];
    if (first) announce(`New in the queue: ${customer(first.customer)}, ${rule(first.rule)}.`);
    app.draw();
  },

  sessions(app, { live }) {
    for (const row of app.live.show(live)) announce(`${Customer(row.customer)}: ${alert(row.alert)}.`);
  },

  calls_back(app, { tickets }) {
    app.lists.calls(tickets);
  },

  // ---- one conversation

  opened(app, message) {
    const one = app.know(message.session);
    const was = one.isMine;
    if (app.shown === one) app.view.keep();
    if (one.open(message)) showProblem("What you wrote last did not arrive. It is in the text field again.");
    if (app.shown === one) app.view.refresh();
    if (app.wanted === one.session || (!app.shown && one.isMine)) app.show(one);
    if (app.wanted === one.session) app.wanted = null;
    app.draw();
    if (one.isMine && !was && app.shown === one) app.view.write();
  },

  item(app, { session, item }) {
    const one = app.all.get(session);
    if (!one) return;
    one.add(item);
    if (app.shown === one) app.view.transcript.add(item);
    if (item.kind === "customer" && one.isMine && app.shown !== one) {
      one.unread += 1;
      announce(`${Customer(one.customer)} has written.`);
    }
    app.draw();
  },

  claims(app, { session, id, claims }) {
    const one = app.all.get(session);
    if (!one) return;
    Object.assign(one, { id, claims });
    if (app.shown === one) app.view.claims();
  },

  mood(app, message) {
    const one = app.all.get(message.session);
    one?.feel(message);
    if (one && app.shown === one) app.view.mood();
  },

  suggestions(app, { session, replies }) {
    const one = app.all.get(session);
    if (!one) return;
    one.replies = replies;
    if (app.shown === one) app.view.suggest();
  },

  owner(app, message) {
    const one = app.know(message.session);
    const was = one.isMine;
    one.own(message);
    if (one.isMine && !was) announce(`You are talking to ${customer(one.customer)}.`);
    if (was && !one.isMine) losesIt(app, one);
    app.draw();
    if (one.isMine && !was && app.shown === one) app.view.write();
  },

  whisper(app, { session, name, text }) {
    const one = app.all.get(session);
    if (!one) return;
    const whisper = one.whisper({ name, text });
    if (app.shown === one) app.view.transcript.whispered(whisper);
    else showProblem(`${name} whispers about ${customer(one.customer)}: ${text}`);
  },

  closed(app, { session, reason }) {
    const one = app.all.get(session);
    if (!one) return;
    if (app.voice.session === session) app.voice.stop();
    one.end(reason || "ended");
    announce(`The conversation with ${customer(one.customer)} is over.`);
    if (app.shown !== one) app.all.delete(session);
    app.draw();
  },
};

/** Asks for everything again, last of all what is shown: that one is followed from then on. */
function openAnew(app, sessions) {
  if (app.shown && !app.shown.over && app.follows(app.shown)) app.wanted ??= app.shown.session;
  app.wanted ??= app.shown ? null : sessions[0] ?? null;
  const others = sessions.filter((session) => session !== app.wanted);
  for (const session of app.wanted ? [...others, app.wanted] : others) app.connection.send({ type: "watch", session });
}

function losesIt(app, one) {
  const who = customer(one.customer);
  if (app.voice.session === one.session) app.voice.stop();
  if (one.isOthers) showProblem(`${one.name} has taken over the conversation with ${who}.`);
  else announce(`You are no longer talking to ${who}.`);
  if (app.shown === one && app.view.takeBack()) showProblem("What you wrote last may not have reached the customer.");
}
