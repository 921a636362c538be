/* What the customer sees: launcher, panel, messages. Draws what it is told and reports what was
 * pressed through `actions`; it decides nothing and knows no protocol. */
import { icon, make } from "./dom.js";
import { mood } from "./mood.js";

const COVERS_PAGE = matchMedia("(max-width: 480px)"); // the same width as in style.js
const NEAR_END_PX = 40;

const CONSENT = [
  ["recording", "Record this conversation", "A recording helps us to check and improve the service."],
  ["emotion", "Listen to my tone of voice",
    "How you sound helps us to notice when something is wrong. Without it we go by your words."],
];

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

export class Panel {
  constructor(root, settings, actions) {
    Object.assign(this, { root, settings, actions });
    this.unread = 0;
    this.following = true; // the newest message is kept in view
    this.lastTop = 0;
    this.#build();
    this.showMood({});
    root.append(this.launcher, this.dialog);
  }

  // ---- open and closed

  get isOpen() {
    return !this.dialog.hidden;
  }

  setOpen(open) {
    this.dialog.hidden = !open;
    this.launcher.hidden = open;
    this.launcher.setAttribute("aria-expanded", String(open));
    this.dialog.setAttribute("aria-modal", String(COVERS_PAGE.matches));
    if (!open) {
      this.launcher.focus();
      return;
    }
    this.#count(0);
    this.#toNewest();
    // On a phone, focus in the text field would throw up the keyboard over the conversation.
    (COVERS_PAGE.matches ? this.dialog : this.field).focus();
  }

  // ---- the conversation

  /** `who`: customer, assistant, person, notice or problem. */
  addLine({ who, name, text, note }) {
    const line = make(
      "div",
      { class: `line ${who}` },
      make("span", { class: who === "person" ? "name" : "unseen" }, name),
      make("p", {}, text),
      note ? make("span", { class: "note" }, note) : null,
    );
    this.log.append(line);
    this.following ||= who === "customer";
    this.#toNewest();
    if (!this.isOpen && who !== "customer") this.#count(this.unread + 1);
  }

  setPartial(text) {
    this.partial.textContent = text;
    this.partial.hidden = !text;
    this.#toNewest();
  }

