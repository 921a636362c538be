/* Spoken replies: pieces of PCM played without gaps, stopped at once, and an honest count of how
 * many milliseconds the customer really heard. */
const LEAD_S = 0.06; // head start, so that a piece a little late does not leave a gap
const NEARLY_S = 0.005; // "ended" may be told a rounding error before the clock says so

export class Speaker {
  /** `played(turn, ms)` is called once for each turn, when it has been heard or cut short. */
  constructor(played) {
    this.played = played;
    this.turns = []; // spoken replies not yet reported, oldest first
    this.open = null; // the one whose sound is arriving
    this.muted = false;
  }

  /** Plays at the server's own rate, so that the browser resamples once and not piece by piece. */
  prepare({ rate }) {
    if (this.context?.sampleRate === rate) return;
    this.close();
    this.context = new AudioContext({ sampleRate: rate });
    this.context.resume(); // pressing the microphone was the gesture that browsers ask for
  }

  begin(turn) {
    this.open = { turn, pieces: [], complete: false, silenced: this.muted };
    this.turns.push(this.open);
    this.odd = null;
  }

  push(buffer) {
    const speech = this.open;
    if (!speech || speech.silenced || !this.context) return;
    const samples = this.#decode(buffer);
    if (!samples.length) return;
    const { context } = this;
    const audio = context.createBuffer(1, samples.length, context.sampleRate);
    audio.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = audio;
    source.connect(context.destination);
    const start = Math.max(context.currentTime + LEAD_S, this.#queuedUntil());
    source.start(start);
    speech.pieces.push({ source, start, duration: audio.duration });
    source.onended = () => this.#reportFinished();
  }

  end(turn) {
    if (this.open?.turn !== turn) return;
    this.open.complete = true;
    this.open = null;
    this.#reportFinished();
  }

  /** Silence now: whatever is playing or arriving, up to and including this turn. */
  hush(turn = Infinity) {
    for (const speech of [...this.turns]) if (speech.turn <= turn) this.#cut(speech);
  }

  mute(muted) {
    this.muted = muted;
    if (muted) this.hush();
  }

  close() {
    this.hush();
    this.context?.close();
    this.context = this.open = null;
  }

  #decode(buffer) {
    let bytes = new Uint8Array(buffer);
    if (this.odd !== null) bytes = Uint8Array.of(this.odd, ...bytes); // half a sample from before
    this.odd = bytes.length % 2 ? bytes[bytes.length - 1] : null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const samples = new Float32Array(bytes.length >> 1);
    for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(2 * i, true) / 32768;
    return samples;
  }

  #queuedUntil() {
    const last = this.turns.flatMap((speech) => speech.pieces).at(-1);
    return last ? last.start + last.duration : 0;
  }

  #cut(speech) {
    const heard = this.#heard(speech);
    speech.silenced = true; // the rest may still be on its way
    for (const { source } of speech.pieces) {
      source.onended = null;
      source.stop();
    }
    this.#report(speech, heard);
  }

  #heard({ pieces }) {
    const now = (this.context?.currentTime ?? 0) - (this.context?.outputLatency || 0);
    const seconds = pieces.map(({ start, duration }) => Math.max(0, Math.min(now - start, duration)));
    return seconds.reduce((sum, value) => sum + value, 0);
  }

  #reportFinished() {
    for (const speech of [...this.turns]) {
      const last = speech.pieces.at(-1);
      const over = !last || last.start + last.duration <= this.context.currentTime + NEARLY_S;
      if (!speech.complete || !over) return;
      this.#report(speech, speech.pieces.reduce((sum, { duration }) => sum + duration, 0));
    }
  }

  #report(speech, seconds) {
    if (!this.turns.includes(speech)) return;
    this.turns.splice(this.turns.indexOf(speech), 1);
    this.played(speech.turn, Math.round(seconds * 1000));
  }
}
