// The loudspeaker: clips of one turn, gapless and in order; nothing of an older turn is ever heard.
const RATE = 24000;
const LEAD = 0.07; // seconds of jitter buffer before the first clip of a turn, and after it ran dry
const FADE = 0.004; // seconds
const REPORT = 100; // ms between two reports of how far has been heard
const KEPT = 300; // clips in the log
const LOUDEST = 3; // times as loud as the voice was made
const STRAIGHT = 0.7; // level up to which nothing is changed; above it sound is bent, so that it never breaks up

export class Player {
  // `report(turn, sequence, milliseconds)` is called while sound is heard, `changed()` when it begins or ends.
  constructor(report, changed) {
    this.report = report;
    this.changed = changed;
    this.log = []; // clips as they were scheduled: {turn, sequence, begins, ends}, seconds of the context
    this.context = null;
    this.held = false;
    this.loudness = 1;
    this.clear();
  }

  // Must be called from a press of a button: browsers start no sound otherwise.
  async open() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
      this.meter = this.context.createAnalyser();
      this.meter.fftSize = 256;
      this.louder = this.context.createGain();
      this.louder.gain.value = this.loudness / LOUDEST;
      const limit = this.context.createWaveShaper();
      limit.curve = softly();
      this.meter.connect(this.louder).connect(limit).connect(this.context.destination);
    }
    await this.context.resume();
  }

  // 1 is as the voice was made, LOUDEST the most.
  set volume(value) {
    this.loudness = value;
    if (this.context) this.louder.gain.setTargetAtTime(value / LOUDEST, this.context.currentTime, 0.02);
  }

  get volume() { return this.loudness; }

  // Seconds on the clock of what is heard; stands still while the sound is held.
  get clock() { return this.context ? this._heard() : performance.now() / 1000; }

  async close() {
    this.clear();
    const context = this.context;
    this.context = null;
    if (context) await context.close();
  }

  // Forget all turns: another connection counts anew.
  clear() {
    this._silence();
    this.turn = -1; // the newest turn known
    this.dropped = -1; // this turn and older ones are stale
  }

  begin(turn) {
    if (turn <= this.turn || turn <= this.dropped) return;
    this._silence();
    this.turn = turn;
  }

  // One clip of 16-bit samples; `about` is the message that came before it. False when it is stale.
  add(turn, sequence, samples, about) {
    if (!this.context || turn < this.turn || turn <= this.dropped) return false;
    this.begin(turn);
    if (sequence === 0 && this.complete) this._silence(); // the turn is said once more
    if (sequence !== this.clips.length) return false;
    const now = this.context.currentTime;
    const last = this.clips[sequence - 1];
    const begins = last && last.ends >= now ? last.ends : now + LEAD;
    const clip = { turn, sequence, begins, ends: begins + samples.length / RATE, about, source: null };
    if (samples.length) clip.source = this._schedule(samples, begins);
    this.clips.push(clip);
    this.log = [...this.log.slice(1 - KEPT), { turn, sequence, begins, ends: clip.ends }];
    this._watch();
    return true;
  }

  // All clips of the turn have come.
  finish(turn) {
    if (turn !== this.turn || turn <= this.dropped) return;
    this.complete = true;
    this._tick();
  }

  // Stand still at once; the context's clock stands too, so that nothing is lost.
  hold() {
    if (!this.context || this.held) return;
    this.held = true;
    if (this.bus) this._gain(0);
    this.context.suspend();
  }

  resume() {
    if (!this.held) return;
    this.held = false;
    if (this.bus) this._gain(1);
    this.context.resume();
  }

  // Drop the sound of `turn` and of all before it.
  stop(turn) {
    this.dropped = Math.max(this.dropped, turn);
    if (turn >= this.turn) this._silence();
  }

  // Whether something is heard, or stands still, or is still to come of a turn that has begun to sound.
  get speaking() {
    return this.clips.length > 0 && !(this.complete && this._heard() >= this.clips[this.clips.length - 1].ends);
  }

  // What is heard now: {turn, sequence, milliseconds, about}; null before the first sound.
  get position() {
    const heard = this._heard();
    const clip = this.clips.findLast((one) => one.begins <= heard);
    if (!clip) return null;
    const milliseconds = Math.round((Math.min(heard, clip.ends) - clip.begins) * 1000);
    return { turn: clip.turn, sequence: clip.sequence, milliseconds, about: clip.about };
  }

  // The loudest sample of the last 10 ms, 0 to 1; for meters and tests.
  get level() {
    if (!this.context || this.context.state !== "running") return 0;
    const samples = new Float32Array(this.meter.fftSize);
    this.meter.getFloatTimeDomainData(samples);
    return samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
  }

  _heard() {
    return this.context ? this.context.currentTime - (this.context.outputLatency || 0) : 0;
  }

  _schedule(samples, begins) {
    if (!this.bus) {
      this.bus = this.context.createGain();
      this.bus.connect(this.meter);
    }
    const buffer = this.context.createBuffer(1, samples.length, RATE);
    const channel = buffer.getChannelData(0);
    for (let at = 0; at < samples.length; at++) channel[at] = samples[at] / 32768;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.bus);
    source.start(begins);
    return source;
  }

  _gain(value) {
    const { gain } = this.bus;
    const now = this.context.currentTime;
    gain.cancelScheduledValues(now);
    if (value) gain.setTargetAtTime(value, now, FADE);
    else gain.setValueAtTime(0, now);
  }

  // Drop every clip; the old bus is cut off, so that even a clip that sounds now ends.
  _silence() {
    const { bus, clips = [] } = this;
    this.clips = [];
    this.complete = false;
    this.bus = null;
    clearInterval(this.timer);
    this.timer = 0;
    this.last = "";
    if (bus) {
      bus.disconnect();
      for (const { source } of clips) if (source) source.stop();
    }
    if (this.held) {
      this.held = false;
      this.context.resume();
    }
    if (clips.length) this.changed();
  }

  _watch() {
    if (this.timer) return;
    this.timer = setInterval(() => this._tick(), REPORT);
    this.changed();
  }

  _tick() {
    const { position } = this;
    const place = position && `${position.turn} ${position.sequence} ${position.milliseconds}`;
    if (position && place !== this.last) {
      this.last = place;
      this.report(position.turn, position.sequence, position.milliseconds);
    }
    if (this.timer && !this.speaking) {
      clearInterval(this.timer);
      this.timer = 0;
      this.changed();
    }
  }
}

// A curve for what comes at a LOUDEST-th of its level: straight, and above STRAIGHT bent towards 1.
function softly() {
  const room = 1 - STRAIGHT;
  const bent = (level) => (level <= STRAIGHT ? level : STRAIGHT + room * Math.tanh((level - STRAIGHT) / room));
  return Float32Array.from({ length: 4097 }, (_, at) => {
    const level = ((at - 2048) / 2048) * LOUDEST;
    return Math.sign(level) * bent(Math.abs(level));
  });
}