  setSuggestions(texts) {
    const buttons = texts.map((text) =>
      make("button", { type: "button", onclick: () => this.#choose(text) }, text),
    );
    this.suggestions.replaceChildren(...buttons);
    this.suggestions.hidden = !texts.length;
    this.#toNewest();
  }

  showMood(understanding) {
    const { words, position } = mood(understanding);
    this.mood.words.textContent = words;
    this.mood.meter.classList.toggle("unknown", position === null);
    this.mood.meter.style.setProperty("--at", position ?? 0.5);
  }

  setHandoff(text) {
    this.handoff.replaceChildren(...(text ? [icon("person"), make("p", {}, text)] : []));
  }

  setStatus(text, tone = "calm") {
    this.status.textContent = text;
    this.status.dataset.tone = tone;
  }

  // ---- voice

  /** `state`: off, starting or on. Pressed means that the device is really open. */
  setMicrophone(state) {
    const live = state !== "off";
    this.microphone.setAttribute("aria-pressed", String(live));
    this.microphone.title = live ? "Stop the microphone" : "Speak instead of typing";
    this.microphone.replaceChildren(icon(live ? "stop" : "microphone"));
    this.dialog.classList.toggle("live", live);
    this.voice.hidden = !live;
    this.listening.textContent = state === "on" ? "Microphone on – listening" : "Starting…";
    this.field.placeholder = live ? "Speak, or type here" : "Type a message";
    this.setLevel(0);
  }

  setLevel(level) {
    const decibels = 20 * Math.log10(Math.max(level, 1e-4)); // -80 .. 0
    this.level.style.setProperty("--level", Math.max(0, Math.min(1, (decibels + 60) / 50)));
  }

  setSound(on, shown) {
    this.sound.hidden = !shown;
    this.sound.setAttribute("aria-pressed", String(on));
    this.sound.replaceChildren(icon(on ? "sound" : "silent"));
  }

  showConsent({ recording, emotion }) {
    const say = (yes) => (yes ? "yes" : "no");
    const tone = `Tone of voice: ${say(emotion)}`;
    this.agreed.textContent = this.settings.recording ? `Recording: ${say(recording)} · ${tone}` : tone;
  }

  /** Asks before the first use of the microphone; both answers start as "no". */
  askConsent(chosen = {}) {
    for (const [name] of this.#asked()) this.consent.elements[name].checked = Boolean(chosen[name]);
    this.consentStart.textContent = this.voice.hidden ? "Start talking" : "Save";
    this.consent.hidden = false;
    this.consent.elements[this.#asked()[0][0]].focus();
  }

  // ---- building

  #build() {
    this.launcher = make(
      "button",
      { class: "launcher", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false",
        onclick: () => this.actions.toggle(true) },
      icon("mark"),
      make("span", { class: "label" }, this.settings.title),
      (this.badge = make("span", { class: "badge", hidden: true })),
    );
    this.dialog = make(
      "section",
      { class: "panel", role: "dialog", "aria-label": this.settings.title, tabindex: "-1", hidden: true,
        onkeydown: (event) => this.#key(event) },
      this.#header(),
      this.#moodStrip(),
      (this.handoff = make("div", { class: "handoff", role: "status" })),
      this.#messages(),
      this.#consentForm(),
      this.#voiceStrip(),
      this.#composer(),
      this.#footer(),
    );
    // Shortcuts of the surrounding page must not fire while someone writes here.
    for (const type of ["keydown", "keypress", "keyup"]) {
      this.dialog.addEventListener(type, (event) => event.stopPropagation());
    }
  }

  #header() {
    return make(
      "header",
      {},
      make("span", { class: "mark" }, icon("mark")),
      make("div", { class: "heading" },
        make("h2", {}, this.settings.title),
        (this.status = make("p", { role: "status" }, "Automated assistant"))),
      (this.sound = this.#iconButton("sound", "Spoken replies", () => this.actions.sound())),
      this.#iconButton("save", "Download transcript", () => this.actions.download()),
      this.#iconButton("close", "Close", () => this.actions.toggle(false)),
    );
  }

  #moodStrip() {
    const words = make("span", { class: "words" });
    const meter = make("span", { class: "meter", "aria-hidden": "true" }, make("span", { class: "marker" }));
    this.mood = { words, meter };
    return make("div", { class: "mood", hidden: !this.settings.mood },
      make("span", {}, "Mood of the conversation"), words, meter);
  }

  #messages() {
    this.log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Messages" });
    this.partial = make("p", { class: "partial", hidden: true }); // outside the log: it changes too often to be read out
    this.suggestions = make("div", { class: "suggestions", role: "group", "aria-label": "Suggested replies",
      hidden: true });
    this.scroller = make("div", { class: "scroller", tabindex: "0", "aria-label": "Conversation",
      role: "region", onscroll: () => this.#scrolled() }, this.log, this.partial, this.suggestions);
    new ResizeObserver(() => this.#toNewest()).observe(this.scroller);
    return this.scroller;
  }

  #consentForm() {
    this.consentStart = make("button", { class: "primary", type: "submit" });
    this.consent = make(
      "form",
      { class: "consent", hidden: true, "aria-label": "Before you speak",
        onsubmit: (event) => this.#submitConsent(event) },
      make("h3", {}, "Before you speak"),
      make("p", {}, "You choose. Voice works either way, and you can change this at any time."),
      ...this.#asked().map(([name, label, why]) =>
        make("label", {}, make("input", { type: "checkbox", name }),
          make("span", {}, make("strong", {}, label), make("small", {}, why)))),
      make("div", { class: "choices" }, this.consentStart,
        make("button", { type: "button", onclick: () => this.#cancelConsent() }, "Not now")),
    );
    return this.consent;
  }

  #voiceStrip() {
    this.voice = make(
      "div",
      { class: "voice", hidden: true },
      make("span", { class: "dot", "aria-hidden": "true" }),
      (this.listening = make("span", { class: "listening", role: "status" })),
      (this.level = make("span", { class: "level", "aria-hidden": "true" }, make("span"))),
      (this.agreed = make("span", { class: "agreed" })),
      make("button", { type: "button", class: "link", "aria-label": "Change what you agreed to",
        onclick: () => this.actions.changeConsent() }, "Change"),
    );
    return this.voice;
  }

  #composer() {
    this.field = make("textarea", { rows: "1", "aria-label": "Your message", autocomplete: "off",
      maxlength: "4000", placeholder: "Type a message",
      onkeydown: (event) => this.#fieldKey(event), oninput: () => this.#fitField() });
    this.microphone = this.#iconButton("microphone", "Microphone", () => this.actions.microphone());
    this.microphone.setAttribute("aria-pressed", "false");
    this.microphone.classList.add("microphone");
    const send = make("button", { class: "icon send", type: "submit", title: "Send", "aria-label": "Send" },
      icon("send"));
    return make("form", { class: "composer", onsubmit: (event) => this.#submit(event) },
      this.field, this.microphone, send);
  }

  #footer() {
    return make("footer", {},
      make("button", { type: "button", class: "person-button", onclick: () => this.actions.person() },
        icon("person"), "Talk to a person"),
      make("button", { type: "button", class: "link", onclick: () => this.actions.end() },
        "End conversation"));
  }

  #iconButton(name, label, onclick) {
    return make("button", { class: "icon", type: "button", title: label, "aria-label": label, onclick },
      icon(name));
  }

  // ---- keys and pressing

  #key(event) {
    if (event.key === "Escape") {
      if (this.consent.hidden) this.actions.toggle(false);
      else this.#cancelConsent();
    } else if (event.key === "Tab" && COVERS_PAGE.matches) {
      this.#keepFocusInside(event);
    }
  }

  /** Only where the panel hides the page: elsewhere Tab may leave it, as the page is still in use. */
  #keepFocusInside(event) {
    const all = [...this.dialog.querySelectorAll("button, textarea, input, [tabindex='0']")];
    const reachable = all.filter((element) => element.getClientRects().length);
    const [first, last] = [reachable[0], reachable.at(-1)];
    const [from, to] = event.shiftKey ? [first, last] : [last, first];
    if (this.root.activeElement !== from) return;
    event.preventDefault();
    to.focus();
  }

  #fieldKey(event) {
    // While an input method is composing, Enter accepts a word and must not send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  }

  #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.#fitField();
    this.actions.say(text);
  }

  #fitField() {
    this.field.style.height = "auto";
    const borders = this.field.offsetHeight - this.field.clientHeight;
    this.field.style.height = `${this.field.scrollHeight + borders}px`;
  }

  #choose(text) {
    this.actions.say(text);
    this.field.focus(); // the button that had the focus is gone
  }

  #asked() {
    return CONSENT.filter(([name]) => name !== "recording" || this.settings.recording);
  }

  #submitConsent(event) {
    event.preventDefault();
    const agreed = (name) => Boolean(this.consent.elements[name]?.checked);
    this.consent.hidden = true;
    this.microphone.focus();
    this.actions.consent({ recording: agreed("recording"), emotion: agreed("emotion") });
  }

  #cancelConsent() {
    this.consent.hidden = true;
    this.microphone.focus();
  }

  /** Whoever scrolls up to read is left in peace until they come back down or write. */
  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    // A notice that takes room is no reader: only a move upwards is.
    if (scrollTop < this.lastTop) this.following = false;
    if (scrollTop + clientHeight > scrollHeight - NEAR_END_PX) this.following = true;
    this.lastTop = scrollTop;
  }

  #toNewest() {
    if (this.following) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #count(unread) {
    this.unread = unread;
    this.badge.textContent = unread;
    this.badge.hidden = !unread;
    const title = this.settings.title;
    this.launcher.setAttribute("aria-label", unread ? `${title}, ${plural(unread, "new message")}` : title);
  }
}
