/* What this console knows of one conversation: what was said, who owns it, and what the person here
 * has written. Draws nothing. */
const PERSONS = new Set(["person", "supervisor"]);

export class Conversation {
  constructor(session, me) {
    Object.assign(this, { session, me });
    this.id = null; // of its open handoff
    this.channel = "chat";
    this.customer = "";
    this.beganAt = "";
    this.owner = "bot";
    this.name = "";
    this.voice = false; // whether this console may speak and hear
    this.over = ""; // why it ended
    this.items = [];
    this.claims = [];
    this.moods = []; // { at, turn, upset, emotion, evidence }
    this.replies = [];
    this.whispers = []; // { after, name, text }: `after` is the item they followed
    this.draft = "";
    this.unsure = []; // sent, and not seen in the conversation yet
    this.unread = 0;
    this.known = false; // whether `opened` has come
  }

  get isMine() {
    return !this.over && PERSONS.has(this.owner) && this.name === this.me;
  }

  get isOthers() {
    return !this.over && PERSONS.has(this.owner) && this.name !== this.me;
  }

  get last() {
    return this.items.at(-1)?.n ?? 0;
  }

  /** The whole conversation as it stands. What was sent and is not in it goes back to the draft;
   * returns whether there was any such thing. */
  open(message) {
    const before = this.#mine().length;
    this.id = message.id ?? null;
    this.channel = message.channel;
    this.customer = message.customer ?? "";
    this.beganAt = message.began_at;
    this.voice = Boolean(message.voice);
    this.over = "";
    this.items = [...message.items];
    this.claims = message.claims ?? [];
    this.moods = (message.moods ?? []).map((one) => this.#mood(one));
    this.replies = message.suggestions ?? [];
    this.known = true;
    this.own(message);
    this.unsure.splice(0, Math.max(0, this.#mine().length - before));
    return this.takeBack();
  }

  own({ owner, name }) {
    this.owner = owner;
    this.name = name ?? "";
    if (!this.isMine) this.replies = [];
  }

  /** One more line, or an older one told anew. */
  add(item) {
    const at = this.items.findIndex((one) => one.n === item.n);
    if (at >= 0) this.items[at] = item;
    else this.items.push(item);
    if (item.kind === "person" && item.name === this.me) this.unsure.shift();
  }

  feel({ at, turn, upset, emotion, evidence }) {
    this.moods = this.moods.filter((one) => one.turn !== turn);
    this.moods.push({ at, turn, upset, emotion: emotion ?? null, evidence: evidence ?? [] });
    this.moods.sort((one, other) => one.at - other.at);
  }

  whisper({ name, text }) {
    const one = { after: this.last, name, text };
    this.whispers.push(one);
    return one;
  }

  /** Words of which nobody knows whether they arrived are written again by a person or not at all. */
  takeBack() {
    const lost = this.unsure.splice(0);
    if (lost.length) this.draft = [...lost, this.draft].filter(Boolean).join("\n");
    return lost.length > 0;
  }

  end(reason) {
    this.over = reason;
    this.voice = false;
    this.replies = [];
  }

  /** What the customer said in a turn, if we have it. */
  said(turn) {
    return this.items.find((item) => item.kind === "customer" && item.turn === turn)?.text ?? "";
  }

  #mine() {
    return this.items.filter((item) => item.kind === "person" && item.name === this.me);
  }

  #mood([at, upset, turn, emotion, evidence]) {
    const told = this.moods.find((one) => one.turn === turn); // evidence came when it was felt
    return { at, upset, turn, emotion: emotion ?? told?.emotion ?? null, evidence: evidence ?? told?.evidence ?? [] };
  }
}
