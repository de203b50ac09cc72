// The line to the server: one WebSocket that comes back by itself, and the microphone that speaks into it.
const WAITS = [300, 700, 1500, 3000, 6000]; // ms before another attempt, and then the last one again
const FULL = 64 * 1024; // bytes waiting to be sent, after which microphone sound is dropped

export class Line {
  // `heard(message)` gets JSON, `sound(turn, sequence, samples)` clips, `state(name)` one of
  // "down" (it tries again), "refused" (it doesn't).
  constructor(heard, sound, state) {
    Object.assign(this, { heard, sound, state });
    this.socket = null;
    this.session = "";
    this.attempt = 0;
    this.timer = 0;
  }

  get open() { return Boolean(this.socket) && this.socket.readyState === WebSocket.OPEN; }

  connect(session) {
    this.close();
    this.session = session;
    this._connect();
  }

  close() {
    clearTimeout(this.timer);
    this.session = "";
    this.attempt = 0;
    if (this.socket) {
      this.socket.onclose = this.socket.onmessage = null;
      this.socket.close();
    }
    this.socket = null;
  }

  send(message) {
    if (this.open) this.socket.send(JSON.stringify(message));
    return this.open;
  }

  frame(samples) {
    if (this.open && this.socket.bufferedAmount < FULL) this.socket.send(samples);
  }

  _connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/voice?session=${this.session}`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") {
        const message = JSON.parse(data);
        if (message.type === "listening") this.attempt = 0;
        this.heard(message);
        return;
      }
      const head = new DataView(data);
      this.sound(head.getUint32(0, true), head.getUint32(4, true), new Int16Array(data, 8));
    };
    socket.onclose = (event) => {
      if (event.code === 1008 || event.code === 1013) { // the server said why before
        this.close();
        this.state("refused");
        return;
      }
      const wait = WAITS[Math.min(this.attempt++, WAITS.length - 1)];
      this.timer = setTimeout(() => this._connect(), wait * (0.8 + Math.random() * 0.4));
      this.state("down");
    };
  }
}

// Frames of 16-bit samples at 16,000 Hz go to `frame`; `ended` is called when the device goes away.
export class Microphone {
  constructor(frame, ended) {
    Object.assign(this, { frame, ended });
    this.stream = this.context = this.node = null;
  }

  get on() { return Boolean(this.stream); }

  // Rejects with the browser's DOMException, or with a TypeError where there is no microphone interface.
  async start() {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
    });
    this.stream = stream;
    const context = new AudioContext();
    this.context = context;
    try {
      await context.audioWorklet.addModule("/ui/microphone.js");
    } catch (error) {
      this.stop();
      throw error;
    }
    if (this.context !== context) return; // stopped meanwhile
    const node = this.node = new AudioWorkletNode(context, "microphone");
    node.port.onmessage = ({ data }) => { if (this.context === context) this.frame(data); };
    context.createMediaStreamSource(stream).connect(node);
    node.connect(context.destination); // it puts out silence; without this some browsers don't run it
    stream.getAudioTracks()[0].onended = () => { if (this.stream === stream) { this.stop(); this.ended(); } };
  }

  stop() {
    if (this.stream) {
      for (const track of this.stream.getTracks()) {
        track.onended = null;
        track.stop();
      }
    }
    if (this.node) this.node.port.onmessage = null;
    if (this.context) this.context.close();
    this.stream = this.context = this.node = null;
  }
}
