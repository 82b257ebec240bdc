// What tests/bench/page.py measures in the page: the same moving positions, drawn by the built view and by others.

const K = 4; // different sets of positions, in turn
const SIDE = 700;
const HEIGHT = 480;

/** Positions in -1 … 1 that differ a little from set to set: 30 round clusters. */
function sets(n) {
  let state = 7;
  const random = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const middles = Array.from({ length: 30 }, () => [1.6 * random() - 0.8, 1.6 * random() - 0.8]);
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const [a, b] = middles[i % 30];
    const [r, angle] = [0.16 * Math.sqrt(random()), 2 * Math.PI * random()];
    x[i] = a + r * Math.cos(angle);
    y[i] = b + r * Math.sin(angle);
  }
  return Array.from({ length: K }, (_none, k) => ({
    x: x.map((value) => value * (1 - 0.03 * k)),
    y: y.map((value) => value * (1 + 0.02 * k)),
  }));
}

const turn = () => new Promise(requestAnimationFrame);
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

function place() {
  const el = document.createElement("div");
  el.style.cssText = `width: ${SIDE}px; height: ${HEIGHT}px`;
  document.body.append(el);
  return el;
}

/** One frame of each set, as the kernel sends it. */
function messages(n) {
  return sets(n).map(({ x, y }) => {
    const levels = new Uint16Array(2 * n);
    for (let i = 0; i < n; i++) {
      levels[2 * i] = Math.round((x[i] + 1) * 32767.5);
      levels[2 * i + 1] = Math.round((y[i] + 1) * 32767.5);
    }
    return levels;
  });
}

const header = (n, seq) => ({
  ...{ k: "frame", seq, it: 10 * seq, n, c: 2, q: "u16", lo: [-1, -1], sc: [2 / 65535, 2 / 65535], loss: 1.5 },
  ...{ state: "running", speed: 100, seconds: 1, params: {}, following: {}, note: "" },
});

/** Times what runs in the display's turns, and of that the copy of the picture into the view's own canvas. */
const meter = { turns: [], copied: 0 };
{
  const request = window.requestAnimationFrame;
  window.requestAnimationFrame = (callback) =>
    request((now) => {
      meter.copied = 0;
      const began = performance.now();
      callback(now);
      meter.turns.push({ time: performance.now() - began, copy: meter.copied });
    });
  const copy = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    const began = performance.now();
    copy.apply(this, args);
    meter.copied += performance.now() - began;
  };
}

window.bench = {
  meter,
  /** The built view: per frame the time to read the message, and that of the turn which uploads and draws it. */
  async ours(n, frames) {
    const positions = messages(n);
    const canvas = document.querySelector(".ne-canvas");
    const [decode, show, copy, whole] = [[], [], [], []];
    for (let k = 0; k < frames + 3; k++) {
      const message = header(n, k + 1);
      const buffer = new DataView(positions[k % K].slice().buffer);
      const began = performance.now();
      window.host.models[0].emit("msg:custom", message, [buffer]);
      const read = performance.now() - began;
      meter.turns.length = 0;
      while (canvas.dataset.seq !== String(k + 1)) await turn();
      const taken = meter.turns.find(({ time }) => time > 0.02) ?? meter.turns[0];
      await turn();
      if (k < 3) continue; // the first frames compile
      whole.push(performance.now() - began);
      decode.push(read);
      show.push(taken.time - taken.copy);
      copy.push(taken.copy);
      await new Promise((done) => setTimeout(done, 120));
    }
    return { decode: median(decode), show: median(show), copy: median(copy), whole: median(whole) };
  },
  async plotly(n, frames) {
    const positions = sets(n);
    const el = place();
    const { Plotly } = window;
    const trace = { type: "scattergl", mode: "markers", marker: { size: 2 }, x: positions[0].x, y: positions[0].y };
    await Plotly.newPlot(el, [trace], { width: SIDE, height: HEIGHT, xaxis: { range: [-1, 1] }, yaxis: { range: [-1, 1] } });
    return replaced(frames, (k) => Plotly.restyle(el, { x: [positions[k % K].x], y: [positions[k % K].y] }));
  },
  async regl(n, frames) {
    const positions = sets(n);
    const el = place();
    const canvas = document.createElement("canvas");
    el.append(canvas);
    const create = (await import("/peers/regl.js")).default;
    const plot = create({ canvas, width: SIDE, height: HEIGHT, pointSize: 2 });
    await plot.draw(positions[0]);
    return replaced(frames, (k) => plot.draw(positions[k % K]));
  },
  /** Frames at 10 a second while a hand moves over the picture; what the page's own thread was busy with. */
  async stream(n, seconds) {
    const positions = messages(n);
    const long = [];
    const delays = [];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)));
    observer.observe({ entryTypes: ["longtask"] });
    const canvas = document.querySelector(".ne-canvas");
    canvas.addEventListener("pointermove", (event) => delays.push(performance.now() - event.timeStamp));
    canvas.addEventListener("wheel", (event) => delays.push(performance.now() - event.timeStamp));
    meter.turns.length = 0;
    const until = performance.now() + 1000 * seconds;
    let seq = 1000;
    while (performance.now() < until) {
      window.host.models[0].emit("msg:custom", header(n, ++seq), [new DataView(positions[seq % K].slice().buffer)]);
      await new Promise((done) => setTimeout(done, 100));
    }
    observer.disconnect();
    const own = meter.turns.map(({ time, copy }) => time - copy);
    return {
      long: long.length,
      longest: Math.max(0, ...long),
      own: Math.max(...own),
      typical: median(own),
      delay: median(delays.length ? delays : [0]),
      frames: Number(canvas.dataset.seq) - 1000,
    };
  },
};

async function replaced(frames, draw) {
  const [calls, whole] = [[], []];
  for (let k = 0; k < frames + 3; k++) {
    meter.turns.length = 0;
    const began = performance.now();
    const promise = draw(k + 1);
    const call = performance.now() - began;
    await promise;
    const turns = meter.turns.reduce((sum, { time }) => sum + time, 0);
    await turn();
    if (k < 3) continue;
    calls.push(call + turns);
    whole.push(performance.now() - began);
  }
  return { show: median(calls), whole: median(whole) };
}
window.benchReady = true;
