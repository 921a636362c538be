/* One session of the native protocol v1 over a websocket.
 *
 * Answers: are we connected, what came in, in what order. Knows nothing of the page. Each message
 * of ours is numbered (`n`) and kept until the server says that it has it (`received`), so that
 * after a lost connection nothing is missing and nothing is said twice.
 * The listener is told `state(name, detail)`, `message(object)` and `audio(ArrayBuffer)`.
 */
const AWAY_FOR_NOW = new Set([1001, 1006, 1013]); // restart, line lost, overloaded: worth coming back
const FIRST_WAIT_S = 0.5;
const LONGEST_WAIT_S = 8;
const MOST_UNSENT_BYTES = 64 * 1024; // two seconds of sound: older than that is not worth sending

const CLOSED_BECAUSE = {
  1008: "The server did not allow this connection.",
  1009: "That message was too big for the server.",
  1011: "Something went wrong on our side.",
  4001: "This conversation goes on in another window.",
};

export class Wire {
  constructor(url, hello, listener) {
    Object.assign(this, { url, hello, listener });
    this.ready = false;
    this.over = false;
    this.session = null;
    this.resumeToken = null;
    this.lastSeq = 0;
    this.attempts = 0;
    this.dropped = 0; // frames of sound not sent because the line was too slow
    this.count = 0; // of our messages, in this session
    this.kept = []; // { n, message, sent }: those the server has not said it has
  }

  open() {
    this.listener.state("connecting");
    try {
      this.socket = new WebSocket(this.url);
    } catch {
      this.#finish("refused", "This page is not allowed to reach the assistant.");
      return;
    }
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.#greet();
    this.socket.onmessage = ({ data }) => this.#receive(data);
    this.socket.onclose = (event) => this.#closed(event);
  }

  send(message) {
    if (this.over) return;
    const one = { n: ++this.count, message, sent: false };
    this.kept.push(one);
    if (this.ready) this.#post(one);
  }

  /** For what is only true now, such as how much was heard: never kept for later. */
  sendNow(message) {
    if (this.ready) this.socket.send(JSON.stringify(message));
  }

  sendAudio(frame) {
    if (!this.ready) return;
    if (this.socket.bufferedAmount > MOST_UNSENT_BYTES) this.dropped += 1;
    else this.socket.send(frame);
  }

  end() {
    this.sendNow({ type: "end" });
    this.#finish("ended");
    this.socket?.close(1000);
  }

  #post(one) {
    one.sent = true;
    this.socket.send(JSON.stringify({ ...one.message, n: one.n }));
  }

  #greet() {
    const { session, resumeToken: token, lastSeq: last_seq } = this;
    const resume = session ? { resume: { session, token, last_seq } } : {};
    this.socket.send(JSON.stringify({ type: "hello", protocol: 1, ...this.hello, ...resume }));
  }

  #receive(data) {
    if (typeof data !== "string") {
      this.listener.audio(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ready") {
      this.#begin(message);
      return;
    }
    this.#acknowledged(message.received);
    if (!this.#seenBefore(message)) this.listener.message(message);
  }

  #begin(message) {
    const resumed = message.session === this.session;
    const lost = this.session !== null && !resumed;
    // After a resume the server repeats what we missed, numbered from lastSeq + 1, and `ready`
    // itself may carry a later number: taking that one would discard the repeats.
    if (resumed) this.#acknowledged(message.received ?? this.#lastSent());
    else this.#startAnew(message.seq ?? 0);
    this.session = message.session;
    this.resumeToken = message.resume_token;
    this.attempts = 0;
    this.ready = true;
    for (const one of this.kept) this.#post(one); // before anything newer: their numbers are lower
    this.listener.state("ready", { message, resumed, lost });
  }

  /** Another session: what was said in the old one is not repeated in it, what was not is said. */
  #startAnew(seq) {
    this.lastSeq = seq;
    this.kept = this.kept.filter((one) => !one.sent);
    this.count = 0;
    for (const one of this.kept) one.n = ++this.count;
  }

  #acknowledged(received = 0) {
    this.kept = this.kept.filter((one) => one.n > received);
  }

  /** A server that does not count has what was sent, as far as anybody knows. */
  #lastSent() {
    return Math.max(0, ...this.kept.filter((one) => one.sent).map((one) => one.n));
  }

  #seenBefore({ seq }) {
    if (seq === undefined) return false;
    if (seq <= this.lastSeq) return true;
    this.lastSeq = seq;
    return false;
  }

  #closed({ code, reason }) {
    this.ready = false;
    if (this.over) return;
    if (AWAY_FOR_NOW.has(code)) this.#comeBack(code === 1013 ? reason : "");
    else if (code === 1000 || code === 1005) this.#finish("ended");
    else this.#finish("refused", CLOSED_BECAUSE[code] ?? "The connection was closed.");
  }

  /** Full jitter: a thousand widgets cut off by one restart must not return in the same instant. */
  #comeBack(reason) {
    const ceiling = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** this.attempts);
    const asked = Number(/\d+(\.\d+)?/.exec(reason)?.[0] ?? 0);
    const wait = asked + Math.random() * ceiling;
    this.attempts += 1;
    this.listener.state("waiting", { busy: asked > 0 });
    this.timer = setTimeout(() => this.open(), wait * 1000);
  }

  #finish(state, sentence) {
    if (this.over) return;
    this.over = true;
    this.ready = false;
    clearTimeout(this.timer);
    this.listener.state(state, { sentence });
  }
}
