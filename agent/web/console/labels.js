/* What the console says about states: always a word, so that no colour is needed to understand it. */
import { mood } from "../mood.js";

const RULES = {
  explicit_request: "Asked for a person",
  upset_over_turns: "Upset over several turns",
  repeated_misunderstanding: "Misunderstood repeatedly",
  risky_intent: "Sensitive request",
  failed_verification: "Could not be verified",
};

const OUTCOMES = {
  resolved: ["Solved", "The customer has what they came for."],
  follow_up: ["Needs follow-up", "Somebody has to do something after this conversation."],
  passed_on: ["Passed on", "Another department has taken it over."],
  not_reached: ["Not reached", "The customer did not answer any more."],
  other: ["Other", "None of these."],
};

const WHY_CALL_BACK = { closed: "Outside opening hours", nobody: "Nobody was there", too_long: "Waited too long" };
const ALERTS = { upset: "Upset", waiting_long: "Waits long", stuck: "Going in circles", care: "Danger or distress" };
const URGENCY = { high: "Urgent", normal: "Normal", low: "Low" };
const CHANNELS = { chat: "Chat", voice: "Voice", call: "Phone" };

const plain = (key) => {
  const words = String(key ?? "").replaceAll("_", " ").trim();
  return words && words[0].toUpperCase() + words.slice(1);
};
const CARE = "care."; // begins the rules of people in danger or distress
const named = (table, key) => (Object.hasOwn(table, key) ? table[key] : plain(key));

/** "care.self_harm" -> "Self harm"; empty for every other rule. */
export const care = (key) => (String(key ?? "").startsWith(CARE) ? plain(key.slice(CARE.length)) : "");
export const rule = (key) => (care(key) ? `Care: ${care(key)}` : named(RULES, key));
export const intent = (key) => plain(key);
export const urgency = (key) => named(URGENCY, key);
export const channel = (key) => named(CHANNELS, key);
export const alert = (key) => named(ALERTS, key);
export const whyCallBack = (key) => named(WHY_CALL_BACK, key);
export const outcome = (key) => (Object.hasOwn(OUTCOMES, key) ? OUTCOMES[key] : [plain(key), ""]);

/** Mood of one figure; an absent one is said as such and never called calm. */
export const upset = (value) => mood({ upset: value }).words;

const isNumber = (name) => /^\d+$/.test(name); // of a customer whose name the channel does not know

/** Whom one talks to, within a sentence and at the head of a line. */
export const customer = (name) => (isNumber(name) ? `customer ${name}` : name || "the customer");
export const Customer = (name) => (isNumber(name) ? `Customer ${name}` : name || "Unnamed customer");

/** A summary where there is no room for links to its turns. */
export const summary = (text) => text.replaceAll(/ ?\(turn \d+\)/g, "");

/** 65 -> "1:05", 3665 -> "1:01:05". */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The same for ears: "1 minute 5 seconds". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [[Math.floor(whole / 3600), "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]];
  const said = parts.filter(([count]) => count).slice(0, 2);
  return said.map(([count, noun]) => `${count} ${noun}${count === 1 ? "" : "s"}`).join(" ") || "0 seconds";
}

/** A moment as the wall shows it here; the day too when it is not today. */
export function wallTime(iso, plusSeconds = 0) {
  const when = new Date(Date.parse(iso) + 1000 * plusSeconds);
  if (Number.isNaN(when.getTime())) return "";
  const time = when.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (when.toDateString() === new Date().toDateString()) return time;
  return `${when.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

/** Who owns a conversation: `tone` mine, other, bot, queued or over; a heading and what follows. */
export function ownership({ owner, name, customer: called, over }, me) {
  const who = customer(called);
  if (over) return { tone: "over", heading: `The conversation with ${who} is over`, note: plain(over) };
  switch (owner) {
    case "person":
    case "supervisor": {
      if (name === me) return { tone: "mine", heading: `You are talking to ${who}`, note: "What you write goes to the customer." };
      const title = owner === "supervisor" ? `${name}, supervisor,` : name || "A colleague";
      return { tone: "other", heading: `${title} is talking to ${who}`, note: "You are only watching." };
    }
    case "queued":
      return { tone: "queued", heading: `${Customer(called)} is waiting for a person`, note: "The assistant talks to them meanwhile." };
    default:
      return { tone: "bot", heading: `The assistant is talking to ${who}`, note: "You are only watching." };
  }
}

/** The same in two or three words, for lists. */
export function ownerInShort({ owner, name }, me) {
  if (owner === "person" || owner === "supervisor") return name === me ? "You" : name || "A colleague";
  return owner === "queued" ? "Waiting" : "Assistant";
}
