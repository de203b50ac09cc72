// The microphone's worklet: whatever rate the device has, out come frames of 320 samples at 16,000 Hz.
const RATE = 16000;
const FRAME = 320; // 20 ms
const REACH = 12; // zero crossings of the low-pass filter on each side
const PHASES = 256; // positions between two samples that the filter is tabulated for

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE; // input samples for one output sample
    const cutoff = Math.min(1, 0.95 / this.step); // of the input's half rate: nothing folds back
    this.half = Math.ceil(REACH / cutoff);
    this.kernels = Array.from({ length: PHASES + 1 }, (_, phase) => kernel(this.half, cutoff, phase / PHASES));
    this.input = new Float32Array(0); // samples still needed
    this.at = this.half; // where in the input the next output sample lies
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }

  process([[channel]]) {
    if (!channel) return true; // between devices
    const input = new Float32Array(this.input.length + channel.length);
    input.set(this.input);
    input.set(channel, this.input.length);
    while (Math.floor(this.at) + this.half + 1 < input.length) {
      const whole = Math.floor(this.at);
      const taps = this.kernels[Math.round((this.at - whole) * PHASES)];
      const first = whole - this.half + 1;
      let sum = 0;
      for (let tap = 0; tap < taps.length; tap++) sum += taps[tap] * input[first + tap];
      this.put(sum);
      this.at += this.step;
    }
    const used = Math.floor(this.at) - this.half;
    this.input = input.slice(used);
    this.at -= used;
    return true;
  }

  put(sample) {
    this.frame[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.filled < FRAME) return;
    this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
  }
}

// A Hann-windowed sinc around the position `offset` (0 to 1) behind sample `half - 1`; its sum is 1.
function kernel(half, cutoff, offset) {
  const taps = new Float32Array(2 * half);
  let sum = 0;
  for (let tap = 0; tap < taps.length; tap++) {
    const x = tap - (half - 1) - offset;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
    taps[tap] = Math.abs(x) < half ? sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / half)) : 0;
    sum += taps[tap];
  }
  return taps.map((tap) => tap / sum);
}

registerProcessor("microphone", Microphone);
