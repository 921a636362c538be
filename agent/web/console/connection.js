/* The console's connection: it says hello, hands on what comes in, and comes back by itself.
 *
 * Nothing a person says is sent again after a lost connection: whether it arrived shows in the
 * conversation once that is open again (conversation.js). The listener is told
 * `state(name, detail)`, `message(object)` and `audio(ArrayBuffer)`.
 */
const AWAY_FOR_NOW = new Set([1001, 1006, 1011, 1013]); // worth coming back
const FIRST_WAIT_S = 0.5;
const LONGEST_WAIT_S = 10;
const MOST_UNSENT_BYTES = 32 * 1024; // a second of sound: what is older is not worth hearing

const CLOSED_BECAUSE = {
  1008: "The server did not let you in.",
  4001: "You have logged in with this name somewhere else. That window has your conversations now.",
};

export class Connection {
  constructor(url, hello, listener) {
    Object.assign(this, { url, hello, listener });
    this.ready = false; // the server has let us in
    this.waits = false; // for the next try
    this.over = false;
    this.attempts = 0;
    this.network = new AbortController();
  }

  open() {
    clearTimeout(this.timer);
    this.waits = false;
    if (!this.listens) this.#listen();
    this.listener.state("connecting");
    const socket = (this.socket = new WebSocket(this.url));
    this.opened = false;
    this.refusal = ""; // what the server said was wrong before it closed
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.opened = true;
      socket.send(JSON.stringify({ type: "hello", protocol: 1, ...this.hello }));
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = (event) => this.#closed(event, socket);
  }

  /** Whether it could be sent. */
  send(message) {
    if (!this.ready) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  sendAudio(pcm) {
    if (this.ready && this.socket.bufferedAmount <= MOST_UNSENT_BYTES) this.socket.send(pcm);
  }

  end() {
    this.#finish();
    this.socket?.close(1000);
  }

  #listen() {
    this.listens = true;
    const { signal } = this.network;
    // A browser notices a dead network long before a websocket does.
    addEventListener("offline", () => this.#cutOff(), { signal });
    addEventListener("online", () => this.waits && this.open(), { signal });
  }

  #receive(data) {
    if (this.over) return; // closing takes a moment
    if (typeof data !== "string") {
      this.listener.audio(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ready") {
      this.ready = true;
      this.attempts = 0;
      this.listener.state("ready", message);
    } else if (message.type === "error" && !this.ready) {
      this.refusal = message.message;
    } else {
      this.listener.message(message);
    }
  }

  async #closed({ code, reason }, socket) {
    if (socket !== this.socket) return;
    this.ready = false;
    const refused = !this.opened && (await this.#refusedWith());
    if (this.over || socket !== this.socket || this.waits) return;
    if (refused) this.#refuse(refused);
    else if (AWAY_FOR_NOW.has(code)) this.#comeBack();
    else this.#refuse(this.refusal || CLOSED_BECAUSE[code] || reason);
  }

  /** A browser does not tell why a websocket was refused; asked for as a page, the address does. */
  async #refusedWith() {
    try {
      const answer = await fetch(this.url.replace(/^ws/, "http"), { cache: "no-store" });
      return answer.status === 403 || answer.status === 404 ? await answer.text() : "";
    } catch (error) {
      if (error instanceof TypeError) return ""; // no network
      throw error;
    }
  }

  #cutOff() {
    if (this.over || !this.socket) return;
    this.socket.onmessage = this.socket.onclose = this.socket.onopen = null;
    this.socket.close();
    this.ready = false;
    this.#comeBack();
  }

  /** Full jitter: all consoles that one restart cuts off must not return in the same instant. */
  #comeBack() {
    const ceiling = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** this.attempts);
    const wait = ceiling * (0.2 + 0.8 * Math.random());
    this.attempts += 1;
    clearTimeout(this.timer);
    this.waits = true;
    this.timer = setTimeout(() => this.open(), wait * 1000);
    this.listener.state("waiting", { seconds: wait });
  }

  #refuse(sentence) {
    this.#finish();
    this.listener.state("refused", { sentence: sentence || "The server closed the connection." });
  }

  #finish() {
    this.over = true;
    this.ready = false;
    clearTimeout(this.timer);
    this.network.abort();
  }
}
