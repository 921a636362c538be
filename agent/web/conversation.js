/* One customer's conversation: joins the wire, the microphone, the speaker and the panel.
 *
 * It starts as chat. Pressing the microphone opens a second session whose channel is voice (a
 * session's channel never changes) and keeps what is on the screen. The page can use the element:
 * document.querySelector("hearken-widget").say("What are your opening hours?")
 */
import { Microphone, MicrophoneRefused } from "./microphone.js";
import { Panel } from "./panel.js";
import { Speaker } from "./speaker.js";
import { sheet } from "./style.js";
import { Wire } from "./wire.js";

const MICROPHONE_FORMAT = { encoding: "pcm_s16le", rate: 16000, channels: 1 };
const UNCLEAR = 0.5; // below this confidence we say that we may have misheard
const SLOW_LINE_FRAMES = 25; // half a second of lost sound is worth a word
// Errors a customer can do nothing about, or that a reply or a notice of ours tells in other words.
const FOR_DEVELOPERS = new Set([
  "bad_hello", "bad_json", "bad_message", "bad_token", "cannot_resume", "hello_first", "hello_twice",
  "missed", "no_audio", "no_hello", "odd_bytes",
]);
const ASK_FOR_PERSON = "talk to a person";

const clock = () => new Date().toTimeString().slice(0, 8);

function waitInWords(seconds) {
  if (seconds < 60) return "less than a minute";
  const minutes = Math.round(seconds / 60);
  return minutes === 1 ? "about a minute" : `about ${minutes} minutes`;
}

/** The evidence and the summary are for the person who takes over; the customer sees where they stand. */
function handoffInWords({ state, position, wait_s: wait, ticket }) {
  const place = position ? ` You are number ${position} in line.` : "";
  const time = Number.isFinite(wait) ? ` Expected wait: ${waitInWords(wait)}.` : "";
  switch (state) {
    case "requested":
      return "We are finding a person for you. You can keep writing meanwhile.";
    case "queued":
      return `Waiting for a person.${place}${time}`;
    case "accepted":
      return "A person has joined and can see the conversation so far.";
    case "callback":
      return ticket ? `We will call you back. Your number for that is ${ticket}.` : "";
    default:
      return "";
  }
}

function ownerInWords({ owner, name }) {
  switch (owner) {
    case "queued":
      return "Automated assistant – waiting for a person";
    case "person":
      return `Talking to ${name || "a person"}`;
    case "supervisor":
      return `Talking to ${name || "a person"}, supervisor`;
    default:
      return "Automated assistant";
  }
}

const BOT = { owner: "bot" };

export class Conversation extends HTMLElement {
  start(settings) {
    this.settings = settings;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet]; // allowed by any content security policy, unlike <style>
    this.lang = "en";
    this.panel = new Panel(root, settings, this.#actions());
    this.microphone = new Microphone(settings.worklet, settings.plainAudio, {
      frame: (pcm, level) => this.#frame(pcm, level),
      lost: (sentence) => this.#microphoneLost(sentence),
    });
    this.speaker = new Speaker((turn, ms) => this.wire?.sendNow({ type: "played", turn, ms }));
    this.speaking = true;
    this.lines = []; // the transcript
    this.typed = []; // typed words the server may send back as a transcript
    this.talkingTo = BOT;
    this.permission = null; // what the customer agreed to; null until asked
    addEventListener("pagehide", () => this.#leave());
    if (settings.open) this.open();
  }

  // ---- for the page

  open() {
    if (!this.wire) this.#begin("chat");
    this.panel.setOpen(true);
  }

  close() {
    this.#stopListening(); // never record behind a closed panel
    this.panel.setOpen(false);
  }

  say(text) {
    if (!this.panel.isOpen) this.open();
    if (!this.wire || this.wire.over) this.#begin("chat");
    this.#write({ who: "customer", name: "You", text });
    this.panel.setSuggestions([]);
    this.typed.push(text);
    this.wire.send({ type: "text", text });
  }

  // ---- pressed

  #actions() {
    return {
      toggle: (open) => (open ? this.open() : this.close()),
      say: (text) => this.say(text),
      person: () => this.say(ASK_FOR_PERSON),
      microphone: () => this.#pressMicrophone(),
      consent: (choice) => this.#consented(choice),
      changeConsent: () => this.panel.askConsent(this.permission),
      sound: () => this.#toggleSound(),
      download: () => this.#download(),
      end: () => this.#leave(),
    };
  }

