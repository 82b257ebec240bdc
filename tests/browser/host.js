// A page that does what a notebook does: it holds models, mounts views of them, and carries messages.
import widget from "/static/widget.js";

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

class Model {
  constructor(state) {
    this.state = state;
    this.listeners = new Map();
    this.sent = [];
    this.answer = null;
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    this.state[name] = value;
    this.emit(`change:${name}`);
  }
  save_changes() {}
  on(event, callback) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(callback);
  }
  off(event, callback) {
    this.listeners.get(event)?.delete(callback);
  }
  send(content, callbacks, buffers = []) {
    const message = JSON.parse(JSON.stringify(content));
    // What the kernel receives: the numbers of a buffer, little-endian uint32.
    if (buffers.length > 0) message.points = [...new Uint32Array(buffers[0])];
    if (buffers.length > 1) message.places = [...new Float32Array(buffers[1])];
    this.sent.push(message);
    this.answer?.(content);
  }
  emit(event, ...args) {
    for (const callback of [...(this.listeners.get(event) ?? [])]) callback(...args);
  }
  listening() {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

const models = [];
const views = [];

window.host = {
  models,
  model(state) {
    for (const [name, value] of Object.entries(state)) if (value?.base64 !== undefined) state[name] = new DataView(bytes(value.base64).buffer);
    for (const name of ["_codes", "_selection"])
      if (typeof state[name] === "string") state[name] = new DataView(bytes(state[name]).buffer);
    models.push(new Model(state));
    return models.length - 1;
  },
  mount(model, style = "") {
    const el = document.createElement("div");
    el.className = "cell";
    el.style.cssText = style;
    document.body.append(el);
    views.push({ el, close: widget.render({ model: models[model], el }) });
    return views.length - 1;
  },
  unmount(view) {
    views[view].close();
    return views[view].el.childNodes.length;
  },
  receive(model, content, buffers = []) {
    models[model].emit("msg:custom", content, buffers.map((text) => new DataView(bytes(text).buffer)));
  },
  changeBytes(model, name, text) {
    models[model].set(name, new DataView(bytes(text).buffer));
  },
  change(model, name, value) {
    models[model].set(name, value?.base64 === undefined ? value : new DataView(bytes(value.base64).buffer));
  },
  // RGBA under a place given in CSS pixels of the picture.
  pixel(view, x, y) {
    const canvas = views[view].el.querySelector(".ne-canvas");
    const ratio = canvas.width / canvas.clientWidth;
    return [...canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data];
  },
  // Number of pixels of the picture that are not empty.
  inked(view) {
    const canvas = views[view].el.querySelector(".ne-canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++;
    return count;
  },
};
window.hostReady = true;
