// Whether somebody speaks near the microphone, while nobody has begun: only how loud it is, measured here and kept nowhere.

const TICK = 100; // ms
const LOUD = 4; // times as loud as the room usually is
const LEAST = 0.02; // root mean square below which nothing counts
const ENOUGH = 5; // ticks of the last second that must be loud

export class Presence {
  // `came()` is called when somebody speaks.
  constructor(came) {
    this.came = came;
    this.stream = this.context = null;
  }

  // Listens only where the microphone was permitted before and sound may run without a press; says nothing otherwise.
  async watch() {
    this.stop();
    const mine = this.round = Symbol("round");
    try {
      const { state } = await navigator.permissions.query({ name: "microphone" });
      if (state !== "granted" || this.round !== mine) return;
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const context = new AudioContext();
      if (this.round !== mine || context.state !== "running") {
        for (const track of stream.getTracks()) track.stop();
        await context.close();
        return;
      }
      Object.assign(this, { stream, context });
      this._measure();
    } catch { /* no microphone, or none that may be used: a tap begins */ }
  }

  stop() {
    this.round = null;
    clearInterval(this.timer);
    if (this.stream) for (const track of this.stream.getTracks()) track.stop();
    if (this.context) this.context.close();
    this.stream = this.context = null;
  }

  _measure() {
    const meter = this.context.createAnalyser();
    meter.fftSize = 2048;
    this.context.createMediaStreamSource(this.stream).connect(meter);
    const samples = new Float32Array(meter.fftSize);
    let room = LEAST / LOUD;
    let last = [];
    this.timer = setInterval(() => {
      meter.getFloatTimeDomainData(samples);
      const level = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      const loud = level > Math.max(LEAST, room * LOUD);
      if (!loud) room += (level - room) * 0.05;
      last = [...last.slice(-9), loud];
      if (last.filter(Boolean).length >= ENOUGH) {
        this.stop();
        this.came();
      }
    }, TICK);
  }
}