  #pressMicrophone() {
    if (this.microphone.on) this.#stopListening();
    else if (this.permission) this.#startListening();
    else this.panel.askConsent();
  }

  #consented(choice) {
    this.permission = choice;
    this.panel.showConsent(choice);
    if (this.microphone.on) this.#sendConsent();
    else this.#startListening();
  }

  async #startListening() {
    this.panel.setMicrophone("starting");
    try {
      await this.microphone.start();
    } catch (error) {
      if (!(error instanceof MicrophoneRefused)) throw error;
      this.#microphoneLost(error.message);
      return;
    }
    if (!this.microphone.on) return; // pressed again meanwhile
    if (this.channel !== "voice" || this.wire.over) this.#begin("voice");
    else if (this.wire.ready) this.panel.setMicrophone("on");
  }

  #stopListening() {
    this.microphone.stop();
    this.panel.setMicrophone("off");
    this.panel.setPartial("");
  }

  #microphoneLost(sentence) {
    this.#stopListening();
    this.#write({ who: "problem", name: "Notice", text: sentence });
  }

  #frame(pcm, level) {
    const before = this.wire.dropped;
    this.wire.sendAudio(pcm);
    this.panel.setLevel(level);
    if (this.wire.dropped > before && this.wire.dropped === SLOW_LINE_FRAMES) {
      const text = "Your connection is slow: some of what you said did not reach us.";
      this.#write({ who: "problem", name: "Notice", text });
    }
  }

  #toggleSound() {
    this.speaking = !this.speaking;
    this.speaker.mute(!this.speaking);
    this.panel.setSound(this.speaking, true);
  }

  #leave() {
    this.#stopListening();
    this.speaker.close();
    this.wire?.end();
  }

  #download() {
    const text = this.lines.map((line) => `[${line.at}] ${line.name}: ${line.text}`).join("\n");
    const blob = new Blob([`${this.settings.title}\n\n${text}\n`], { type: "text/plain;charset=utf-8" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "conversation.txt";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  // ---- the session

  #begin(channel) {
    const before = this.wire;
    this.wire = null; // the old session's last words must not end the new one
    before?.end();
    this.channel = channel;
    this.typed = [];
    this.panel.setHandoff("");
    this.panel.setSound(this.speaking, false);
    const { customer, token, server, speak } = this.settings;
    const voice = channel === "voice" ? { audio: MICROPHONE_FORMAT, speak } : {};
    const wire = new Wire(server, { channel, customer, token, ...voice }, {
      // A session that was replaced may still have messages on the way: they are nobody's now.
      state: (name, detail) => wire === this.wire && this.#state(name, detail),
      message: (message) => wire === this.wire && this.#receive(message),
      audio: (buffer) => wire === this.wire && this.speaker.push(buffer),
    });
    this.wire = wire;
    wire.open();
  }

  #state(name, detail) {
    const tell = {
      connecting: () => this.panel.setStatus("Connecting…", "busy"),
      ready: () => this.#ready(detail),
      waiting: () => this.#away(detail),
      ended: () => this.#over("Conversation ended"),
      refused: () => this.#over("Not connected", detail.sentence),
    };
    tell[name]();
  }

  #ready({ message, resumed, lost }) {
    if (!resumed) this.talkingTo = BOT;
    this.#showOwner();
    const spoken = message.audio?.out;
    if (spoken) this.speaker.prepare(spoken);
    this.panel.setSound(this.speaking, Boolean(spoken));
    if (lost) this.#restarted();
    if (this.channel !== "voice") return;
    if (!resumed) this.#sendConsent();
    if (this.microphone.on) this.panel.setMicrophone("on");
  }

  #showOwner() {
    this.panel.setStatus(ownerInWords(this.talkingTo));
  }

  #restarted() {
    this.panel.setHandoff("");
    const text = "The connection was lost and the conversation started anew. Please say again what is still open.";
    this.#write({ who: "problem", name: "Notice", text });
  }

  #away({ busy }) {
    this.speaker.hush();
    this.panel.setPartial("");
    if (this.microphone.on) this.panel.setMicrophone("starting");
    this.panel.setStatus(busy ? "Very busy – trying again shortly…" : "Connection lost – reconnecting…", "busy");
  }

  #over(status, sentence) {
    this.#stopListening(); // but a spoken goodbye is heard out: it was sent faster than it sounds
    this.panel.setSuggestions([]);
    this.panel.setHandoff("");
    this.panel.setStatus(status, sentence ? "problem" : "calm");
    if (sentence) this.#write({ who: "problem", name: "Notice", text: sentence });
    else this.#write({ who: "notice", name: "Notice", text: "The conversation has ended. Write to start a new one." });
  }

  #sendConsent() {
    this.wire.send({ type: "consent", ...this.permission });
  }

  // ---- what the server says

  #receive(message) {
    const react = {
      partial: () => this.#isCustomer(message) && this.panel.setPartial(message.text),
      transcript: () => this.#isCustomer(message) && this.#transcript(message),
      understanding: () => this.panel.showMood(message),
      reply: () => this.#reply(message),
      speech: () => this.#speech(message),
      hush: () => this.speaker.hush(message.turn),
      handoff: () => this.#handoff(message),
      owner: () => this.#owner(message),
      agent: () => this.#write({ who: "person", name: message.name || "Our colleague", text: message.text }),
      error: () => this.#problem(message),
    };
    react[message.type]?.(); // later servers may say more than we know
  }

  #isCustomer({ leg }) {
    return leg !== "agent";
  }

  #transcript({ text, confidence, start }) {
    this.panel.setPartial("");
    const echo = Number.isFinite(start) ? -1 : this.typed.indexOf(text); // spoken words have a place in time
    if (echo >= 0) this.typed.splice(echo, 1);
    else if (text) {
      const note = confidence < UNCLEAR ? "We may not have heard this right" : undefined;
      this.#write({ who: "customer", name: "You", text, note });
    }
  }

  #reply({ text, source, suggestions = [] }) {
    const note = source?.title ? `From: ${source.title}` : undefined;
    this.#write({ who: "assistant", name: "Assistant", text, note });
    this.panel.setSuggestions(suggestions);
  }

  #speech({ turn, state }) {
    if (state === "start") this.speaker.begin(turn);
    else this.speaker.end(turn);
  }

  #handoff(message) {
    this.panel.setHandoff(handoffInWords(message));
  }

  #owner(message) {
    const isPerson = ({ owner }) => owner === "person" || owner === "supervisor";
    const handedBack = isPerson(this.talkingTo) && message.owner === "bot";
    this.talkingTo = message;
    this.#showOwner();
    if (isPerson(message)) this.panel.setSuggestions([]);
    if (handedBack) this.#write({ who: "notice", name: "Notice", text: "You are talking to the automated assistant again." });
  }

  #problem({ code, message }) {
    if (FOR_DEVELOPERS.has(code)) console.warn(`Hearken: ${code}: ${message}`);
    else this.#write({ who: "problem", name: "Notice", text: message || "Something went wrong." });
  }

  #write(line) {
    this.lines.push({ at: clock(), ...line });
    this.panel.addLine(line);
  }
}

export function mount(settings) {
  if (document.querySelector("hearken-widget")) return; // the tag may be on a page twice
  customElements.define("hearken-widget", Conversation);
  const element = document.createElement("hearken-widget");
  document.body.append(element);
  element.start(settings);
}
