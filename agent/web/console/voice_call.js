/* Speaking with a customer: the microphone here, and the customer's sound as it comes in. */
import { Microphone, MicrophoneRefused } from "../microphone.js";

const RATE = 16000; // both ways
const LEAD_S = 0.08; // so that a piece a little late does not leave a gap
const LATEST_S = 0.5; // what lies further behind is left out, else people talk past each other

/** The customer's sound, played as it arrives. */
class AudioPlayer {
  start() {
    this.context = new AudioContext({ sampleRate: RATE });
    this.context.resume();
    this.until = 0;
  }

  push(buffer) {
    if (!this.context) return;
    const now = this.context.currentTime;
    const pcm = new Int16Array(buffer, 0, buffer.byteLength >> 1);
    if (!pcm.length || this.until > now + LATEST_S) return;
    const audio = this.context.createBuffer(1, pcm.length, RATE);
    audio.copyToChannel(Float32Array.from(pcm, (value) => value / 32768), 0);
    const source = this.context.createBufferSource();
    source.buffer = audio;
    source.connect(this.context.destination);
    const start = Math.max(now + LEAD_S, this.until);
    source.start(start);
    this.until = start + audio.duration;
  }

  stop() {
    this.context?.close();
    this.context = null;
  }
}

export class VoiceCall {
  /** `listener.frame(pcm)` for the microphone, `listener.changed()`, `listener.trouble(sentence)`. */
  constructor(listener) {
    this.listener = listener;
    this.session = null; // whose customer hears us
    this.player = new AudioPlayer();
    this.microphone = new Microphone("/static/pcm16k.js", false, {
      frame: (pcm) => listener.frame(pcm),
      lost: () => this.#fail("The microphone was disconnected. You can keep writing."),
    });
  }

  /** Whether it is on now. */
  async start(session) {
    this.session = session;
    this.player.start();
    try {
      await this.microphone.start();
    } catch (error) {
      if (!(error instanceof MicrophoneRefused)) throw error;
      this.#fail(error.message);
    }
    this.listener.changed();
    return this.session === session;
  }

  stop() {
    this.session = null;
    this.microphone.stop();
    this.player.stop();
    this.listener.changed();
  }

  play(buffer) {
    this.player.push(buffer);
  }

  #fail(sentence) {
    this.stop();
    this.listener.trouble(sentence);
  }
}
