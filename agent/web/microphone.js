/* The microphone: from the customer's permission to 20 ms frames of 16 kHz PCM, or a sentence
 * saying why not. Never starts by itself, and lets go of the device when stopped. */
const REFUSED_BECAUSE = {
  NotAllowedError: "The microphone is blocked. Allow it in your browser’s site settings, or keep typing.",
  NotFoundError: "No microphone was found. You can keep typing.",
  NotReadableError: "The microphone is in use by another program. You can keep typing.",
};
const UNAVAILABLE =
  "This page cannot use a microphone: browsers allow it only on secure (https) pages. You can keep typing.";
const UNKNOWN = "The microphone could not be started. You can keep typing.";

export class MicrophoneRefused extends Error {}

export class Microphone {
  /** `listener.frame(pcm, level)` for each frame, `listener.lost(sentence)` if the device goes away. */
  constructor(workletUrl, plain, listener) {
    Object.assign(this, { workletUrl, plain, listener });
    this.on = false;
  }

  async start() {
    this.on = true;
    try {
      this.stream = await this.#ask();
      await this.#connect();
    } catch (error) {
      this.stop();
      if (error instanceof MicrophoneRefused) throw error;
      throw new MicrophoneRefused(REFUSED_BECAUSE[error.name] ?? UNKNOWN);
    }
    if (!this.on) this.stop(); // stopped while the browser was still asking
  }

  stop() {
    this.on = false;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.stream = this.context = null;
  }

  #ask() {
    if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneRefused(UNAVAILABLE);
    // Loudness says something about how a person feels: automatic gain would flatten it.
    const audio = {
      channelCount: 1,
      echoCancellation: !this.plain,
      noiseSuppression: !this.plain,
      autoGainControl: false,
    };
    return navigator.mediaDevices.getUserMedia({ audio });
  }

  async #connect() {
    // The device's own rate: Firefox refuses a context at another rate than the microphone's.
    const context = (this.context = new AudioContext());
    await Promise.all([context.audioWorklet.addModule(this.workletUrl), context.resume()]);
    if (!this.on) return;
    const mono = { channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1] };
    const worklet = new AudioWorkletNode(context, "pcm16k", mono);
    worklet.port.onmessage = ({ data }) => this.on && this.listener.frame(data.pcm, data.level);
    context.createMediaStreamSource(this.stream).connect(worklet);
    worklet.connect(context.destination); // it writes silence; unconnected nodes may not be run
    this.stream.getAudioTracks()[0].onended = () => this.#lose();
  }

  #lose() {
    this.stop();
    this.listener.lost("The microphone was disconnected. You can keep typing.");
  }
}
