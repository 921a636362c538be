/* AudioWorklet: the device's sample rate in, 16 kHz mono Int16 frames of 20 ms out.
 *
 * A polyphase windowed-sinc filter: low-pass and interpolation in one exact rational step
 * (48000 -> 1:3, 44100 -> 160:441), so there is no drift and no interpolation error. What the
 * filter has not finished with is kept between calls: blocks join without a click.
 * Each frame is posted as { pcm: ArrayBuffer (transferred), level: root mean square in 0..1 }.
 */
const OUT_RATE = 16000;
const FRAME = 320; // 20 ms
const CUTOFF = 0.875; // of the lower Nyquist frequency: 7 kHz for any device above 16 kHz
const LOBES = 24; // zero crossings of the sinc on each side; more is steeper and later

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** Taps for every fraction of an input sample at which an output sample can fall. */
function filterBank(inRate, phases) {
  const cutoff = (CUTOFF * Math.min(inRate, OUT_RATE)) / inRate; // 1 = input Nyquist
  const half = Math.ceil(LOBES / cutoff);
  return Array.from({ length: phases }, (_, phase) => {
    const taps = new Float32Array(2 * half);
    for (let k = 0; k < taps.length; k += 1) taps[k] = tap(k - half + 1 - phase / phases, half, cutoff);
    const sum = taps.reduce((total, value) => total + value, 0);
    return taps.map((value) => value / sum); // every phase has gain 1, or a hum at the phase rate appears
  });
}

function tap(t, half, cutoff) {
  const x = Math.PI * cutoff * t;
  const sinc = x === 0 ? 1 : Math.sin(x) / x;
  const turn = (Math.PI * t) / half;
  return sinc * (0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn)); // Blackman window
}

class Resampler {
  constructor(inRate) {
    const common = gcd(inRate, OUT_RATE);
    this.phases = OUT_RATE / common;
    this.step = inRate / common; // in units of 1/phases of an input sample
    this.bank = filterBank(inRate, this.phases);
    this.kept = new Float32Array(this.bank[0].length / 2 - 1); // silence before the first sample
    this.position = 0; // of the next output, in the same units, from the start of `kept`
  }

  push(block) {
    const input = new Float32Array(this.kept.length + block.length);
    input.set(this.kept);
    input.set(block, this.kept.length);
    const reach = this.bank[0].length;
    const output = [];
    let start = Math.floor(this.position / this.phases);
    while (start + reach <= input.length) {
      output.push(this.#at(input, start));
      this.position += this.step;
      start = Math.floor(this.position / this.phases);
    }
    const used = Math.min(start, input.length);
    this.kept = input.slice(used);
    this.position -= used * this.phases;
    return output;
  }

  #at(input, start) {
    const taps = this.bank[this.position % this.phases];
    let sum = 0;
    for (let k = 0; k < taps.length; k += 1) sum += taps[k] * input[start + k];
    return sum;
  }
}

class Pcm16k extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }

  process([[samples]]) {
    if (samples) for (const value of this.resampler.push(samples)) this.#write(value);
    return true;
  }

  #write(value) {
    const clipped = Math.max(-1, Math.min(1, value));
    this.frame[this.filled] = Math.round(clipped * 32767);
    this.filled += 1;
    if (this.filled < FRAME) return;
    const energy = this.frame.reduce((sum, sample) => sum + sample * sample, 0) / FRAME;
    const pcm = this.frame.buffer;
    this.port.postMessage({ pcm, level: Math.sqrt(energy) / 32768 }, [pcm]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }
}

registerProcessor("pcm16k", Pcm16k);
